package train

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"orrery.dev/model"
	"orrery.dev/numeric"
)

// classGrower grows the trees of a forest of several classes on one core. Each
// leaf has a share for each class, so that one tree becomes as many, with the
// same splits.
type classGrower struct {
	*forest
	classes int
	random  *numeric.Random
	rows    []uint32 // of the tree, by node
	spare   []uint32 // for sorting rows
	drawn   []uint32 // [rows], how often each was drawn
	words   []int64  // [rows], the whole weight of each, as often as it was drawn
	order   []int    // the columns
	table   []int64  // [codes × classes], sums of words
	seen    []uint64 // one bit for each code
	entries []classEntry
	tree    model.Tree
	values  [][]float64 // [classes][leaves]
}

// classEntry is a code that some row of a node has, and the words of these rows
// by class, which sum to all.
type classEntry struct {
	code    int
	classes []int64
	all     int64
}

// classPart is a node that is still to be split or made a leaf.
type classPart struct {
	from, to, depth, parent int
	right                   bool
}

func newClassGrower(f *forest) *classGrower {
	n, most := f.rows.Len(), 0
	for i := range f.data.columns {
		most = max(most, f.data.columns[i].values())
	}
	k := len(f.rows.Classes)
	return &classGrower{forest: f, classes: k, rows: make([]uint32, n), spare: make([]uint32, n), drawn: make([]uint32, n),
		words: make([]int64, n), order: make([]int, len(f.data.columns)), table: make([]int64, most*k), seen: make([]uint64, most/64+1)}
}

// grow grows tree number i, the left side of each split first, and gives it for
// each class.
func (g *classGrower) grow(ctx context.Context, i int) []model.Tree {
	g.random = numeric.NewRandom(uint64(g.Seed), uint64(i))
	for f := range g.order {
		g.order[f] = f
	}
	g.tree, g.values = model.Tree{}, make([][]float64, g.classes)
	stack := []classPart{{to: g.draw(), parent: -1}}
	for len(stack) > 0 && ctx.Err() == nil {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		best := g.search(p)
		if best.gain == 0 {
			g.leaf(p)
			continue
		}
		number := len(g.tree.Feature)
		attach(&g.tree, p.parent, p.right, int32(number))
		c := &g.data.columns[best.column]
		addSplit(&g.tree, &best, c)
		middle := p.from + partition(g.rows[p.from:p.to], c.codes, &best, g.spare)
		stack = append(stack, classPart{from: middle, to: p.to, depth: p.depth + 1, parent: number, right: true},
			classPart{from: p.from, to: middle, depth: p.depth + 1, parent: number})
	}
	out := make([]model.Tree, g.classes)
	for k := range out {
		out[k] = g.tree
		out[k].Value = g.values[k]
	}
	return out
}

// draw draws as many rows as there are, with replacement, and gives the number
// of different ones.
func (g *classGrower) draw() int {
	draw(g.random, g.drawn)
	n := 0
	for i, count := range g.drawn {
		if count > 0 {
			g.rows[n], g.words[i] = uint32(i), g.word(i, count)
			n++
		}
	}
	return n
}

// sums gives the words of a node's rows by class.
func (g *classGrower) sums(p classPart) (classes []int64, all int64) {
	classes = make([]int64, g.classes)
	for _, r := range g.rows[p.from:p.to] {
		classes[int(g.forest.rows.Y[r])] += g.words[r]
		all += g.words[r]
	}
	return classes, all
}

// purity is the sum of squared weights of classes over the weight of all, of
// which the fall of Gini impurity is the gain.
func purity(classes []int64, all int64) float64 {
	sum := 0.0
	for _, w := range classes {
		sum += float64(float64(w) * float64(w))
	}
	return sum / float64(all)
}

// search tries columns in random order until enough have been tried that differ
// within the node.
func (g *classGrower) search(p classPart) split {
	total, all := g.sums(p)
	parent := purity(total, all)
	if p.depth == g.Depth || slices.Contains(total, all) || float64(all) < 2*g.MinLeaf*g.quanta.hessian {
		return split{}
	}
	s := classSearch{total: total, all: all, least: g.MinLeaf * g.quanta.hessian, smoothing: g.Smoothing * g.quanta.hessian,
		left: make([]int64, g.classes), right: make([]int64, g.classes), best: split{gain: parent + 1e-10*parent}}
	for tried, i := 0, 0; tried < g.tries && i < len(g.order); i++ {
		j := i + g.random.IntN(len(g.order)-i)
		g.order[i], g.order[j] = g.order[j], g.order[i]
		c := &g.data.columns[g.order[i]]
		g.list(c, g.rows[p.from:p.to])
		if len(g.entries) >= 2 {
			tried++
			s.column(g.entries, c, g.order[i])
		}
		for _, e := range g.entries {
			clear(e.classes)
		}
	}
	if !s.found {
		return split{}
	}
	return s.best
}

// list lists the entries of a column by code; they hold until they are
// cleared.
func (g *classGrower) list(c *column, rows []uint32) {
	k := g.classes
	for _, r := range rows {
		code := int(c.codes[r])
		g.table[code*k+int(g.forest.rows.Y[r])] += g.words[r]
		g.seen[code>>6] |= 1 << (code & 63)
	}
	g.entries = g.entries[:0]
	for i, word := range g.seen[:c.values()/64+1] {
		for ; word != 0; word &= word - 1 {
			code := i<<6 + bits.TrailingZeros64(word)
			e := classEntry{code: code, classes: g.table[code*k : (code+1)*k]}
			for _, w := range e.classes {
				e.all += w
			}
			g.entries = append(g.entries, e)
		}
		g.seen[i] = 0
	}
}

// leaf gives a node the share of each class in its weight.
func (g *classGrower) leaf(p classPart) {
	attach(&g.tree, p.parent, p.right, ^int32(len(g.tree.Cover)))
	classes, all := make([]float64, g.classes), 0.0
	for _, r := range g.rows[p.from:p.to] {
		w := g.forest.rows.weight(int(r)) * float64(g.drawn[r])
		classes[int(g.forest.rows.Y[r])] += w
		all += w
	}
	g.tree.Cover = append(g.tree.Cover, all)
	for k, w := range classes {
		g.values[k] = append(g.values[k], min(w/all, 1))
	}
}

// classSearch is a search for the best split of a node, the first of equals.
type classSearch struct {
	total            []int64
	all              int64
	least, smoothing float64
	left, right      []int64 // [classes]
	best             split
	found            bool
}

func (s *classSearch) column(entries []classEntry, c *column, column int) {
	if c.categories {
		s.categories(entries, c.values(), column)
		return
	}
	var missing *classEntry
	if entries[0].code == 0 {
		missing, entries = &entries[0], entries[1:]
	}
	clear(s.left)
	var left int64
	for i := range entries {
		left += s.add(&entries[i], 1)
		at := split{column: column, code: entries[i].code}
		if i+1 < len(entries) {
			at.next = entries[i+1].code
		} else if missing == nil {
			break
		}
		at.missing = missing == nil && 2*left >= s.all
		s.try(left, at)
		if missing != nil && at.next > 0 {
			at.missing = true
			s.try(left+s.add(missing, 1), at)
			s.add(missing, -1)
		}
	}
}

// categories cuts the categories in the order of the smoothed share of each
// class in turn. For two classes one of these cuts is the best way to part them;
// for more it need not be.
func (s *classSearch) categories(entries []classEntry, codes, column int) {
	type ordered struct {
		classEntry
		share float64
	}
	order := make([]ordered, len(entries))
	for k := range s.total {
		mean := float64(s.total[k]) / float64(s.all)
		for i, e := range entries {
			order[i] = ordered{e, (float64(e.classes[k]) + float64(s.smoothing*mean)) / (float64(e.all) + s.smoothing)}
		}
		slices.SortFunc(order, func(a, b ordered) int { return cmp.Or(cmp.Compare(a.share, b.share), cmp.Compare(a.code, b.code)) })
		clear(s.left)
		where, heavy := -1, false
		var left int64
		for i := range order[:len(order)-1] {
			left += s.add(&order[i].classEntry, 1)
			if s.try(left, split{column: column}) {
				where, heavy = i, 2*left >= s.all
			}
		}
		if where >= 0 {
			list := make([]entry, len(order))
			for i := range order {
				list[i].code = order[i].code
			}
			s.best.set = newCodeSet(list, where, codes, heavy)
		}
	}
}

// add moves an entry to the left, or back, and gives its weight.
func (s *classSearch) add(e *classEntry, sign int64) int64 {
	for k, w := range e.classes {
		s.left[k] += sign * w
	}
	return e.all
}

// try takes a split if it is better than the best.
func (s *classSearch) try(left int64, at split) bool {
	right := s.all - left
	if left == 0 || right == 0 || float64(left) < s.least || float64(right) < s.least {
		return false
	}
	for k, w := range s.left {
		s.right[k] = s.total[k] - w
	}
	if at.gain = purity(s.left, left) + purity(s.right, right); at.gain <= s.best.gain {
		return false
	}
	s.best, s.found = at, true
	return true
}
