package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/plan"
	"orrery.dev/train"
)

// Trainer fits a model to labelled rows.
type Trainer func(ctx context.Context, rows *train.Rows) (model.Model, error)

// Evaluation is the result of training on one range and testing on a later one.
type Evaluation struct {
	System  string     `json:"system"`
	Model   string     `json:"model"`
	Train   Counts     `json:"train"`
	Test    TestCounts `json:"test"`
	Metrics Metrics    `json:"metrics"`
	// Reliability is what was foretold on the test range against what came, by
	// tenths of the rows from the lowest score up; of several classes, for the
	// likeliest.
	Reliability []metric.ReliabilityBin `json:"reliability,omitempty"`
	// Classes has the figures of a label of several classes.
	Classes *metric.ClassReport `json:"classes,omitempty"`
	// Labels has the figures of a label of which several classes can be right.
	Labels *metric.LabelsReport `json:"labels,omitempty"`
	// Bias is that of the scores by identity term, nil where the system reads no
	// text or nobody asked.
	Bias *BiasReport `json:"bias,omitempty"`
	// Folds has the metrics of each fold of a cross-validation; Metrics are over all.
	Folds []Metrics `json:"folds,omitempty"`
	// Calibration says how the scores were calibrated, nil where they were not to
	// be.
	Calibration *train.CalibrationReport `json:"calibration,omitempty"`
	Seconds     Seconds                  `json:"seconds"`
	// Events counts all events read; the rate is over the time from the first
	// byte of the first file to the last row.
	Events          int64    `json:"events"`
	EventsPerSecond float64  `json:"events_per_second"`
	Notices         []string `json:"notices,omitempty"`
}

// Counts says what a range held.
type Counts struct {
	Range     string `json:"range"`
	Rows      int    `json:"rows"`
	Positives int    `json:"positives"`
	// Classes counts the rows of each class, in the order of the label's; nil where
	// the label has none.
	Classes []ClassCount `json:"classes,omitempty"`
	// Unknown rows had no label yet, can have none, or are stood for, and were
	// left out.
	Unknown int `json:"unknown"`
	// Explored rows were let through by chance and stand for others.
	Explored int `json:"explored"`
	// Reviewed rows are known by reviewers alone, who were asked about a share of
	// their kind, and stand for the rest.
	Reviewed int `json:"reviewed,omitempty"`
	// Outcomes counts those of the whole history by the instant that the labels
	// are as of.
	Outcomes Outcomes `json:"outcomes"`

	several bool
}

// stands gives how many decisions a row stands for, and counts one that stands for
// others.
func (c *Counts) stands(labels *Labels, e *Example) float64 {
	weight := labels.WeightOf(e)
	if e.Weight > 1 {
		c.Explored++
	}
	if weight != e.Weight {
		c.Reviewed++
	}
	return weight
}

// ClassCount is how many rows are of a class.
type ClassCount struct {
	Class string `json:"class"`
	Rows  int    `json:"rows"`
}

func newCounts(span Range, classes []string, several bool, outcomes Outcomes) Counts {
	c := Counts{Range: span.String(), Outcomes: outcomes, several: several}
	for _, class := range classes {
		c.Classes = append(c.Classes, ClassCount{Class: class})
	}
	return c
}

// count takes a row of a class in, or of a set of them.
func (c *Counts) count(class int) {
	c.Rows++
	switch {
	case c.several:
		for k := range c.Classes {
			if orrery.LabelSet(class).Has(k) {
				c.Classes[k].Rows++
			}
		}
	case c.Classes != nil:
		c.Classes[class].Rows++
	case class == 1:
		c.Positives++
	}
}

// TestCounts says what the test range held.
type TestCounts struct {
	Counts
	// LeftOut rows belong to entities already known as positive.
	LeftOut int `json:"left_out"`
}

// Metrics are the figures of an evaluation, by name.
type Metrics map[string]float64

// Seconds is the time that each step took.
type Seconds struct {
	Replay float64 `json:"replay"`
	Train  float64 `json:"train"`
	Score  float64 `json:"score"`
	Total  float64 `json:"total"`
}

// Protocol says how to evaluate.
type Protocol struct {
	Train, Test Range
	Kind        string
	Fit         Trainer
	// Identities is what bias is measured by, nil for none.
	Identities *Identities
	// Begun is when the first byte was asked for; it starts the clock of
	// Evaluation.Seconds.
	Begun time.Time
}

// Evaluate fits a model on the train range, with the labels known when the test
// range opens, and measures it on the test range, where a row is left out when
// its entity had a positive outcome, for an example on or after the start of
// the train range, received before that test day began. examples must span both
// ranges and what lies between.
func Evaluate(ctx context.Context, p *plan.Plan, x *Examples, protocol Protocol) (*Evaluation, error) {
	replayed := time.Now()
	out := &Evaluation{System: p.Spec.System, Model: protocol.Kind, Events: x.Events}
	out.Seconds.Replay = replayed.Sub(protocol.Begun).Seconds()
	out.EventsPerSecond = float64(x.Events) / out.Seconds.Replay

	rows, counts := x.TrainRows(x.LabelsAt(p.Spec.Label, protocol.Test.From), protocol.Train)
	out.Train = counts
	if err := CheckTrainable(rows, protocol.Train); err != nil && !(p.Spec.Model.Whole && protocol.Kind == p.Spec.Model.Kind) {
		return nil, err
	}
	fitted, err := protocol.Fit(ctx, rows)
	if err != nil {
		return nil, err
	}
	trained := time.Now()
	out.Seconds.Train = trained.Sub(replayed).Seconds()

	test := x.testRows(p, protocol)
	out.Test = test.counts
	if err := test.score(fitted); err != nil {
		return nil, err
	}
	if err := test.measure(p, out); err != nil {
		return nil, err
	}
	out.Notices = append(test.notices, out.Notices...)
	if err := test.bias(protocol.Identities, out); err != nil {
		return nil, err
	}
	end := time.Now()
	out.Seconds.Score = end.Sub(trained).Seconds()
	out.Seconds.Total = end.Sub(protocol.Begun).Seconds()
	return out, nil
}

// TrainRows gives the rows of a range whose labels are known. A row whose label
// was not known by then is left out, and nothing that came later shows.
func (x *Examples) TrainRows(labels *Labels, span Range) (*train.Rows, Counts) {
	rows := &train.Rows{Names: x.Columns, Categorical: x.Categorical, Monotone: x.Monotone, Classes: x.Classes, Several: x.Several}
	counts := newCounts(span, x.Classes, x.Several, labels.Outcomes)
	var weights []float64
	for i := range x.List {
		if !span.Contains(x.List[i].Time) {
			continue
		}
		class, known := labels.ClassOf(&x.List[i])
		if !known {
			counts.Unknown++
			continue
		}
		rows.X = append(rows.X, x.Row(i)...)
		if x.Text != nil {
			rows.Text = append(rows.Text, x.Text[i])
		}
		rows.Y = append(rows.Y, float64(class))
		weights = append(weights, counts.stands(labels, &x.List[i]))
		counts.count(class)
	}
	rows.Weight = unlessEqual(weights)
	return rows, counts
}

// unlessEqual gives the weights, or nil where every one is 1.
func unlessEqual(weights []float64) []float64 {
	for _, w := range weights {
		if w != 1 {
			return weights
		}
	}
	return nil
}

// CheckTrainable refuses rows that no classifier can be fitted to, and says
// what the range lacked.
func CheckTrainable(rows *train.Rows, span Range) error {
	positives := 0
	for _, y := range rows.Y {
		positives += int(y)
	}
	switch {
	case rows.Len() == 0:
		return orrery.Errorf(orrery.Invalid, "train_range_empty", "the train range %s holds no labelled rows", span).
			WithNext("choose a range that the events cover and that has matured")
	case rows.Classes != nil:
		return nil // the trainer names the class that is missing
	case positives == 0:
		return orrery.Errorf(orrery.Invalid, "train_range_one_class", "the train range %s has %d rows and none of them positive", span, rows.Len()).
			WithNext("choose a longer range, or check that outcomes were read and match")
	case positives == rows.Len():
		return orrery.Errorf(orrery.Invalid, "train_range_one_class", "the train range %s has %d rows and all of them positive", span, rows.Len()).
			WithNext("choose a longer range, or check the label's absent value")
	}
	return nil
}

// testSet is the test range's rows that count, with their day and label.
type testSet struct {
	x *Examples
	// Indexes in x.List, and for each its day from the range's start, its label
	// (1 positive, 0 negative, or a class), its weight and its score, and the
	// scores of classes [rows × classes].
	rows    []int
	dayOf   []int
	labels  []float64
	weights []float64
	scores  []float64
	classes []float64
	// chosen is [rows], what the model chooses where several classes can be right.
	chosen  []orrery.LabelSet
	cuts    []float64 // [classes], from which score on it does
	days    int
	counts  TestCounts
	notices []string
}

func (x *Examples) testRows(p *plan.Plan, protocol Protocol) *testSet {
	labels := x.LabelsAt(p.Spec.Label, Forever)
	t := &testSet{x: x, counts: TestCounts{Counts: newCounts(protocol.Test, x.Classes, x.Several, labels.Outcomes)}, days: protocol.Test.days()}
	leftOut := x.leftOut(protocol)
	immature := 0
	for i := range x.List {
		e := &x.List[i]
		if !protocol.Test.Contains(e.Time) {
			continue
		}
		if leftOut[i] {
			t.counts.LeftOut++
			continue
		}
		class, known := labels.ClassOf(e)
		if !known {
			t.counts.Unknown++
			continue
		}
		if e.Time.Add(p.Spec.Label.MaturesAfter) > x.Last {
			immature++
		}
		t.rows, t.dayOf, t.labels = append(t.rows, i), append(t.dayOf, protocol.day(e)), append(t.labels, float64(class))
		t.weights = append(t.weights, t.counts.stands(labels, e))
		t.counts.count(class)
	}
	if immature > 0 {
		t.notices = append(t.notices, fmt.Sprintf("%d test rows had not matured when the events end; those without an outcome count as negative", immature))
	}
	return t
}

// day counts the days of the test range up to that of an example.
func (p *Protocol) day(e *Example) int { return int(orrery.Duration(e.Time-p.Test.From) / orrery.Day) }

// leftOut says of each test row whether its entity was known as positive when
// the row's day began.
func (x *Examples) leftOut(protocol Protocol) []bool {
	out := make([]bool, len(x.List))
	var test []int
	for i := range x.List {
		if e := &x.List[i]; e.Excluded != "" && protocol.Test.Contains(e.Time) {
			test = append(test, i)
		}
	}
	slices.SortStableFunc(test, func(a, b int) int { return cmp.Compare(protocol.day(&x.List[a]), protocol.day(&x.List[b])) })
	known := x.positivesFrom(protocol.Train.From)
	for _, i := range test {
		e := &x.List[i]
		known.advance(protocol.Test.From.Add(orrery.Duration(protocol.day(e)) * orrery.Day))
		out[i] = known.has(e.Excluded)
	}
	return out
}

func (t *testSet) score(m model.Model) error {
	t.scores = make([]float64, len(t.rows))
	matrix := make([]float64, 0, len(t.rows)*len(t.x.Columns))
	var text []string
	for _, i := range t.rows {
		matrix = append(matrix, t.x.Row(i)...)
		if t.x.Text != nil {
			text = append(text, t.x.Text[i])
		}
	}
	if c, ok := m.(model.Classifier); ok && len(c.Classes()) > 0 {
		t.classes = make([]float64, len(t.rows)*len(c.Classes()))
		if err := model.ClassRows(c, matrix, text, t.classes); err != nil {
			return err
		}
		t.choose(m)
		return nil
	}
	return model.ScoreRows(m, matrix, text, t.scores)
}

// choose finds what a model of which several classes can be right chooses.
func (t *testSet) choose(m model.Model) {
	if l, ok := m.(model.Labeller); ok && l.Several() {
		k := len(l.Classes())
		for i := range t.rows {
			t.chosen = append(t.chosen, model.Labels(l, t.classes[i*k:(i+1)*k]))
		}
		t.cuts = cutsOf(m)
	}
}

// scoreMeasures are the metrics of scores against labels.
var scoreMeasures = []struct {
	name    string
	measure func(metric.Set) (float64, error)
}{
	{"auc", metric.AUC}, {"average_precision", metric.AveragePrecision}, {"log_loss", metric.LogLoss},
	{"brier", metric.Brier}, {"calibration_error", metric.CalibrationError},
}

// measure sets the metrics of an evaluation.
func (t *testSet) measure(p *plan.Plan, out *Evaluation) (err error) {
	out.Metrics = Metrics{}
	if t.x.Classes != nil {
		return t.measureClasses(out)
	}
	if t.counts.Positives == 0 || t.counts.Positives == t.counts.Rows {
		return orrery.Errorf(orrery.Invalid, "test_range_one_class", "the test range %s has %d rows, %d of them positive",
			t.counts.Range, t.counts.Rows, t.counts.Positives).WithNext("choose a range with rows of both classes")
	}
	set := metric.Set{Label: t.labels, Score: t.scores, Weight: unlessEqual(t.weights)}
	for _, m := range scoreMeasures {
		if out.Metrics[m.name], err = m.measure(set); err != nil {
			return err
		}
	}
	if out.Reliability, err = metric.Reliability(set, metric.CalibrationBins, metric.EqualMass); err != nil {
		return err
	}
	switch e := p.Spec.Evaluate; {
	case e == nil || e.K == 0:
	case set.Weight != nil:
		t.notices = append(t.notices, "precision at k is left out: it ranks entities, and a row that stands for others is not one of theirs")
	default:
		name := fmt.Sprintf("precision_at_%d_per_day", e.K)
		if out.Metrics[name], err = metric.PrecisionAtK(t.sightings(), t.days, e.K); err != nil {
			return err
		}
	}
	return t.costs(p, set, out.Metrics)
}

// costs adds to the metrics, for each rule with costs, what its errors came to.
func (t *testSet) costs(p *plan.Plan, set metric.Set, out Metrics) error {
	rule := 0
	for i := range p.Spec.Policy {
		if p.Spec.Policy[i].Costs == nil {
			continue
		}
		k := metric.Stakes{Missed: make([]float64, len(t.rows)), FalseAlarm: make([]float64, len(t.rows))}
		for j, row := range t.rows {
			costs := t.x.List[row].Costs
			k.Missed[j], k.FalseAlarm[j] = costs[2*rule], costs[2*rule+1]
		}
		rule++
		c, err := metric.CostOf(set, k)
		if err != nil {
			return err
		}
		name := "cost_" + p.Spec.Policy[i].Action
		if _, taken := out[name]; taken {
			name = fmt.Sprintf("%s_rule_%d", name, i+1)
		}
		out[name], out[name+"_expected"], out[name+"_never"], out[name+"_best_cut"] = c.Realised, c.Expected, c.Never, c.BestCut
	}
	return nil
}

func (t *testSet) measureClasses(out *Evaluation) (err error) {
	if t.counts.Rows == 0 {
		return orrery.Errorf(orrery.Invalid, "test_range_empty", "the test range %s holds no labelled rows", t.counts.Range).
			WithNext("choose a range that the events cover and that has matured")
	}
	if t.x.Several {
		return t.measureLabels(out)
	}
	set := metric.ClassSet{Classes: t.x.Classes, Score: t.classes, Weight: unlessEqual(t.weights)}
	for _, y := range t.labels {
		set.Label = append(set.Label, int(y))
	}
	if out.Classes, err = metric.Classify(set); err != nil {
		return err
	}
	out.Metrics = metricsOf(out.Classes)
	out.Reliability = out.Classes.Reliability
	return nil
}

func (t *testSet) measureLabels(out *Evaluation) (err error) {
	set := metric.LabelsSet{Classes: t.x.Classes, Score: t.classes, Weight: unlessEqual(t.weights), Chosen: t.chosen}
	for _, y := range t.labels {
		set.Label = append(set.Label, orrery.LabelSet(y))
	}
	if out.Labels, err = metric.MeasureLabels(set); err == nil {
		out.Metrics = labelMetricsOf(out.Labels)
		addCuts(out.Labels, t.cuts)
	}
	return err
}

// bias measures that of the scores by identity, of a model that reads a text.
func (t *testSet) bias(id *Identities, out *Evaluation) error {
	if t.x.Text == nil {
		return nil
	}
	texts := make([]string, len(t.rows))
	for j, i := range t.rows {
		texts[j] = t.x.Text[i]
	}
	classes, scores := t.x.Classes, t.classes
	if classes == nil {
		classes = truths
		for _, s := range t.scores {
			scores = append(scores, 1-s, s)
		}
	}
	return id.measureBias(out, texts, classes, scores, unlessEqual(t.weights), func(row, class int) bool {
		if t.x.Several {
			return orrery.LabelSet(t.labels[row]).Has(class)
		}
		return int(t.labels[row]) == class
	})
}

func (t *testSet) sightings() []metric.Sighting {
	out := make([]metric.Sighting, len(t.rows))
	for j, i := range t.rows {
		out[j] = metric.Sighting{Period: t.dayOf[j], Entity: t.x.List[i].Ranked, Score: t.scores[j], Positive: t.labels[j] == 1}
	}
	return out
}

// Names gives the names of the metrics in order.
func (m Metrics) Names() []string { return slices.Sorted(maps.Keys(m)) }
