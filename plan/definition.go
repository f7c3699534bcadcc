package plan

import (
	"fmt"
	"strconv"
	"strings"

	"orrery.dev/spec"
)

// Definition gives the canonical text of feature i: two features with equal
// definitions under one contract have equal values, whatever their names.
func Definition(s *spec.Spec, i int) string {
	f := &s.Features[i]
	switch {
	case f.Aggregate != nil:
		a := f.Aggregate
		field, where := "", ""
		if a.Field >= 0 {
			field = "." + a.Event.Fields[a.Field].Name
		}
		if a.Where != nil {
			where = a.Where.Canonical()
		}
		return fmt.Sprintf("%s(%s%s by %s for %s window %d lag %d current %t where %q)", a.Kind, a.Event.Name, field,
			a.Event.Fields[a.By].Name, s.DecideOn.Fields[a.Key].Name, a.Window, a.Lag, a.Current, where)
	case f.Ratio != nil:
		return fmt.Sprintf("ratio(%s, %s, empty %s)", Definition(s, f.Ratio.Numerator), Definition(s, f.Ratio.Denominator),
			strconv.FormatFloat(f.Ratio.Empty, 'g', -1, 64))
	}
	var reads []string
	for _, name := range f.Expr.Vars() {
		if j := s.FeatureIndex(name); j >= 0 {
			reads = append(reads, name+" = "+Definition(s, j))
		}
	}
	return fmt.Sprintf("%s in %s with {%s}", f.Expr.Canonical(), s.Location, strings.Join(reads, "; "))
}

// SameFeatures reports whether every named feature has the same definition in
// both specs, so that a model trained under one can score under the other.
func SameFeatures(a, b *spec.Spec, names []string) bool {
	if a.DecideOn.Name != b.DecideOn.Name || a.Contract.Fingerprint() != b.Contract.Fingerprint() {
		return false
	}
	for _, name := range names {
		i, j := a.FeatureIndex(name), b.FeatureIndex(name)
		if i < 0 || j < 0 || Definition(a, i) != Definition(b, j) {
			return false
		}
	}
	return true
}
