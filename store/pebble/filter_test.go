package pebble

import (
	"encoding/binary"
	"sync"
	"testing"
)

func numberKey(n int) []byte {
	return binary.BigEndian.AppendUint64([]byte("transaction\x00"), uint64(n))
}

// TestFilterForgetsNothing adds from two goroutines while others ask, through
// several generations and beyond the bound on memory.
func TestFilterForgetsNothing(t *testing.T) {
	f := newFilter(100, 64<<10)
	const each = 40_000
	var adding sync.WaitGroup
	for half := range 2 {
		adding.Go(func() {
			for i := half * each; i < (half+1)*each; i++ {
				f.add(numberKey(i))
				if !f.mayHave(numberKey(i)) {
					t.Errorf("key %d is not known after it was added", i)
					return
				}
			}
		})
	}
	adding.Wait()
	for i := range 2 * each {
		if !f.mayHave(numberKey(i)) {
			t.Fatalf("key %d was forgotten", i)
		}
	}
	size := 0
	for _, g := range *f.generations.Load() {
		size += len(g.blocks) * blockBytes
	}
	if size > 64<<10 {
		t.Errorf("the filter has %d bytes, more than it was given", size)
	}
}

// TestFilterTellsNewKeys holds the share of unknown keys that pass to what the
// blocks are sized for.
func TestFilterTellsNewKeys(t *testing.T) {
	const keys = 200_000
	for _, expected := range []int{keys, keys / 10} {
		f := newFilter(expected, 1<<24)
		for i := range keys {
			f.add(numberKey(i))
		}
		passed := 0
		for i := keys; i < 2*keys; i++ {
			if f.mayHave(numberKey(i)) {
				passed++
			}
		}
		if share := float64(passed) / keys; share > 0.01 {
			t.Errorf("sized for %d keys, %.2f%% of unknown keys pass", expected, 100*share)
		}
	}
}

func BenchmarkFilterMiss(b *testing.B) {
	f := newFilter(1<<20, 1<<24)
	for i := range 1 << 20 {
		f.add(numberKey(i))
	}
	for i := 0; b.Loop(); i++ {
		f.mayHave(numberKey(1<<30 + i))
	}
}
