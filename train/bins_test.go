package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// sortedBy gives the numbers of the rows in order of column f, missing values
// left out, equals by row.
func sortedBy(rows *Rows, f int) []uint32 {
	var out []uint32
	for i := range rows.Len() {
		if x := rows.Row(i)[f]; x == x {
			out = append(out, uint32(i))
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return rows.Row(int(out[a]))[f] < rows.Row(int(out[b]))[f] })
	return out
}

// oddRows have values of all sizes and signs, many of them equal, some missing.
func oddRows(r *rand.Rand, n, columns int) *Rows {
	rows := &Rows{Names: columnNames(columns)}
	for range n {
		for f := range columns {
			x := r.NormFloat64() * math.Pow(10, float64(f*40-80))
			switch r.IntN(8) {
			case 0:
				x = math.NaN()
			case 1:
				x = 0
			case 2:
				x = math.Copysign(0, -1)
			case 3:
				x = float64(r.IntN(5) - 2)
			}
			rows.X = append(rows.X, x)
		}
		rows.Y = append(rows.Y, float64(r.IntN(2)))
	}
	return rows
}

func TestSortColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 100, 255, 256, 5000} {
		rows := oddRows(r, n, 5)
		for f := range rows.Names {
			got := sortColumn(rows, f)
			want := sortedBy(rows, f)
			for i, v := range got {
				if v.row != want[i] || v.value() != rows.Row(int(v.row))[f] {
					t.Fatalf("%d rows, column %d: place %d holds row %d, want %d", n, f, i, v.row, want[i])
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%d values of %d", len(got), len(want))
			}
		}
	}
}

// Codes keep the order of the values, cover them without a gap, and are no more
// than asked for.
func TestCodesKeepOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for _, bins := range []int{2, 3, 17, 256, MaxBins} {
		rows := oddRows(r, 3000, 5)
		b := newBinned(rows, nil, bins, newTeam())
		for f := range b.columns {
			c := &b.columns[f]
			if c.values() > bins+1 {
				t.Errorf("column %d has %d bins, more than %d", f, c.values()-1, bins)
			}
			for i, code := range c.codes {
				x := rows.Row(i)[f]
				if (x != x) != (code == 0) || x == x && !(c.low[code] <= x && x <= c.high[code]) {
					t.Fatalf("%v has the code %d of [%v, %v]", x, code, c.low[code], c.high[code])
				}
			}
			for k := 2; k < c.values(); k++ {
				if at := c.between(k-1, k); !(c.low[k-1] <= c.high[k-1] && c.high[k-1] <= at && at < c.low[k]) {
					t.Fatalf("%v lies between [%v, %v] and [%v, …", at, c.low[k-1], c.high[k-1], c.low[k])
				}
			}
		}
	}
}

func TestFewValuesStayApart(t *testing.T) {
	rows := &Rows{Names: columnNames(1)}
	for i := range 1000 {
		rows.X, rows.Y = append(rows.X, float64(i%50)), append(rows.Y, float64(i&1))
	}
	c := newBinned(rows, nil, 50, newTeam()).columns[0]
	if c.values() != 51 || !slices.Equal(c.low[1:], c.high[1:]) {
		t.Errorf("50 values make %d bins", c.values()-1)
	}
}

// The rarest values, at both ends, keep bins of their own or nearly so, and no
// bin is much fuller than if all were alike.
func TestTailsAreFine(t *testing.T) {
	const n, bins = 50_000, 1000
	r := rand.New(rand.NewPCG(3, 1))
	rows := &Rows{Names: columnNames(1)}
	for range n {
		rows.X, rows.Y = append(rows.X, r.NormFloat64()), append(rows.Y, 0)
	}
	b := newBinned(rows, nil, bins, newTeam())
	counts := make([]int, bins+1)
	for _, code := range b.columns[0].codes {
		counts[code]++
	}
	if got := len(b.columns[0].low) - 1; got < bins*9/10 {
		t.Errorf("only %d of %d bins are used", got, bins)
	}
	for i := 1; i <= 15; i++ {
		if counts[i] != 1 || counts[b.columns[0].values()-i] != 1 {
			t.Errorf("bin %d from an end has %d and %d rows", i, counts[i], counts[b.columns[0].values()-i])
		}
	}
	if most := slices.Max(counts); most > 3*n/bins {
		t.Errorf("a bin has %d rows", most)
	}
}

func TestBetweenAtTheEndsOfRange(t *testing.T) {
	c := column{low: []float64{0, -math.MaxFloat64, math.MaxFloat64}, high: []float64{0, -math.MaxFloat64, math.MaxFloat64}}
	if x := c.between(1, 2); x != 0 {
		t.Errorf("the middle of all numbers is %v", x)
	}
	if x := c.between(2, 0); x != math.MaxFloat64 {
		t.Errorf("above all is %v", x)
	}
	next := math.Nextafter(1, 2)
	c = column{low: []float64{0, 1, next}, high: []float64{0, 1, next}}
	if x := c.between(1, 2); x != 1 {
		t.Errorf("between neighbours is %v", x)
	}
}
