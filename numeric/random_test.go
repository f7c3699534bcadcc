package numeric

import (
	"math"
	"slices"
	"testing"
)

func TestRandomIsPinned(t *testing.T) {
	var got []uint64
	for _, r := range []*Random{NewRandom(0, 0), NewRandom(0, 1), NewRandom(1, 0), NewRandom(42, 7)} {
		got = append(got, r.Uint64(), r.Uint64())
	}
	want := []uint64{
		0x941f2cb6943c3c4a, 0x31381301360de7db, 0xce7eb8aa11f0f4dd, 0x177a75bbe7b9b6e5,
		0x79598854863cb2d9, 0xb746611cb82e79d0, 0x46420048ed6d597d, 0xb6b5681905b21c05,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %#x", got)
	}
}

// Of counts that are Poisson with a mean of 1,000, none of 1,000 is as much as
// 6 standard deviations off.
func TestIntNIsUniform(t *testing.T) {
	r := NewRandom(3, 5)
	counts := make([]int, 1000)
	for range 1000 * len(counts) {
		counts[r.IntN(len(counts))]++
	}
	for i, c := range counts {
		if math.Abs(float64(c)-1000) > 6*math.Sqrt(1000) {
			t.Errorf("%d came %d times", i, c)
		}
	}
	if r.IntN(1) != 0 || r.IntN(0) != 0 || r.IntN(-3) != 0 {
		t.Error("IntN below 2 is not 0")
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := make(map[uint64]bool)
	for seed := range uint64(30) {
		for stream := range uint64(30) {
			r := NewRandom(seed, stream)
			for range 30 {
				x := r.Uint64()
				if seen[x] {
					t.Fatalf("stream %d of seed %d repeats another", stream, seed)
				}
				seen[x] = true
			}
		}
	}
}

// Neighbouring streams agree in half of their bits.
func TestStreamsAreUncorrelated(t *testing.T) {
	agree := 0
	for stream := range uint64(1000) {
		a, b := NewRandom(9, stream), NewRandom(9, stream+1)
		for range 10 {
			for x := ^(a.Uint64() ^ b.Uint64()); x > 0; x &= x - 1 {
				agree++
			}
		}
	}
	if share := float64(agree) / 640000; math.Abs(share-0.5) > 0.004 {
		t.Errorf("%v of the bits agree", share)
	}
}

func TestFloat64AndShuffle(t *testing.T) {
	r := NewRandom(1, 2)
	sum := 0.0
	for range 100000 {
		x := r.Float64()
		if !(x >= 0 && x < 1) {
			t.Fatalf("Float64 gives %v", x)
		}
		sum += x
	}
	if math.Abs(sum/100000-0.5) > 0.005 {
		t.Errorf("the mean is %v", sum/100000)
	}
	first := make([]int, 5)
	for range 50000 {
		order := []int{0, 1, 2, 3, 4}
		r.Shuffle(5, func(i, j int) { order[i], order[j] = order[j], order[i] })
		first[order[0]]++
	}
	for i, n := range first {
		if n < 9500 || n > 10500 {
			t.Errorf("%d comes first %d times of 50000", i, n)
		}
	}
}
