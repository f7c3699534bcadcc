package model

import (
	"math/rand/v2"
	"testing"
)

func benchmarkContributions(b *testing.B, trees, features, leaves, depth int) {
	r := rand.New(rand.NewPCG(1, 2))
	m, err := NewTrees(GBDT, names(features), 0, growTrees(r, trees, features, leaves, depth))
	if err != nil {
		b.Fatal(err)
	}
	const n = 1024
	rows, out := randomRows(r, n, features), make([]float64, features)
	m.Contributions(rows[:features], out)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Contributions(rows[i*features:(i+1)*features], out)
		i = (i + 1) % n
	}
}

func BenchmarkContributions100x31(b *testing.B)     { benchmarkContributions(b, 100, 15, 31, 6) }
func BenchmarkContributions100x64(b *testing.B)     { benchmarkContributions(b, 100, 15, 64, 6) }
func BenchmarkContributionsDeep100x64(b *testing.B) { benchmarkContributions(b, 100, 40, 64, 64) }
func BenchmarkContributions100x1000(b *testing.B)   { benchmarkContributions(b, 100, 15, 1000, 30) }
