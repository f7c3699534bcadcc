package replay

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/train"
)

// Other is the name of an outcome that stands for all classes of the model that no
// event of a test is named after.
const Other = "other"

// LabelledProtocol says how to evaluate on labelled events.
type LabelledProtocol struct {
	System, Kind string
	// Order has the classes of the spec's label; it is nil where the outcome is true
	// or false, which are then the names of outcomes.
	Order []string
	// Trainer makes the one that fits a model to rows of some classes, nil for true
	// and false.
	Trainer func(classes []string) (Trainer, error)
	// Identities is what bias is measured by, nil for none.
	Identities *Identities
	// Begun is when the first byte was asked for.
	Begun time.Time
}

// EvaluateLabelled fits a model to the events of train and measures it on those of
// test. The classes of the model are the outcomes that train has. Where test has
// others, these must be Other.
func EvaluateLabelled(ctx context.Context, learn, test *Labelled, protocol LabelledProtocol) (*Evaluation, error) {
	out := protocol.evaluation(learn)
	begun := time.Now()
	m, classes, err := protocol.Fit(ctx, learn)
	if err != nil {
		return nil, err
	}
	trained := time.Now()
	out.Seconds.Train = trained.Sub(begun).Seconds()
	held, err := holdFor(m, classes, test)
	if err != nil {
		return nil, err
	}
	if err := out.measureHeld(held, classes, protocol.Identities); err != nil {
		return nil, err
	}
	protocol.end(out, trained)
	return out, nil
}

// CrossValidate measures as EvaluateLabelled does, on every event that counts 1 or
// more, each by a model that was fitted to the events of the other folds and to
// those that count less. Folds are stratified: each has
// its share of every class, by a shuffle that the seed tells.
func CrossValidate(ctx context.Context, all *Labelled, folds int, seed uint64, protocol LabelledProtocol) (*Evaluation, error) {
	judged := all.judged()
	if folds < 2 || folds > len(judged) {
		return nil, orrery.Errorf(orrery.Invalid, "folds_out_of_bounds", "%d events cannot be divided into %d folds", len(judged), folds).
			WithNext("use 2 to %d folds", len(judged))
	}
	out := protocol.evaluation(all)
	tested := all.Subset(judged)
	fold := make([]int, len(all.Label)) // from 1; 0 is in none
	for j, f := range Stratified(tested.Label, folds, seed) {
		fold[judged[j]] = f + 1
	}
	classes := protocol.classes(all)
	whole := &held{scores: make([]float64, 0, len(judged)*len(classes))}
	begun := time.Now()
	for f := range folds {
		var in, rest []int
		for i := range all.Label {
			if fold[i] == f+1 {
				in = append(in, i)
			} else {
				rest = append(rest, i)
			}
		}
		learn := all.Subset(rest)
		m, have, err := protocol.Fit(ctx, learn)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(have, classes) {
			return nil, orrery.Errorf(orrery.Invalid, "folds_class_missing", "without fold %d there is no event of the class %s", f+1, missing(classes, have)).
				WithNext("use fewer folds, or leave the class out")
		}
		part := all.Subset(in)
		scored, err := holdFor(m, classes, part)
		if err != nil {
			return nil, err
		}
		whole.labels, whole.texts = append(whole.labels, scored.labels...), append(whole.texts, scored.texts...)
		whole.scores, whole.chosen = append(whole.scores, scored.scores...), append(whole.chosen, scored.chosen...)
		whole.sets, whole.cuts = append(whole.sets, scored.sets...), append(whole.cuts, scored.cuts...)
		one := Evaluation{}
		if err := one.measureHeld(scored, classes, nil); err != nil {
			return nil, err
		}
		out.Folds = append(out.Folds, one.Metrics)
	}
	trained := time.Now()
	out.Seconds.Train = trained.Sub(begun).Seconds()
	if err := out.measureHeld(whole, classes, protocol.Identities); err != nil {
		return nil, err
	}
	protocol.end(out, trained)
	return out, nil
}

// judged gives the indexes of the events that count 1 or more.
func (l *Labelled) judged() []int {
	var out []int
	for i := range l.Label {
		if l.Weight == nil || l.Weight[i] >= 1 {
			out = append(out, i)
		}
	}
	return out
}

func missing(all, have []string) string {
	for _, name := range all {
		if !slices.Contains(have, name) {
			return name
		}
	}
	return ""
}

// evaluation begins a result with the counts of what is learned from.
func (p *LabelledProtocol) evaluation(learn *Labelled) *Evaluation {
	out := &Evaluation{System: p.System, Model: p.Kind, Events: int64(len(learn.Label))}
	out.Train = learn.counts(p.classes(learn))
	out.Seconds.Replay = time.Since(p.Begun).Seconds()
	out.EventsPerSecond = float64(len(learn.Label)) / out.Seconds.Replay
	return out
}

func (p *LabelledProtocol) end(out *Evaluation, trained time.Time) {
	end := time.Now()
	out.Seconds.Score, out.Seconds.Total = end.Sub(trained).Seconds(), end.Sub(p.Begun).Seconds()
}

// The names of the outcomes true and false, in the order of their scores.
var truths = []string{"false", "true"}

func (p *LabelledProtocol) classes(of *Labelled) []string {
	if p.Order == nil {
		return truths
	}
	return of.Classes(p.Order)
}

// counts counts events by their outcome.
func (l *Labelled) counts(classes []string) Counts {
	if !l.Several {
		return countsOf(l.Label, classes)
	}
	c := newCounts(Range{}, classes, true, Outcomes{})
	c.Range = everything
	for _, label := range l.Label {
		set, _ := orrery.ParseLabels(label, classes)
		c.count(int(set))
	}
	return c
}

// everything is the range of labelled events.
const everything = "all"

// countsOf counts events by their outcome, of which one is right.
func countsOf(labels, classes []string) Counts {
	c := newCounts(Range{}, classes, false, Outcomes{})
	c.Range = everything
	for _, label := range labels {
		if k := slices.Index(classes, label); k >= 0 {
			c.count(k)
		}
	}
	return c
}

// Fit fits a model to labelled events, and gives the names of its outcomes.
func (p *LabelledProtocol) Fit(ctx context.Context, learn *Labelled) (model.Model, []string, error) {
	classes := p.classes(learn)
	rows := &train.Rows{Names: learn.Columns, X: learn.X, Text: learn.Text, Categorical: learn.Categorical, Classes: classes, Several: learn.Several, Weight: learn.Weight}
	if p.Order == nil {
		rows.Classes = nil
	}
	for i, label := range learn.Label {
		if learn.Several {
			set, _ := orrery.ParseLabels(label, classes)
			rows.Y = append(rows.Y, float64(set))
			continue
		}
		k := slices.Index(classes, label)
		if k < 0 {
			return nil, nil, orrery.Errorf(orrery.Invalid, "outcome_unknown", "event %q has the outcome %q, and an outcome is true or false", learn.ID[i], label).
				WithNext("give it another name: --map %s=true", label)
		}
		rows.Y = append(rows.Y, float64(k))
	}
	if len(classes) < 2 && !learn.Several || len(classes) == 0 {
		return nil, nil, orrery.Errorf(orrery.Invalid, "train_one_class", "all events to train on have the outcome %q", strings.Join(classes, "")).
			WithNext("train on events of several classes")
	}
	fit, err := p.Trainer(rows.Classes)
	if err != nil {
		return nil, nil, err
	}
	m, err := fit(ctx, rows)
	if c, ok := m.(model.Classifier); err == nil && ok && len(c.Classes()) > 0 {
		classes = c.Classes() // those of a model that was not fitted to the rows are its own
	}
	return m, classes, err
}

// held is what a model holds labelled events for: scores [rows × classes], and the
// index of the class chosen.
type held struct {
	labels []string
	texts  []string // nil where none are read
	scores []float64
	chosen []int
	// sets is [events], the classes chosen where several can be right; chosen is then
	// not set.
	sets []orrery.LabelSet
	// cuts has those of each model that held, one after the other: [models × classes].
	cuts []float64
}

func holdFor(m model.Model, classes []string, test *Labelled) (*held, error) {
	k := len(classes)
	h := &held{labels: test.Label, texts: test.Text, scores: make([]float64, len(test.Label)*k), chosen: make([]int, len(test.Label))}
	c, ok := m.(model.Classifier)
	if ok && len(c.Classes()) > 0 {
		if err := model.ClassRows(c, test.X, test.Text, h.scores); err != nil {
			return nil, err
		}
		h.cuts = cutsOf(m)
		several, _ := m.(model.Labeller)
		for i := range h.chosen {
			if scores := h.scores[i*k : (i+1)*k]; model.Several(m) {
				h.sets = append(h.sets, model.Labels(several, scores))
			} else {
				h.chosen[i] = model.Choose(c, scores)
			}
		}
		return h, nil
	}
	scores := make([]float64, len(test.Label))
	if err := model.ScoreRows(m, test.X, test.Text, scores); err != nil {
		return nil, err
	}
	for i, s := range scores {
		h.scores[2*i], h.scores[2*i+1] = 1-s, s
		if s >= 0.5 {
			h.chosen[i] = 1
		}
	}
	return h, nil
}

// HeldFor reports for each event whether a model chooses a class, by its index in
// those that Fit gave with it.
func HeldFor(m model.Model, classes []string, class int, test *Labelled) ([]bool, error) {
	h, err := holdFor(m, classes, test)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(h.chosen))
	for i, k := range h.chosen {
		if out[i] = k == class; h.sets != nil {
			out[i] = h.sets[i].Has(class)
		}
	}
	return out, nil
}

// measureHeld sets the counts of the test and the metrics.
func (e *Evaluation) measureHeld(h *held, classes []string, id *Identities) (err error) {
	if h.sets != nil {
		return e.measureSets(h, classes, id)
	}
	if classes, err = h.gather(classes); err != nil {
		return err
	}
	e.Test = TestCounts{Counts: countsOf(h.labels, classes)}
	set := metric.ClassSet{Classes: classes, Score: h.scores, Chosen: h.chosen}
	for _, label := range h.labels {
		set.Label = append(set.Label, slices.Index(classes, label))
	}
	if e.Classes, err = metric.Classify(set); err != nil {
		return err
	}
	e.Metrics = metricsOf(e.Classes)
	e.Reliability = e.Classes.Reliability
	return id.measureBias(e, h.texts, classes, h.scores, nil, func(row, class int) bool { return set.Label[row] == class })
}

// measureSets is measureHeld where several classes can be right at once.
func (e *Evaluation) measureSets(h *held, classes []string, id *Identities) (err error) {
	set := metric.LabelsSet{Classes: classes, Score: h.scores, Chosen: h.sets}
	e.Test.Counts = newCounts(Range{}, classes, true, Outcomes{})
	e.Test.Range = everything
	for _, label := range h.labels {
		is, known := orrery.ParseLabels(label, classes)
		if !known {
			return orrery.Errorf(orrery.Invalid, "outcome_unknown", "the test has the outcome %q, and the model was trained on %s", label, strings.Join(classes, ", ")).
				WithNext("bring the names together, or leave a class out: --map NAME=%s,NAME=%s", classes[0], orrery.NoLabel)
		}
		set.Label = append(set.Label, is)
		e.Test.count(int(is))
	}
	if e.Labels, err = metric.MeasureLabels(set); err != nil {
		return err
	}
	e.Metrics = labelMetricsOf(e.Labels)
	addCuts(e.Labels, h.cuts)
	return id.measureBias(e, h.texts, classes, h.scores, nil, func(row, class int) bool { return set.Label[row].Has(class) })
}

// gather gives the classes to measure. Where some events are of Other and the model
// has no such class, that is all of its classes that no event is of: their scores
// are added up, and whichever of them is chosen is Other.
func (h *held) gather(classes []string) ([]string, error) {
	named, others := map[string]bool{}, false
	for _, label := range h.labels {
		switch {
		case slices.Contains(classes, label):
			named[label] = true
		case label == Other:
			others = true
		default:
			return nil, orrery.Errorf(orrery.Invalid, "outcome_unknown", "the test has the outcome %q, and the model was trained on %s", label, strings.Join(classes, ", ")).
				WithNext("bring the names together: --map %s=%s, or --map %s=%s for every other class", label, classes[0], label, Other)
		}
	}
	if !others {
		return classes, nil
	}
	var out []string
	place := make([]int, len(classes))
	for k, class := range classes {
		if place[k] = -1; named[class] {
			place[k] = len(out)
			out = append(out, class)
		}
	}
	out = append(out, Other)
	scores := make([]float64, len(h.labels)*len(out))
	chosen := make([]int, len(h.labels))
	for i := range h.labels {
		row := scores[i*len(out) : (i+1)*len(out)]
		for k := range classes {
			at := place[k]
			if at < 0 {
				at = len(out) - 1
			}
			row[at] = min(row[at]+h.scores[i*len(classes)+k], 1)
			if k == h.chosen[i] {
				chosen[i] = at
			}
		}
	}
	h.scores, h.chosen = scores, chosen
	if len(out) < 2 {
		return nil, orrery.Errorf(orrery.Invalid, "test_one_class", "all events of the test have the outcome %q", Other).WithNext("test on events of two classes")
	}
	return out, nil
}

// Stratified gives the fold of each event: those of one outcome are shuffled and
// dealt out in turn, beginning where the outcome before it ended.
func Stratified(labels []string, folds int, seed uint64) []int {
	of := map[string][]int{}
	for i, label := range labels {
		of[label] = append(of[label], i)
	}
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(a, b) })
	random := rand.New(rand.NewPCG(seed, 0))
	out, next := make([]int, len(labels)), 0
	for _, name := range names {
		rows := of[name]
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, i := range rows {
			out[i] = next % folds
			next++
		}
	}
	return out
}

// ParseRenames reads renamings of outcomes, "from=to", separated by commas.
func ParseRenames(text string) (map[string]string, error) {
	out := map[string]string{}
	if text == "" {
		return out, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := out[from]; !ok || from == "" || to == "" || twice {
			return nil, orrery.Errorf(orrery.Invalid, "bad_renaming", "%q does not rename an outcome, or one that is renamed already", part).
				WithNext("write FROM=TO,FROM=TO: %s", fmt.Sprintf("hateful=hate,non-hateful=%s", Other))
		}
		out[from] = to
	}
	return out, nil
}
