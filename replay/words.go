package replay

import (
	"fmt"
	"strings"

	"orrery.dev"
)

// words says what would have changed, a sentence an action: "block would have
// answered 41 more that turned out fraud, worth 8,310.00 USD, and 17 more of the
// others, of 16 more customers".
func (r *backtester) words(actions []string, before, after map[string]*tally) []string {
	var out []string
	for _, action := range actions {
		was, is := r.tallyOf(before, action), r.tallyOf(after, action)
		found := is.positives - was.positives
		others := is.decisions - is.positives - (was.decisions - was.positives)
		if found == 0 && others == 0 {
			continue
		}
		var parts []string
		if found != 0 {
			parts = append(parts, more(found)+" that turned out "+r.outcomeName()+r.worth(was, is, found < 0))
		}
		if others != 0 {
			what := " of the others"
			if r.after.plan.Spec.Label == nil {
				what = ""
			}
			parts = append(parts, more(others)+what+r.entitiesOf(was, is))
		}
		out = append(out, fmt.Sprintf("%s would have answered %s", action, strings.Join(parts, ", and ")))
	}
	return out
}

// outcomeName is what a positive is called: the name of the label's field.
func (r *backtester) outcomeName() string {
	l := r.after.plan.Spec.Label
	return l.Event.Fields[l.Field].Name
}

func (r *backtester) worth(was, is *tally, fewer bool) string {
	var out string
	for i, field := range r.amounts {
		f := &r.after.plan.Spec.DecideOn.Fields[field]
		units := is.positiveSums[i] - was.positiveSums[i]
		if fewer {
			units = -units
		}
		out += fmt.Sprintf(", worth %s %s", grouped(orrery.DecimalValue(units).Format(f.Scale)), f.Unit)
		if len(r.amounts) > 1 {
			out += " of " + f.Name
		}
	}
	return out
}

// entitiesOf says how many more keys of the entity that the spec ranks, or else
// of the first, are among those that are not positive.
func (r *backtester) entitiesOf(was, is *tally) string {
	for i, field := range r.entities {
		if r.ranked >= 0 && field != r.ranked {
			continue
		}
		if n := len(is.keys[i]) - len(was.keys[i]); n != 0 {
			return fmt.Sprintf(", of %s %s", more(n), plural(r.after.plan.Spec.DecideOn.Fields[field].Name, n))
		}
		return ""
	}
	return ""
}

func more(n int) string {
	if n < 0 {
		return grouped(fmt.Sprint(-n)) + " fewer"
	}
	return grouped(fmt.Sprint(n)) + " more"
}

func plural(name string, n int) string {
	if n == 1 || n == -1 || strings.HasSuffix(name, "s") {
		return name
	}
	return name + "s"
}

// grouped puts commas between the thousands of a decimal number.
func grouped(number string) string {
	whole, fraction, dotted := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dotted {
		whole += "." + fraction
	}
	return sign + whole
}
