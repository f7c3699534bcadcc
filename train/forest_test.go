package train

import (
	"bytes"
	"context"
	"math"
	"runtime"
	"testing"

	"orrery.dev/model"
	"orrery.dev/numeric"
)

func fitForest(t testing.TB, o Forest, rows *Rows) *model.Trees {
	t.Helper()
	m, err := o.Fit(context.Background(), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model.Trees)
}

func smallForest() Forest {
	return Forest{Trees: 12, Depth: 30, Bins: 500, ColumnSample: 0.34, MinLeaf: 1, Seed: 1}
}

func TestForestOnAnyCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rows := rareRows(4000, 6, 1)
	weighted := *rows
	for i := range rows.Len() {
		weighted.Weight = append(weighted.Weight, 0.3+float64(i%7))
	}
	for _, rows := range []*Rows{rows, &weighted} {
		var want []byte
		for _, cores := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(cores)
			got := modelBytes(t, fitForest(t, smallForest(), rows))
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d cores give other bytes", cores)
			}
		}
	}
}

// Grown to the end on distinct rows, a tree knows each row it was grown on; its
// leaves' weights are those of the rows drawn.
func TestForestTreesAreFullyGrown(t *testing.T) {
	rows := rareRows(3000, 6, 2)
	o := smallForest()
	o.Bins = MaxBins
	m := fitForest(t, o, rows)
	for i, tree := range m.Trees() {
		cover := 0.0
		for leaf, v := range tree.Value {
			cover += tree.Cover[leaf]
			if v != 0 && v != 1 {
				t.Fatalf("leaf %d of tree %d is %v", leaf, i, v)
			}
		}
		if cover != float64(rows.Len()) {
			t.Errorf("tree %d was grown on %v rows", i, cover)
		}
		random := numeric.NewRandom(1, uint64(i))
		for range rows.Len() {
			row := random.IntN(rows.Len())
			if got := tree.Value[tree.Leaf(rows.Row(row))]; got != rows.Y[row] {
				t.Fatalf("tree %d gives row %d, which it was grown on, %v", i, row, got)
			}
		}
	}
}

// With every column tried, the root's split is the one of least Gini impurity.
func TestForestSplitsByGini(t *testing.T) {
	rows := rareRows(400, 3, 3)
	o := smallForest()
	o.Bins, o.ColumnSample, o.MinLeaf = MaxBins, 1, 5
	for i, tree := range fitForest(t, o, rows).Trees() {
		counts := make([]float64, rows.Len())
		random := numeric.NewRandom(1, uint64(i))
		for range counts {
			counts[random.IntN(len(counts))]++
		}
		impurity := func(f int, threshold float64) float64 {
			var positive, weight [2]float64
			for row, x := range counts {
				side := 0
				if rows.Row(row)[f] > threshold {
					side = 1
				}
				positive[side] += x * rows.Y[row]
				weight[side] += x
			}
			if min(weight[0], weight[1]) < o.MinLeaf {
				return math.Inf(1)
			}
			sum := 0.0
			for side, w := range weight {
				share := positive[side] / w
				sum += w * 2 * share * (1 - share)
			}
			return sum
		}
		least := math.Inf(1)
		for f := range rows.Names {
			for row := range rows.Y {
				least = min(least, impurity(f, rows.Row(row)[f]))
			}
		}
		if got := impurity(int(tree.Feature[0]), tree.Threshold[0]); got > least+1e-9 {
			t.Errorf("tree %d begins with an impurity of %v, the least is %v", i, got, least)
		}
		for leaf, c := range tree.Cover {
			if c < o.MinLeaf {
				t.Errorf("leaf %d of tree %d weighs %v", leaf, i, c)
			}
		}
	}
}

func TestForestLearns(t *testing.T) {
	rows, later := rareRows(10_000, 5, 4), rareRows(10_000, 5, 5)
	o := smallForest()
	o.Trees, o.MinLeaf = 50, 10
	m := fitForest(t, o, rows)
	var mean [2]float64
	for i, y := range later.Y {
		mean[int(y)] += m.Score(later.Row(i))
	}
	p := positives(later)
	if in, out := mean[1]/p, mean[0]/(float64(later.Len())-p); in < 5*out {
		t.Errorf("positives score %v, negatives %v", in, out)
	}
}

// A weight changes how much a row counts, not how often it is drawn; weights
// that are all alike change nothing but the cover.
func TestForestWeights(t *testing.T) {
	rows := rareRows(1500, 4, 6)
	same := *rows
	for range rows.Len() {
		same.Weight = append(same.Weight, 2)
	}
	o := smallForest()
	a := fitForest(t, o, rows)
	o.MinLeaf = 2
	b := fitForest(t, o, &same)
	for i := range rows.Len() {
		if a.Score(rows.Row(i)) != b.Score(rows.Row(i)) {
			t.Fatal("weights that are all alike change the scores")
		}
	}
}
