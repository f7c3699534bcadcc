package model

import (
	"fmt"
	"math"
)

// checkTrees says why the parts are not an ensemble, nil when they are.
func checkTrees(kind string, features []string, categories [][]float64, base float64, trees []Tree) error {
	if kind != GBDT && kind != Forest {
		return invalid("model_kind", "there is no tree model of kind %q", kind).WithNext("use %s or %s", GBDT, Forest)
	}
	if err := checkNames(features); err != nil {
		return err
	}
	if err := checkCategories(features, categories); err != nil {
		return err
	}
	switch {
	case !finite(base):
		return invalid("model_value", "the base score %v is not a finite number", base)
	case kind == Forest && base != 0:
		return invalid("model_value", "a forest has the base score %v", base).WithNext("leave it at 0")
	case kind == Forest && len(trees) == 0:
		return invalid("model_empty", "a forest has no trees").WithNext("give it at least one")
	}
	for i := range trees {
		if err := checkTree(&trees[i], len(features), categories, kind == Forest); err != nil {
			return invalid("model_tree", "tree %d is not valid: %s", i, err)
		}
	}
	return nil
}

// checkNames asks that every name is there and is not another's.
func checkNames(features []string) error {
	seen := make(map[string]int, len(features))
	for i, name := range features {
		if name == "" {
			return invalid("model_feature", "feature %d has no name", i)
		}
		if first, ok := seen[name]; ok {
			return invalid("model_feature", "features %d and %d are both named %q", first, i, name)
		}
		seen[name] = i
	}
	return nil
}

func checkTree(t *Tree, features int, categories [][]float64, probabilities bool) error {
	n := len(t.Feature)
	if len(t.Threshold) != n || len(t.Left) != n || len(t.Right) != n || len(t.MissingLeft) != n {
		return fmt.Errorf("its arrays of splits have %d, %d, %d, %d and %d entries",
			n, len(t.Threshold), len(t.Left), len(t.Right), len(t.MissingLeft))
	}
	if len(t.Value) != n+1 || len(t.Cover) != n+1 {
		return fmt.Errorf("%d splits need %d leaves, and it has %d values and %d covers",
			n, n+1, len(t.Value), len(t.Cover))
	}
	if t.Sets != nil && len(t.Sets) != n {
		return fmt.Errorf("%d splits have %d sets", n, len(t.Sets))
	}
	for i, f := range t.Feature {
		if f < 0 || int(f) >= features {
			return fmt.Errorf("split %d is on feature %d of %d", i, f, features)
		}
		if !finite(t.Threshold[i]) {
			return fmt.Errorf("split %d has the threshold %v", i, t.Threshold[i])
		}
		var list []float64
		if categories != nil {
			list = categories[f]
		}
		if err := checkSet(t.set(i), t.Threshold[i], list); err != nil {
			return fmt.Errorf("split %d %w", i, err)
		}
	}
	for i, v := range t.Value {
		if !finite(v) || probabilities && (v < 0 || v > 1) {
			return fmt.Errorf("leaf %d has the value %v", i, v)
		}
		if c := t.Cover[i]; !finite(c) || c < 0 {
			return fmt.Errorf("leaf %d has the cover %v", i, c)
		}
	}
	return checkShape(t)
}

// checkSet asks that a split has a set, of known categories, exactly where its
// feature has a list of them.
func checkSet(set []uint64, threshold float64, list []float64) error {
	switch {
	case len(list) == 0 && set != nil:
		return fmt.Errorf("has a set, and its feature is a number")
	case len(list) == 0:
		return nil
	case len(set) != setWords(list):
		return fmt.Errorf("has a set of %d words, and its feature has %d categories", len(set), len(list))
	case math.Float64bits(threshold) != 0:
		return fmt.Errorf("is on categories and has the threshold %v", threshold)
	}
	if over := set[len(set)-1] >> (len(list) & 63) >> 1; over != 0 {
		return fmt.Errorf("has a set of more than the %d categories of its feature", len(list))
	}
	return nil
}

// checkShape asks that every split and leaf is reached from the root exactly
// once, which leaves no room for a cycle.
func checkShape(t *Tree) error {
	n := len(t.Feature)
	if n == 0 {
		return nil
	}
	splits, leaves := make([]bool, n), make([]bool, n+1)
	splits[0] = true
	for left, stack := 2*n, []int32{0}; len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range [2]int32{t.Right[i], t.Left[i]} {
			seen, j, what := splits, int(c), "split"
			if c < 0 {
				seen, j, what = leaves, int(^c), "leaf"
			}
			if j >= len(seen) {
				return fmt.Errorf("split %d leads to %s %d of %d", i, what, j, len(seen))
			}
			if seen[j] {
				return fmt.Errorf("%s %d is reached twice", what, j)
			}
			seen[j] = true
			left--
			if c >= 0 {
				stack = append(stack, c)
			}
		}
		if len(stack) == 0 && left > 0 {
			return fmt.Errorf("%d of its splits and leaves are never reached", left)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
