package spec

import (
	"strings"

	"orrery.dev/expr"
)

// compileFeatures compiles the expressions of features, and notes what each
// reads.
func (c *checker) compileFeatures(s *scope) {
	for _, d := range c.features.list {
		if d.source == nil {
			continue
		}
		d.reads = nil
		if d.program = c.compile(d.source, s); d.program == nil {
			continue
		}
		switch t := d.program.Type(); t {
		case expr.Number, expr.Bool, expr.String:
			if t == expr.String && s.event != nil {
				c.keepsNone(d.source, s.event, d.program)
			}
			for i := range d.scalars {
				d.scalars[i].Category = t == expr.String
			}
		default:
			c.errorf(d.source, "not_a_number", "a feature is a number, a bool or a text, and `%s` is %s", d.name, article(t.String())).
				note("compare it, or take a number from it")
			d.program = nil
			continue
		}
		for _, name := range d.program.Vars() {
			if read := c.features.owner[name]; read != nil {
				d.reads = append(d.reads, read)
			}
		}
	}
	for _, d := range c.features.list {
		if d.program != nil && c.readsCategory(d.source, d.program) {
			d.program = nil
		}
	}
}

// readsCategory reports an expression that reads a feature whose value is that of
// a text. Which features are is known only once all are compiled.
func (c *checker) readsCategory(n *node, p *expr.Program) bool {
	for _, name := range p.Vars() {
		if c.isCategory(name) {
			c.categoryOperand(n.at, n.path, name)
			return true
		}
	}
	return false
}

// place puts the features in evaluation order and fills Spec.Features. A cycle
// is reported once.
func (c *checker) place() {
	var path, order []*declared
	for _, d := range c.features.list {
		c.visit(d, &path, &order)
	}
	moved, n := false, 0
	for _, d := range order {
		moved = moved || d.first != n
		d.first = n
		n += len(d.scalars)
	}
	for _, d := range order {
		if d.ratio != nil && !d.vague {
			c.bindRatio(d)
			c.dividesText(d)
		}
	}
	// Expressions were compiled for the order of the file.
	if moved && len(c.diags) == 0 {
		c.compileFeatures(c.decisionEnv(decisionScope{}))
	}
	for _, d := range order {
		for _, f := range d.scalars {
			f.Expr = d.program
			c.spec.Features = append(c.spec.Features, f)
		}
	}
}

// dividesText reports a ratio of an expression that gives a text.
func (c *checker) dividesText(d *declared) {
	for i, o := range d.operands {
		if o.feature.program != nil && o.feature.program.Type() == expr.String {
			item := d.ratio.list()[i]
			c.categoryDivided(item, o.feature.name)
		}
	}
}

// visit appends a feature to the order, after all that it reads. path has the
// features on the way to it.
func (c *checker) visit(d *declared, path, order *[]*declared) {
	if d.placed == underway {
		c.cycle(d, *path)
		return
	}
	if d.placed == done {
		return
	}
	d.placed = underway
	*path = append(*path, d)
	for _, read := range d.reads {
		c.visit(read, path, order)
	}
	*path = (*path)[:len(*path)-1]
	d.placed = done
	*order = append(*order, d)
}

func (c *checker) cycle(d *declared, path []*declared) {
	from := len(path) - 1
	for from > 0 && path[from] != d {
		from--
	}
	var names []string
	for _, step := range path[from:] {
		names = append(names, step.name)
	}
	names = append(names, d.name)
	if len(names) == 2 {
		c.errorf(d.key, "feature_cycle", "the feature `%s` reads itself", d.name)
		return
	}
	c.errorf(d.key, "feature_cycle", "the feature `%s` reads itself by way of others", d.name).
		note("%s", strings.Join(names, " → "))
}
