package replay

import (
	"fmt"
	"slices"
	"strings"

	"orrery.dev/metric"
)

// Identities says which groups a text names, for measuring bias.
type Identities struct {
	// Class is the outcome whose scores are looked at.
	Class string
	// Groups are the names of groups; In gives the places in it of those that a text
	// names, in order.
	Groups []string
	In     func(text string) []int
}

// BiasReport says how the scores of an outcome treat the texts that name a group,
// beside all others.
type BiasReport struct {
	// Class is the outcome.
	Class string `json:"class"`
	// Least is of how many positive and as many negative rows a figure is taken.
	Least  int                `json:"least"`
	Groups []metric.GroupBias `json:"groups"`
}

// biasLeast is of how many rows of either kind an area under the curve is taken:
// with fewer its standard error is above 0.1.
const biasLeast = 15

// bias measures the rows of texts: label and score are [rows], of the class. Where
// nothing names groups it is nil.
func (id *Identities) bias(texts []string, set metric.Set) (*BiasReport, error) {
	within := make([][]int, len(texts))
	for i, text := range texts {
		within[i] = id.In(text)
	}
	groups, err := metric.BiasOf(set, id.Groups, biasLeast, func(row, group int) bool {
		_, named := slices.BinarySearch(within[row], group)
		return named
	})
	return &BiasReport{Class: id.Class, Least: biasLeast, Groups: groups}, err
}

// measureBias adds the bias of classes' scores [rows × classes] to an evaluation.
// weight is [rows] or nil; is reports whether a row is of a class.
func (id *Identities) measureBias(out *Evaluation, texts []string, classes []string, scores, weight []float64, is func(row, class int) bool) error {
	if id == nil || texts == nil {
		return nil
	}
	class := slices.Index(classes, id.Class)
	if class < 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("bias by identity is not measured: none of %s is %q; say which one stands for hate: --hate %s", strings.Join(classes, ", "), id.Class, classes[0]))
		return nil
	}
	set := metric.Set{Label: make([]float64, len(texts)), Score: make([]float64, len(texts)), Weight: weight}
	for i := range texts {
		set.Score[i] = scores[i*len(classes)+class]
		if is(i, class) {
			set.Label[i] = 1
		}
	}
	var err error
	out.Bias, err = id.bias(texts, set)
	return err
}
