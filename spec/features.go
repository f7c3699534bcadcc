package spec

import (
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// features are the declared features while they are resolved.
type features struct {
	// list has them in the order of the file.
	list   []*declared
	byName map[string]*declared
	// owner gives the declared feature of a scalar.
	owner map[string]*declared
	names names
}

// declared is one feature of the file, of one or more scalars.
type declared struct {
	name      string
	key, node *node
	// kind is set for an aggregate; ratio has the operands of a ratio; source the
	// expression of the rest. All are nil where a fault hides what it is.
	kind   *declare.Kind
	ratio  *node
	source *node
	// windows is nil where the one scalar has the declared name.
	windows []window
	// vague says that its scalars are not known.
	vague   bool
	scalars []Feature
	program *expr.Program

	operands [2]operand
	paired   pairing
	// reads has what must be computed before it.
	reads  []*declared
	placed pairing
	// first is the index in Spec.Features of its first scalar.
	first int
}

// window is what makes one scalar of several: one window of an aggregate, and of
// a kind with places the place in it, with their spelling.
type window struct {
	suffix string
	span   orrery.Duration
	place
}

// place is one of the values that a kind has for a window.
type place struct {
	rank  int
	share bool
}

// pairing is the state of a walk along references, for finding cycles.
type pairing uint8

const (
	untouched pairing = iota
	underway
	done
)

// resolveFeatures fills Spec.Features.
func (c *checker) resolveFeatures(root *node) {
	fs := &features{byName: make(map[string]*declared), owner: make(map[string]*declared)}
	c.features = fs
	n := root.find("features")
	if n == nil || n.shape != mapping {
		fs.names.open = n != nil || root.partial || c.lost["features"]
		return
	}
	fs.names.open = n.partial
	for _, e := range n.entries {
		if !e.ignored {
			c.declareFeature(e)
		}
	}
	for _, d := range fs.list {
		if d.ratio != nil {
			c.pairRatio(d)
		}
	}
	for _, d := range fs.list {
		c.expand(d)
	}
	for _, d := range fs.list {
		if d.kind != nil {
			c.resolveAggregate(d)
		}
	}
	next := 0
	for _, d := range fs.list {
		d.first = next
		next += len(d.scalars)
	}
	c.compileFeatures(c.decisionEnv(decisionScope{}))
	c.place()
}

// declareFeature enters a feature by its name and says what sort it is.
func (c *checker) declareFeature(e entry) {
	d := &declared{name: e.key.text, key: e.key, node: e.value, first: -1}
	c.reserved(e.key, reservedWords, "feature")
	if c.events.has(d.name) && !e.key.bad {
		e.key.bad = true
		c.errorf(e.key, "shadows_event", "`%s` is an event, so no feature can have it for a name", d.name)
	}
	c.features.list = append(c.features.list, d)
	c.features.byName[d.name] = d
	c.features.names.add(d.name, e.key.bad)
	switch n := e.value; {
	case n.bad:
		d.vague = true
	case n.shape == scalar:
		d.source = n
	case n.find("value") != nil:
		d.source = n.get("value")
	case n.find("ratio") != nil:
		d.ratio = n.find("ratio")
	default:
		for i := range c.reg.Features {
			if n.find(c.reg.Features[i].Name) != nil {
				d.kind = &c.reg.Features[i]
			}
		}
		if d.vague = d.kind == nil; !d.vague {
			c.resolveWindows(d)
		}
	}
}

// maxWindows bounds the windows of one feature.
const maxWindows = 100

// resolveWindows reads an aggregate's windows.
func (c *checker) resolveWindows(d *declared) {
	if d.kind.WithoutWindow {
		return
	}
	n := d.node.find("window")
	if n == nil || n.bad {
		d.vague = true
		return
	}
	items := n.list()
	if len(items) > maxWindows {
		d.vague = true
		c.errorf(n, "too_many", "`%s` has %d windows; a feature has at most %d", d.name, len(items), maxWindows)
		return
	}
	d.vague = n.shape == sequence && len(items) < len(n.items)
	seen := make(map[orrery.Duration]bool)
	for _, item := range items {
		span := item.value.(orrery.Duration)
		switch {
		case span == 0 && d.kind.NeedsWindow:
			c.errorf(item, "window_needed", "`%s` is not kept over all time", d.kind.Name).note("give it a window, such as `window: 7d`")
		case seen[span]:
			c.errorf(item, "duplicate_window", "the window `%s` is listed twice", item.text)
			continue
		}
		seen[span] = true
		w := window{span: span}
		if n.shape == sequence {
			w.suffix = item.text
		}
		d.windows = append(d.windows, w)
	}
	c.resolvePlaces(d)
}

// resolvePlaces gives each window of a kind with places one scalar for each: the
// values in the last n events, the k most frequent values and their shares.
func (c *checker) resolvePlaces(d *declared) {
	key := ""
	for _, f := range d.kind.Fields {
		if f.Name == "n" || f.Name == "k" {
			key = f.Name
		}
	}
	if key == "" || d.node.find(key) == nil {
		return
	}
	n, ok := valueOf[int](d.node, key)
	if !ok || n < 1 || n > maxPlaces {
		d.vague = true
		return
	}
	windows := d.windows
	d.windows = nil
	for _, w := range windows {
		for rank := range n {
			one := w
			one.rank, one.suffix = rank, suffixed(w.suffix, strconv.Itoa(rank+1))
			d.windows = append(d.windows, one)
			if key == "k" {
				one.share, one.suffix = true, one.suffix+"_share"
				d.windows = append(d.windows, one)
			}
		}
	}
}

// maxPlaces is the most places that a kind can declare.
const maxPlaces = 100

func suffixed(a, b string) string {
	if a == "" {
		return b
	}
	return a + "_" + b
}

// expand makes a feature's scalars and enters their names.
func (c *checker) expand(d *declared) {
	windows := d.windows
	if len(windows) == 0 {
		windows = []window{{}}
	}
	for _, w := range windows {
		f := Feature{Name: d.name, Declared: d.name}
		if w.suffix != "" {
			f.Name += "_" + w.suffix
		}
		if d.node.shape == mapping {
			f.About, f.Unit = textOf(d.node, "about"), textOf(d.node, "unit")
		}
		if other := c.features.owner[f.Name]; other != nil && other != d {
			at, before := d, other
			if d.name == f.Name && other.key.at.line > d.key.at.line {
				at, before = other, d
			}
			c.errorf(at.key, "duplicate_feature", "there are two features `%s`", f.Name).
				note("the other is made by `%s` on line %d", before.name, before.key.at.line)
			continue
		}
		c.features.owner[f.Name] = d
		d.scalars = append(d.scalars, f)
	}
}

// scalarNames lists the scalars of all features, in the order of the file.
func (fs *features) scalarNames() []string {
	var list []string
	for _, d := range fs.list {
		if d.vague {
			continue
		}
		for _, f := range d.scalars {
			list = append(list, f.Name)
		}
	}
	return list
}

// hidden reports whether a name may be a feature that a fault hides.
func (c *checker) hidden(name string) bool {
	if c.lost[name] || c.features.names.open {
		return true
	}
	for _, d := range c.features.list {
		if d.vague && (name == d.name || d.prefixes(name)) {
			return true
		}
	}
	return false
}

// prefixes reports whether a name could be that of a scalar of the feature.
func (d *declared) prefixes(name string) bool {
	return len(name) > len(d.name) && name[len(d.name)] == '_' && strings.HasPrefix(name, d.name)
}

// unknownFeature reports a name that is no feature.
func (c *checker) unknownFeature(n *node, candidates []string) {
	if c.hidden(n.text) {
		return
	}
	known := names{list: candidates}
	c.unresolved(n, "unknown_feature", "feature", n.text, &known)
}
