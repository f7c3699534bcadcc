package orrery_test

import (
	"strconv"
	"testing"

	"orrery.dev"
)

// TestCategoryOf pins a few numbers, made by an independent program, which records and models keep, and looks
// for two texts with one number.
func TestCategoryOf(t *testing.T) {
	for text, want := range map[string]float64{"": 4218834538703250, "grocery": 2493885880611738, "café": 4310849965703272} {
		if got := orrery.CategoryOf(text); got != want {
			t.Errorf("CategoryOf(%q) = %.0f, want %.0f", text, got, want)
		}
	}
	seen := map[float64]int{}
	for i := range 200_000 {
		x := orrery.CategoryOf(strconv.Itoa(i))
		if other, twice := seen[x]; twice || x < 0 || x >= 1<<52 || x != float64(int64(x)) {
			t.Fatalf("%d has %v, as %d has", i, x, other)
		}
		seen[x] = i
	}
}
