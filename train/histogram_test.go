package train

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"orrery.dev/model"
)

// greedy grows a tree the slow way: every column, every threshold between two
// neighbouring values of the node, a missing value either way, the sums counted
// anew each time.
type greedy struct {
	rows  *Rows
	g, h  []int64
	rule  rule
	depth int
}

type greedyNode struct {
	rows   []int
	parent int
	right  bool
}

func (o *greedy) sums(rows []int) (s sums) {
	for _, i := range rows {
		s.g += float64(o.g[i])
		s.h += float64(o.h[i])
	}
	return s
}

// sides sends rows by a split.
func (o *greedy) sides(rows []int, f int, threshold float64, missingLeft bool) (left, right []int) {
	for _, i := range rows {
		if x := o.rows.Row(i)[f]; x <= threshold || x != x && missingLeft {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	return left, right
}

// thresholds gives those worth trying, in order; the last, above all values, is
// for missing values alone.
func (o *greedy) thresholds(rows []int, f int) (out []float64, missing bool) {
	var values []float64
	for _, i := range rows {
		if x := o.rows.Row(i)[f]; x == x {
			values = append(values, x)
		} else {
			missing = true
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	for i := 1; i < len(values); i++ {
		out = append(out, (values[i-1]+values[i])/2)
	}
	if missing && len(values) > 0 {
		out = append(out, math.MaxFloat64)
	}
	return out, missing
}

type greedySplit struct {
	f           int
	threshold   float64
	missingLeft bool
	left, right []int
}

func (o *greedy) best(rows []int) (best greedySplit, found bool) {
	total := o.sums(rows)
	most := o.rule.least(total)
	for f := range o.rows.Names {
		thresholds, missing := o.thresholds(rows, f)
		for _, threshold := range thresholds {
			for _, missingLeft := range []bool{false, true} {
				left, right := o.sides(rows, f, threshold, missingLeft)
				a, b := o.sums(left), o.sums(right)
				if !missing {
					if missingLeft {
						continue
					}
					missingLeft = 2*a.h >= total.h
				}
				if a.h < o.rule.minHessian || b.h < o.rule.minHessian {
					continue
				}
				if gain := o.rule.score(a) + o.rule.score(b); gain > most {
					most, found = gain, true
					best = greedySplit{f, threshold, missingLeft, left, right}
				}
			}
		}
	}
	return best, found
}

// grow gives the tree, level by level, and the rows of each leaf.
func (o *greedy) grow() (t model.Tree, leaves [][]int) {
	all := make([]int, o.rows.Len())
	for i := range all {
		all[i] = i
	}
	level := []greedyNode{{rows: all, parent: -1}}
	for depth := 0; len(level) > 0; depth++ {
		var next []greedyNode
		for _, n := range level {
			best, found := greedySplit{}, false
			if depth < o.depth {
				best, found = o.best(n.rows)
			}
			if !found {
				attach(&t, n.parent, n.right, ^int32(len(leaves)))
				leaves = append(leaves, n.rows)
				continue
			}
			number := len(t.Feature)
			attach(&t, n.parent, n.right, int32(number))
			t.Feature, t.Threshold = append(t.Feature, int32(best.f)), append(t.Threshold, best.threshold)
			t.MissingLeft, t.Left, t.Right = append(t.MissingLeft, best.missingLeft), append(t.Left, 0), append(t.Right, 0)
			next = append(next, greedyNode{best.left, number, false}, greedyNode{best.right, number, true})
		}
		level = next
	}
	return t, leaves
}

// wholeRows have few or many distinct whole values a column, some missing.
func wholeRows(r *rand.Rand, n, columns, distinct int) *Rows {
	rows := &Rows{Names: columnNames(columns)}
	for range n {
		for range columns {
			x := float64(r.IntN(distinct))
			if r.IntN(10) == 0 {
				x = math.NaN()
			}
			rows.X = append(rows.X, x)
		}
		rows.Y = append(rows.Y, float64(r.IntN(2)))
	}
	return rows
}

func newTestGrower(o *greedy, size int) *grower {
	t := &team{size}
	g := newGrower(newBinned(o.rows, nil, MaxBins, t), t)
	g.rule, g.depth = o.rule, o.depth
	for f := range o.rows.Names {
		g.columns = append(g.columns, f)
	}
	return g
}

// The histogram's tree is the slow one, whatever the shape of the data: dense
// and sparse nodes, packed and unpacked sums, one core and several.
func TestGrowIsExactGreedy(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	for trial := range 150 {
		rows := wholeRows(r, 2+r.IntN(150), 1+r.IntN(4), 2+r.IntN(1<<r.IntN(9)))
		o := &greedy{rows: rows, depth: 1 + r.IntN(5),
			rule: rule{l1: float64(r.IntN(2) * 5), l2: float64(r.IntN(10)), minHessian: float64(r.IntN(30)), minGain: float64(r.IntN(3))}}
		for range rows.Len() {
			o.g, o.h = append(o.g, int64(r.IntN(201)-100)), append(o.h, int64(1+r.IntN(50)))
		}
		want, leaves := o.grow()
		for _, packed := range []bool{true, false} {
			g, values, drawn := newTestGrower(o, 1+trial%3), newLot(rows.Len(), packed), make([]uint32, rows.Len())
			for i := range drawn {
				drawn[i] = uint32(i)
				values.first[i] = pack(o.g[i], o.h[i])
			}
			if !packed {
				values.first, values.second = o.g, o.h
			}
			if err := g.grow(context.Background(), drawn, values); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(g.tree, want) {
				t.Fatalf("trial %d, packed %v: the tree is\n%+v, want\n%+v", trial, packed, g.tree, want)
			}
			for i, n := range g.leaves {
				for j, row := range g.all.rows[n.from:n.to] {
					if int(row) != leaves[i][j] || n.rows() != len(leaves[i]) {
						t.Fatalf("leaf %d has the rows %v, want %v", i, g.all.rows[n.from:n.to], leaves[i])
					}
				}
			}
		}
	}
}

// Sorted on several cores, rows are where they would be on one.
func TestPartition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	const n = 5*partitionBlock + 77
	codes := make([]uint16, n)
	for i := range codes {
		codes[i] = uint16(r.IntN(6))
	}
	for _, s := range []split{{code: 3, next: 4}, {code: 3, next: 4, missing: true}, {code: 5}, {code: 1, next: 2}} {
		var want, right, rows []uint32
		for i, c := range codes {
			rows = append(rows, uint32(i))
			if int(c) <= s.code && (c > 0 || s.missing) {
				want = append(want, uint32(i))
			} else {
				right = append(right, uint32(i))
			}
		}
		left := len(want)
		want = append(want, right...)
		for _, size := range []int{1, 3} {
			got := slices.Clone(rows)
			if n := (&team{size}).partition(got, codes, &s, make([]uint32, n)); n != left || !slices.Equal(got, want) {
				t.Errorf("%+v on %d cores sends %d left, want %d", s, size, n, left)
			}
		}
	}
}

func TestRound(t *testing.T) {
	for x, want := range map[float64]int64{0: 0, 0.5: 0, 1.5: 2, -0.5: 0, -1.5: -2, -2.6: -3, 1 << 50: 1 << 50, -1<<50 - 0.25: -1 << 50} {
		if got := round(x); got != want {
			t.Errorf("%v is rounded to %d", x, got)
		}
	}
}

func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	var word, g, h int64
	for range 1000 {
		a, b := r.Int64N(1<<21)-1<<20, r.Int64N(1<<20)
		word += pack(a, b)
		g += a
		h += b
		if x, y := unpack(word); x != float64(g) || y != float64(h) {
			t.Fatalf("%v and %v, want %d and %d", x, y, g, h)
		}
	}
	if x, y := unpack(pack(-1<<31, 1<<32-1)); x != -1<<31 || y != 1<<32-1 {
		t.Errorf("the limits come back as %v and %v", x, y)
	}
}

// Whole numbers sum within their limits however the sizes lie, and are as fine
// as that allows; too many rows for one word take two.
func TestQuantaDoNotOverflow(t *testing.T) {
	for _, c := range []struct {
		rows   int
		g, h   float64
		packed bool
	}{
		{1000, 0.5, 0.25, true}, {67_000, 0.02, 0.01, true}, {67_000, 0.5, 0.25, true}, {1, 1e-200, 1e-200, true},
		{1, 1e300, 1e300, true}, {10_000_000, 0.5, 0.25, false}, {2_000_000_000, 1, 1, false},
	} {
		l := quantaLimits{gradient: c.g, hessian: c.h, gradients: c.g * float64(c.rows), hessians: c.h * float64(c.rows)}
		q := newQuanta([]quantaLimits{l}, c.rows)
		if q.packed != c.packed {
			t.Errorf("%+v: packed %v", c, q.packed)
		}
		g, h := q.whole(-c.g, c.h)
		sumG, sumH := -float64(g)*float64(c.rows), float64(h)*float64(c.rows)
		most, mostH := float64(1<<31), float64(1<<32)
		if !q.packed {
			most, mostH = 1<<53, 1<<53
		}
		if sumG >= most || sumH >= mostH {
			t.Errorf("%+v: the sums are %v and %v", c, sumG, sumH)
		}
		if float64(g) > -leastQuanta && c.g > 1e-200 {
			t.Errorf("%+v: a gradient is only %d", c, g)
		}
	}
}
