package expr

import (
	"math"
	"strconv"
	"strings"

	"orrery.dev"
)

// canonical writes the node as an expression with every bracket in place.
func (n *node) canonical() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.op {
	case literal:
		b.WriteString(n.literal())
	case variable:
		if n.variable.list != "" && n.variable.question == Member {
			b.WriteString("(" + n.variable.Name + ")")
			return
		}
		b.WriteString(n.variable.Name)
	case both:
		join(b, "(", " && ", ")", n.args)
	case either:
		join(b, "(", " || ", ")", n.args)
	case conditional:
		b.WriteByte('(')
		n.args[0].write(b)
		join(b, " ? ", " : ", ")", n.args[1:])
	case within:
		b.WriteByte('(')
		n.args[0].write(b)
		join(b, " in [", ", ", "])", n.args[1:])
	case present:
		join(b, "has(", ", ", ")", n.args)
	case firstOf:
		join(b, "coalesce(", ", ", ")", n.args)
	case call:
		n.writeCall(b)
	}
}

func (n *node) writeCall(b *strings.Builder) {
	switch name := n.call.name; {
	case name == "neg":
		join(b, "-(", "", ")", n.args) // -7d.getHours() would be (-7d).getHours()
	case name == "!":
		b.WriteByte('!')
		n.args[0].write(b)
	case operatorTable[name] != nil:
		join(b, "(", " "+name+" ", ")", n.args)
	case n.call.method:
		n.args[0].write(b)
		b.WriteString("." + name)
		if n.zoneName != "" {
			b.WriteString("(" + strconv.QuoteToASCII(n.zoneName) + ")")
			return
		}
		join(b, "(", ", ", ")", n.args[1:])
	default:
		join(b, name+"(", ", ", ")", n.args)
	}
}

func join(b *strings.Builder, open, between, end string, nodes []*node) {
	b.WriteString(open)
	for i, n := range nodes {
		if i > 0 {
			b.WriteString(between)
		}
		n.write(b)
	}
	b.WriteString(end)
}

func (n *node) literal() string {
	switch n.typ {
	case Number:
		return formatNumber(n.number)
	case Bool:
		return strconv.FormatBool(n.truth)
	case Duration:
		return formatDuration(n.micros)
	case Timestamp:
		return `timestamp("` + orrery.Instant(n.micros).String() + `")`
	}
	return strconv.QuoteToASCII(n.text)
}

// formatNumber writes the shortest decimal that reads back as the same double.
func formatNumber(x float64) string {
	if x == 0 && math.Signbit(x) {
		return "-0.0" // -0 would be an integer, which has no sign at 0
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// formatDuration writes a duration literal in the largest unit that fits; every
// literal has whole seconds.
func formatDuration(micros int64) string {
	for _, u := range []struct {
		name string
		unit orrery.Duration
	}{{"d", orrery.Day}, {"h", orrery.Hour}, {"m", orrery.Minute}} {
		if micros%int64(u.unit) == 0 && micros != 0 {
			return strconv.FormatInt(micros/int64(u.unit), 10) + u.name
		}
	}
	return strconv.FormatInt(micros/int64(orrery.Second), 10) + "s"
}
