package train

import (
	"orrery.dev/model"
)

// design is the inputs of a logistic regression as it is fitted: numbers,
// standardised, and an input of 0 or 1 for each category of a feature. Its points
// are [width+1], the numbers first, then the categories, the intercept last.
type design struct {
	names         []string
	means, scales []float64 // [features]
	weights       []float64 // [rows], those of the rows

	numbers []int     // the features that are numbers, in order
	z       []float64 // [rows × numbers], standardised, 0 where missing

	lists [][]float64 // the categories told apart, of each feature
	// of lists the features with categories, first has where the inputs of each
	// begin in a point, and codes [rows × of] which of all inputs is 1.
	of, first []int
	codes     []int32
	end       int
}

// newDesign makes the inputs of rows. A feature of which no category is told
// apart is none.
func newDesign(rows *Rows, categories [][]float64) (*design, error) {
	d := &design{names: rows.Names, lists: categories, weights: make([]float64, rows.Len())}
	var err error
	if d.means, d.scales, err = standardisation(rows); err != nil {
		return nil, err
	}
	for f := range rows.Names {
		if !rows.categorical(f) {
			d.numbers = append(d.numbers, f)
		}
	}
	d.end = len(d.numbers)
	for f := range rows.Names {
		if rows.categorical(f) && len(categories[f]) > 0 {
			d.of, d.first = append(d.of, f), append(d.first, d.end)
			d.end += len(categories[f]) + 2
		}
	}
	numbered := numbered(rows, categories)
	d.z, d.codes = make([]float64, rows.Len()*len(d.numbers)), make([]int32, rows.Len()*len(d.of))
	for i := range rows.Len() {
		row := numbered.Row(i)
		d.weights[i] = rows.weight(i)
		for j, f := range d.numbers {
			if x := row[f]; x == x {
				d.z[i*len(d.numbers)+j] = (x - d.means[f]) / d.scales[f]
			}
		}
		for j, f := range d.of {
			code := d.first[j]
			if x := row[f]; x == x {
				code += 1 + int(x)
			}
			d.codes[i*len(d.of)+j] = int32(code)
		}
	}
	return d, nil
}

// width gives the number of inputs.
func (d *design) width() int { return d.end }

// row gives the numbers of a row, and which inputs of categories are 1.
func (d *design) row(i int) (z []float64, ones []int32) {
	n, m := len(d.numbers), len(d.of)
	return d.z[i*n : (i+1)*n], d.codes[i*m : (i+1)*m]
}

// margin gives what a row comes to at a point.
func (d *design) margin(i int, w []float64) float64 {
	z, ones := d.row(i)
	sum := w[d.end] + dot(z, w[:len(z)])
	for _, j := range ones {
		sum += w[j]
	}
	return sum
}

// add adds s times a row, with 1 for the intercept, to a point.
func (d *design) add(i int, s float64, to []float64) {
	z, ones := d.row(i)
	addScaled(to[:len(z)], s, z)
	for _, j := range ones {
		to[j] += s
	}
	to[d.end] += s
}

// addSquares adds s times the squares of a row to a point.
func (d *design) addSquares(i int, s float64, to []float64) {
	z, ones := d.row(i)
	for j, x := range z {
		to[j] += float64(s * float64(x*x))
	}
	for _, j := range ones {
		to[j] += s
	}
	to[d.end] += s
}

// signs gives the constraint on each entry of a point, nil where there is none.
func (d *design) signs(rows *Rows) []int8 {
	out, any := make([]int8, d.end+1), false
	for j, f := range d.numbers {
		out[j] = rows.monotone(f)
		any = any || out[j] != 0
	}
	if !any {
		return nil
	}
	return out
}

// linear gives the model of a point. The weights of a feature's categories are
// taken about their mean over the rows, which goes to the bias, so that the bias
// is the margin of a row without anything unusual; a category without rows then
// counts nothing.
func (d *design) linear(w []float64) (*model.Linear, error) {
	weights, bias := make([]float64, len(d.names)), w[d.end]
	for j, f := range d.numbers {
		weights[f] = w[j]
	}
	if len(d.of) == 0 {
		return model.NewLinear(d.names, d.means, d.scales, weights, bias)
	}
	categories := make([]model.CategoryWeights, len(d.names))
	for j, f := range d.of {
		of := make([]float64, len(d.lists[f])+2)
		count, all, sum := make([]float64, len(of)), 0.0, 0.0
		for i, rowWeight := range d.weights {
			count[int(d.codes[i*len(d.of)+j])-d.first[j]] += rowWeight
		}
		for n := range of {
			all += count[n]
			sum += float64(count[n] * w[d.first[j]+n])
		}
		mean := sum / all
		bias += mean
		for n := range of {
			if count[n] > 0 {
				of[n] = w[d.first[j]+n] - mean
			}
		}
		categories[f] = model.CategoryWeights{Values: d.lists[f], Weights: of}
	}
	return model.NewCategoryLinear(d.names, d.means, d.scales, weights, bias, categories)
}
