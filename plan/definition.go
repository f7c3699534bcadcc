package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/spec"
)

// Definition gives the canonical text of feature i and of all that it reads, the
// fields of events included: two features with equal definitions have equal
// values for one log, whatever their names and whatever else their specs have.
func Definition(s *spec.Spec, i int) string {
	f := &s.Features[i]
	switch {
	case f.Aggregate != nil:
		a := f.Aggregate
		field, where := "", ""
		if a.Field >= 0 {
			field = "." + fieldText(&a.Event.Fields[a.Field])
		}
		if a.Where != nil {
			where = a.Where.Canonical() + " of " + fieldsRead(s, a.Where)
		}
		return fmt.Sprintf("%s(%s%s by %s for %s window %d lag %d place %d share %t quantile %d half-life %d distance %d current %t where %q exact %d)", a.Kind, a.Event.Name, field,
			fieldText(&a.Event.Fields[a.By]), fieldText(&s.DecideOn.Fields[a.Key]), a.Window, a.Lag,
			a.Rank, a.Share, a.Quantile, a.HalfLife, a.Distance, a.Current, where, s.State.ExactEvents)
	case f.Listed != nil:
		l := &s.Lists[f.Listed.List]
		value := ""
		if l.Value != nil {
			value = strconv.FormatFloat(l.Value.Default, 'g', -1, 64)
		}
		return fmt.Sprintf("question %d to list %s %s of %s terms %t default %s: %s", f.Listed.Question, l.Name, f.Listed.Category, l.Of, l.Terms, value,
			fieldText(&s.DecideOn.Fields[f.Listed.Field]))
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
	return fmt.Sprintf("%s in %s with {%s} of %s", f.Expr.Canonical(), s.Location, strings.Join(reads, "; "), fieldsRead(s, f.Expr))
}

// fieldsRead tells the fields of events that an expression reads.
func fieldsRead(s *spec.Spec, p *expr.Program) string {
	var reads []string
	for _, name := range p.Vars() {
		event, field, _ := strings.Cut(name, ".")
		if t := s.Contract.Event(event); t != nil && t.Field(field) >= 0 {
			reads = append(reads, event+"."+fieldText(&t.Fields[t.Field(field)]))
		}
	}
	return strings.Join(reads, "; ")
}

// fieldText tells what of a field decides which values it can have.
func fieldText(f *orrery.Field) string {
	return fmt.Sprintf("%s(%s %s %d %t %s)", f.Name, f.Type, f.Entity, f.Scale, f.Optional, f.Default.Format(f.Scale))
}

// SameFeatures reports whether every named feature has the same definition in
// both specs, and their labels the same classes, so that a model trained under one can score under the other.
func SameFeatures(a, b *spec.Spec, names []string) bool {
	if a.DecideOn.Name != b.DecideOn.Name {
		return false
	}
	if !slices.Equal(classesOf(a), classesOf(b)) || severalOf(a) != severalOf(b) {
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

func classesOf(s *spec.Spec) []string {
	if s.Label == nil {
		return nil
	}
	return s.Label.Classes
}

func severalOf(s *spec.Spec) bool { return s.Label != nil && s.Label.Several }
