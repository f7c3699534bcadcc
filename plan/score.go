package plan

import (
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/model"
)

// classes gives the number of classes that the spec's model gives scores to, 0
// where it gives one of a positive class.
func (p *Plan) classes() int {
	if p.Spec.Label == nil || p.Spec.Model == nil {
		return 0
	}
	return len(p.Spec.Label.Classes)
}

// checkClasses asks that the model has the classes of the spec's label.
func (p *Plan) checkClasses() error {
	var have []string
	if c, ok := p.model.(model.Classifier); ok {
		have = c.Classes()
	}
	want := []string(nil)
	if p.Spec.Label != nil {
		want = p.Spec.Label.Classes
	}
	if p.model == nil || slices.Equal(have, want) {
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "model_classes_differ", "the model has the classes %q, and the label of the spec %q", have, want).
		WithNext("train again: orrery train")
}

// score gives d the model's score of its complete vector, and one for each class
// of a model of several, of which Score is the greatest. All are missing without
// a model.
func (p *Plan) score(s *Scratch, d *orrery.Decision) {
	d.Score, d.Scores = math.NaN(), d.Scores[:0]
	if d.Fallback != "" || p.model == nil {
		return
	}
	p.row(d.Vector, s.row)
	c, ok := p.model.(model.Classifier)
	if !ok {
		d.Score = p.model.Score(s.row)
		return
	}
	d.Scores = append(d.Scores, make([]float64, len(c.Classes()))...)
	c.Scores(s.row, d.Scores)
	d.Score = d.Scores[model.Likeliest(d.Scores)]
}

// row writes the model's inputs to out.
func (p *Plan) row(vector, out []float64) {
	for i, slot := range p.inputs {
		out[i] = vector[slot]
	}
}

// spread writes what expressions about a decision read: its features, the score
// behind the last of them, and behind that the scores of classes.
func (p *Plan) spread(s *Scratch, d *orrery.Decision) {
	copy(s.vector, d.Vector)
	rest := s.vector[p.Width():]
	rest[0] = d.Score
	for i := range rest[1:] {
		rest[1+i] = math.NaN()
	}
	copy(rest[1:], d.Scores)
}

// Reasons gives the inputs that moved the score of a complete vector most, by
// size, at most n of them, and the margin that they start from: see
// model.Explainer. Of a model of several classes, they are those of the
// likeliest class. It gives none without a model that can explain itself.
func (p *Plan) Reasons(vector []float64, n int) (reasons []orrery.Reason, base float64) {
	row := make([]float64, len(p.inputs))
	p.row(vector, row)
	explainer := p.explainer(row)
	if explainer == nil {
		return nil, math.NaN()
	}
	contributions := make([]float64, len(row))
	base = explainer.Contributions(row, contributions)
	for _, i := range model.Top(contributions, n) {
		if c := contributions[i]; c != 0 && !math.IsNaN(c) && !math.IsInf(c, 0) {
			reasons = append(reasons, orrery.Reason{Slot: p.inputs[i], Contribution: contributions[i]})
		}
	}
	return reasons, base
}

// explainer gives what explains the score of a row, nil where nothing does. What
// calibration does to a score says nothing of the inputs.
func (p *Plan) explainer(row []float64) model.Explainer {
	switch m := p.model.(type) {
	case *model.Calibrated:
		explainer, _ := m.Inner().(model.Explainer)
		return explainer
	case *model.Multiclass:
		scores := make([]float64, len(m.Classes()))
		m.Scores(row, scores)
		return m.Part(model.Likeliest(scores))
	case model.Explainer:
		return m
	}
	return nil
}
