package spec

import (
	"math"
	"strings"
)

// operand is one side of a ratio: a declared feature, and the scalar of it that
// is meant, -1 for all.
type operand struct {
	feature *declared
	window  int
}

// count gives the number of windows of the operand, 0 for a single scalar.
func (o operand) count() int {
	if o.window >= 0 || len(o.feature.windows) == 0 || o.feature.windows[0].suffix == "" {
		return 0
	}
	return len(o.feature.windows)
}

// pairRatio resolves the operands of a ratio and its windows. Operands that are
// ratios come first; one that leads back here is left for place to report.
func (c *checker) pairRatio(d *declared) {
	if d.paired != untouched {
		return
	}
	d.paired = underway
	defer func() { d.paired = done }()
	items := d.ratio.list()
	if d.ratio.bad || d.ratio.shape == sequence && len(items) < len(d.ratio.items) {
		d.vague = true
		return
	}
	if len(items) != 2 {
		d.vague = true
		c.errorf(d.ratio, "bad_ratio", "a ratio is of two features, and this lists %d", len(items)).
			note("for example: {ratio: [terminal_frauds, terminal_count]}")
		return
	}
	for i, item := range items {
		d.operands[i] = c.resolveRatioOperand(item)
		if f := d.operands[i].feature; f == nil {
			d.vague = true
		} else {
			d.reads = append(d.reads, f)
			d.vague = d.vague || f.vague
		}
	}
	if !d.vague {
		c.pairWindows(d)
	}
}

func (c *checker) resolveRatioOperand(n *node) operand {
	if strings.Contains(n.text, "*") {
		c.errorf(n, "bad_reference", "a ratio names features one by one, without *")
		return operand{}
	}
	if d := c.features.byName[n.text]; d != nil {
		if d.ratio != nil {
			c.pairRatio(d)
		}
		return operand{d, -1}
	}
	for _, d := range c.features.list {
		if !d.prefixes(n.text) {
			continue
		}
		if d.ratio != nil {
			c.pairRatio(d)
		}
		for i, w := range d.windows {
			if w.suffix != "" && n.text == d.name+"_"+w.suffix {
				return operand{d, i}
			}
		}
	}
	c.unknownFeature(n, c.features.operandNames())
	return operand{}
}

// operandNames lists what a ratio can name, as far as suggestions look.
func (fs *features) operandNames() []string {
	var list []string
	for _, d := range fs.list {
		if list = append(list, d.name); len(list) >= maxCandidates {
			break
		}
		for _, w := range d.windows {
			if w.suffix != "" {
				list = append(list, d.name+"_"+w.suffix)
			}
		}
	}
	return list
}

// pairWindows gives a ratio the windows of its operands.
func (c *checker) pairWindows(d *declared) {
	over, under := d.operands[0], d.operands[1]
	switch {
	case over.count() == 0 && under.count() == 0:
		return
	case over.count() == 0:
		d.windows = under.feature.windows
		return
	}
	d.windows = over.feature.windows
	if under.count() == 0 {
		return
	}
	same := over.count() == under.count()
	for _, w := range d.windows {
		same = same && under.feature.windowIndex(w) >= 0
	}
	if !same {
		d.vague = true
		c.errorf(d.ratio, "ratio_windows", "`%s` and `%s` have different windows", over.feature.name, under.feature.name).
			note("`%s` has %s and `%s` has %s", over.feature.name, over.feature.windowList(), under.feature.name, under.feature.windowList())
	}
}

func (d *declared) windowIndex(w window) int {
	for i := range d.windows {
		if d.windows[i].span == w.span && d.windows[i].place == w.place {
			return i
		}
	}
	return -1
}

func (d *declared) windowList() string {
	var list []string
	for _, w := range d.windows {
		list = append(list, w.suffix)
	}
	return strings.Join(list, ", ")
}

// bindRatio gives the scalars of a ratio their places in Spec.Features, once all
// features have theirs.
func (c *checker) bindRatio(d *declared) {
	empty, ok := valueOf[float64](d.node, "empty")
	if !ok {
		empty = math.NaN()
	}
	for i, item := range d.ratio.list() {
		o := d.operands[i]
		for j, f := range o.feature.scalars {
			if f.Category && (o.window < 0 || o.window == j) {
				c.categoryDivided(item, f.Name)
				return
			}
		}
	}
	for i := range d.scalars {
		index := func(o operand) int {
			switch {
			case o.window >= 0:
				return o.feature.first + o.window
			case o.count() == 0:
				return o.feature.first
			}
			return o.feature.first + o.feature.windowIndex(d.windows[i])
		}
		d.scalars[i].Ratio = &Ratio{Numerator: index(d.operands[0]), Denominator: index(d.operands[1]), Empty: empty}
	}
}

func (c *checker) categoryDivided(n *node, name string) {
	c.errorf(n, "category_operand", "`%s` is a category, the number of a text, and cannot be divided", name).
		note("of a text, take a `count` or a `distinct`")
}
