package train

// Weigh gives the rows with the weight of each class in their own: weights is
// [2], for negative and positive, or [classes], and nil for 1. Where it is
// balanced, each class is first made to weigh the same in all, and all rows as
// much as before: by rows / (classes · rows of the class), as scikit-learn's
// class_weight="balanced" does. Rows of which several classes can be right keep
// their weights.
func Weigh(rows *Rows, balanced bool, weights []float64) *Rows {
	if !balanced && weights == nil || rows.Several {
		return rows
	}
	factors := make([]float64, max(2, len(rows.Classes)))
	for k := range factors {
		factors[k] = 1
		if weights != nil {
			factors[k] = weights[k]
		}
	}
	if balanced {
		of, all := make([]float64, len(factors)), 0.0
		for i, y := range rows.Y {
			of[int(y)] += rows.weight(i)
			all += rows.weight(i)
		}
		for k := range factors {
			if of[k] > 0 {
				factors[k] *= all / (float64(len(factors)) * of[k])
			}
		}
	}
	out := *rows
	out.Weight = make([]float64, rows.Len())
	for i, y := range rows.Y {
		out.Weight[i] = rows.weight(i) * factors[int(y)]
	}
	return &out
}
