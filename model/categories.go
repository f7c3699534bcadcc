package model

import "slices"

// A feature with categories has texts for values, held as orrery.CategoryOf
// gives them. A model lists the categories that it has learned about, by value.
// Number 0 is any other, one never seen in training or too rare there, and
// number 1 the first on the list.

// maxCategories bounds the list of one feature.
const maxCategories = 1 << 20

// categoryNumber gives the number of a category by a list, 0 where it is not on
// it.
func categoryNumber(list []float64, x float64) int {
	low, high := 0, len(list)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if list[middle] < x {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(list) && list[low] == x {
		return low + 1
	}
	return 0
}

// NumberCategories writes row to out with the number of each category in its
// value's place; other values stay, and so does NaN. categories has the list of
// each feature, rising, and an empty one for a feature that is a number.
func NumberCategories(categories [][]float64, row, out []float64) {
	copy(out, row)
	for f, list := range categories {
		if x := row[f]; len(list) > 0 && x == x {
			out[f] = float64(categoryNumber(list, x))
		}
	}
}

// setWords gives how many words the sets over a list have: a bit for each number.
func setWords(list []float64) int { return (len(list) + 1 + 63) / 64 }

// checkCategories asks for a rising list, or an empty one, for each feature.
func checkCategories(features []string, categories [][]float64) error {
	if categories != nil && len(categories) != len(features) {
		return invalid("model_shape", "%d features have %d lists of categories", len(features), len(categories))
	}
	for f, list := range categories {
		if len(list) > maxCategories {
			return invalid("model_category", "feature %q has %d categories, more than %d", features[f], len(list), maxCategories)
		}
		for i, x := range list {
			if !finite(x) || i > 0 && !(x > list[i-1]) {
				return invalid("model_category", "category %d of feature %q is %v, which is out of order", i+1, features[f], x)
			}
		}
	}
	return nil
}

// cloneCategories copies lists; nil stands for none at all.
func cloneCategories(categories [][]float64) [][]float64 {
	if !slices.ContainsFunc(categories, func(list []float64) bool { return len(list) > 0 }) {
		return nil
	}
	out := make([][]float64, len(categories))
	for f, list := range categories {
		out[f] = slices.Clone(list)
	}
	return out
}
