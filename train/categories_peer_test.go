package train

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
)

// On rows with a category of 60 values the log loss on later rows is near that of
// scikit-learn's boosted trees, whose splits part categories by sets too, at the
// same rate, depth and number of trees, and no worse with the defaults.
func TestCategoriesAsWellAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/categories.json")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Shop         []int
		Number, Y    []float64
		Rows         int
		Loss         float64
		LossAsNumber float64 `json:"loss_as_numbers"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	rows := &Rows{Names: []string{"shop", "number"}, Categorical: []bool{true, false}, Y: c.Y}
	for i, shop := range c.Shop {
		rows.X = append(rows.X, orrery.CategoryOf(strconv.Itoa(shop)), c.Number[i])
	}
	params := Params{"trees": 100, "depth": 4, "learning_rate": 0.1, "l2": 1.0, "min_child_weight": 2.0, "min_gain": 0.0}
	fitted := func(params Params) float64 {
		return logLoss(fitKind(t, model.GBDT, params, rows.slice(0, c.Rows)), rows.slice(c.Rows, len(c.Y)))
	}
	like, defaults := fitted(params), fitted(nil)
	t.Logf("log loss %.4f, with defaults %.4f; scikit-learn's %.4f, and %.4f where the category is a number", like, defaults, c.Loss, c.LossAsNumber)
	if like > 1.02*c.Loss || defaults > c.Loss {
		t.Errorf("log losses of %v and %v, against %v", like, defaults, c.Loss)
	}
}
