package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// growTree makes a random tree of exactly leaves leaves, no deeper than depth,
// by splitting leaves at random.
func growTree(r *rand.Rand, features, leaves, depth int) Tree {
	type leaf struct {
		parent int32
		right  bool
		depth  int
	}
	var t Tree
	open := []leaf{{parent: -1}}
	var closed []leaf
	link := func(l leaf, c int32) {
		switch {
		case l.parent < 0:
		case l.right:
			t.Right[l.parent] = c
		default:
			t.Left[l.parent] = c
		}
	}
	for len(open) > 0 && len(open)+len(closed) < leaves {
		i := r.IntN(len(open))
		l := open[i]
		open = append(open[:i], open[i+1:]...)
		if l.depth == depth {
			closed = append(closed, l)
			continue
		}
		s := int32(len(t.Feature))
		link(l, s)
		t.Feature = append(t.Feature, int32(r.IntN(features)))
		t.Threshold = append(t.Threshold, r.NormFloat64())
		t.Left, t.Right = append(t.Left, 0), append(t.Right, 0)
		t.MissingLeft = append(t.MissingLeft, r.IntN(2) == 0)
		open = append(open, leaf{s, false, l.depth + 1}, leaf{s, true, l.depth + 1})
	}
	for _, l := range append(closed, open...) {
		link(l, ^int32(len(t.Value)))
		t.Value, t.Cover = append(t.Value, r.Float64()), append(t.Cover, 1)
	}
	return t
}

func growTrees(r *rand.Rand, n, features, leaves, depth int) []Tree {
	trees := make([]Tree, n)
	for i := range trees {
		trees[i] = growTree(r, features, leaves, depth)
	}
	return trees
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("f%d", i)
	}
	return out
}

func randomRows(r *rand.Rand, rows, features int) []float64 {
	out := make([]float64, rows*features)
	for i := range out {
		out[i] = r.NormFloat64()
		if r.IntN(50) == 0 {
			out[i] = math.NaN()
		}
	}
	return out
}

func benchmark(b *testing.B, trees, features, leaves, depth int) {
	r := rand.New(rand.NewPCG(1, 2))
	m, err := NewTrees(GBDT, names(features), 0, growTrees(r, trees, features, leaves, depth))
	if err != nil {
		b.Fatal(err)
	}
	const n = 4096
	rows := randomRows(r, n, features)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Score(rows[i*features : (i+1)*features])
		i = (i + 1) % n
	}
}

func BenchmarkScore100x31(b *testing.B)     { benchmark(b, 100, 15, 31, 6) }
func BenchmarkScore100x64(b *testing.B)     { benchmark(b, 100, 15, 64, 6) }
func BenchmarkScoreWide100x31(b *testing.B) { benchmark(b, 100, 250, 31, 6) }
func BenchmarkScore100x1000(b *testing.B)   { benchmark(b, 100, 15, 1000, 30) }

// A third of the features have 200 categories each.
func BenchmarkScoreCategories100x31(b *testing.B) {
	const features, n = 15, 4096
	r := rand.New(rand.NewPCG(1, 2))
	trees, lists := growTrees(r, 100, features, 31, 6), make([][]float64, features)
	for f := 0; f < features; f += 3 {
		for i := range 200 {
			lists[f] = append(lists[f], float64(1000*f+i))
		}
	}
	for i := range trees {
		t := &trees[i]
		t.Sets = make([][]uint64, len(t.Feature))
		for s, f := range t.Feature {
			if len(lists[f]) > 0 {
				t.Sets[s], t.Threshold[s] = []uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64() & (1<<9 - 1)}, 0
			}
		}
	}
	m, err := NewCategoryTrees(GBDT, names(features), lists, 0, trees)
	if err != nil {
		b.Fatal(err)
	}
	rows := randomRows(r, n, features)
	for i := range rows {
		if f := i % features; len(lists[f]) > 0 {
			rows[i] = lists[f][r.IntN(200)]
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Score(rows[i*features : (i+1)*features])
		i = (i + 1) % n
	}
}
