package train

import (
	"context"
	"fmt"
	"math"
	"testing"

	"orrery.dev/numeric"
)

// fraudRows have the shape of a week of card transactions: an amount, two
// flags, counts and means by customer, counts and shares of fraud by terminal;
// about one row in a hundred is positive, mostly for extreme values.
func fraudRows(n int) *Rows {
	r := numeric.NewRandom(1, 1)
	skewed := func(scale float64) float64 { return -scale * numeric.Log(1-r.Float64()) }
	rows := &Rows{Names: columnNames(15)}
	for range n {
		amount, mean := skewed(55), skewed(50)
		row := []float64{amount, float64(r.IntN(7) / 5), float64(r.IntN(24) / 17)}
		for _, days := range []float64{1, 7, 30} {
			count := math.Floor(1 + skewed(2*days))
			row = append(row, count, mean+float64((amount-mean)/count))
		}
		bad := r.IntN(200) == 0
		for _, days := range []float64{1, 7, 30} {
			count, frauds := math.Floor(1+skewed(days)), 0.0
			if bad || r.IntN(40) == 0 {
				frauds = math.Floor(r.Float64() * count)
			}
			row = append(row, count, frauds/count)
		}
		y := 0.0
		if amount > 300 || bad && r.IntN(2) == 0 || amount > 5*mean && r.IntN(20) == 0 {
			y = 1
		}
		rows.X, rows.Y = append(rows.X, row...), append(rows.Y, y)
	}
	return rows
}

const benchmarkRows = 66_954

// The settings that XGBoost's hist is compared at.
func BenchmarkGBDT(b *testing.B) {
	rows := fraudRows(benchmarkRows)
	for _, bins := range []int{256, 1024, 4096, MaxBins} {
		o := GBDT{Trees: 100, Depth: 6, LearningRate: 0.1, Bins: bins, L2: 1, MinChildWeight: 1, RowSample: 1, ColumnSample: 1, ValidationShare: 0.2}
		b.Run(fmt.Sprintf("bins=%d", bins), func(b *testing.B) { benchmarkGBDT(b, o, rows) })
	}
	b.Run("defaults", func(b *testing.B) { benchmarkGBDT(b, DefaultGBDT(), rows) })
}

func benchmarkGBDT(b *testing.B, o GBDT, rows *Rows) {
	for b.Loop() {
		fitGBDT(b, o, rows)
	}
	b.ReportMetric(float64(rows.Len()*o.Trees)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows·trees/s")
}

func BenchmarkForest(b *testing.B) {
	rows := fraudRows(benchmarkRows)
	for b.Loop() {
		if _, err := DefaultForest().Fit(context.Background(), rows, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBins(b *testing.B) {
	rows := fraudRows(benchmarkRows)
	for b.Loop() {
		newBinned(rows, nil, 1024, newTeam())
	}
}
