package model

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// testdata/contributions.json is made by contributions.py beside it. XGBoost
// computes in 32 bits, which bounds how close the figures can be.
func TestContributionsEqualXGBoost(t *testing.T) {
	text, err := os.ReadFile("testdata/contributions.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Trees         []Tree
		Rows          [][]*float64 // nil is a missing value
		Contributions [][]float64
		Base          float64
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	features := len(want.Contributions[0])
	m, err := NewTrees(GBDT, names(features), 0, want.Trees)
	if err != nil {
		t.Fatal(err)
	}
	worst, missing := 0.0, 0
	row, got := make([]float64, features), make([]float64, features)
	for i, values := range want.Rows {
		for j, x := range values {
			row[j] = math.NaN()
			if x == nil {
				missing++
			} else {
				row[j] = *x
			}
		}
		base := m.Contributions(row, got)
		worst = max(worst, math.Abs(base-want.Base))
		for j, c := range want.Contributions[i] {
			worst = max(worst, math.Abs(got[j]-c))
		}
	}
	if worst > 2e-6 || missing == 0 {
		t.Errorf("%d rows differ by up to %.2g, with %d missing values", len(want.Rows), worst, missing)
	}
	t.Logf("greatest difference %.2g", worst)
}
