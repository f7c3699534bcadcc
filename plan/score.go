package plan

import (
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/spec"
	"orrery.dev/text"
	"orrery.dev/text/match"
)

// classes gives the number of classes that the spec's model gives scores to, 0
// where it gives one of a positive class.
func (p *Plan) classes() int {
	if p.Spec.Label == nil || p.Spec.Model == nil {
		return 0
	}
	return len(p.Spec.Label.Classes)
}

// decided gives how many numbers about classes expressions can read.
func (p *Plan) decided() int {
	if p.Spec.Label != nil && p.Spec.Label.Several {
		return 2 * p.classes()
	}
	return p.classes()
}

// checkClasses asks that the model has the classes of the spec's label.
func (p *Plan) checkClasses() error {
	var have []string
	if p.classifier != nil {
		have = p.classifier.Classes()
	}
	want := []string(nil)
	if p.Spec.Label != nil {
		want = p.Spec.Label.Classes
	}
	several := p.Spec.Label != nil && p.Spec.Label.Several
	switch {
	case p.model == nil:
		return nil
	case model.Several(p.model) != several:
		return orrery.Errorf(orrery.Invalid, "model_classes_differ", "several classes can be right at once by the model or by the label of the spec, and not by the other").
			WithNext("train again: orrery train")
	case slices.Equal(have, want):
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "model_classes_differ", "the model has the classes %q, and the label of the spec %q", have, want).
		WithNext("train again: orrery train")
}

// score gives d the model's score of its complete vector and the event's text,
// and one for each class of a model of several, of which Score is the greatest.
// All are missing without a model.
func (p *Plan) score(e *orrery.Event, s *Scratch, d *orrery.Decision, from origin) {
	d.Score, d.Scores = math.NaN(), d.Scores[:0]
	if d.Fallback != "" || p.model == nil {
		return
	}
	p.row(d.Vector, s.row)
	switch {
	case from.given != nil:
		d.Score = from.given.Score
		if p.classifier != nil && len(from.given.Scores) == p.classes() {
			d.Scores = append(d.Scores, from.given.Scores...)
			d.Score = d.Scores[model.Likeliest(d.Scores)]
		}
		return
	case p.encoded != nil && from.encoded == nil:
		if from.encoded = p.encodeOne(e, s); s.fault != nil {
			d.Fallback = FallbackFault
			return
		}
	}
	if p.classifier == nil {
		d.Score = p.scoreRow(e, s.row, from.encoded)
		return
	}
	d.Scores = append(d.Scores, make([]float64, p.classes())...)
	p.scoresOf(e, s.row, from.encoded, d.Scores)
	d.Score = d.Scores[model.Likeliest(d.Scores)]
}

func (p *Plan) scoreRow(e *orrery.Event, row, encoded []float64) float64 {
	switch {
	case p.encoded != nil:
		return p.encoded.ScoreEncoded(p.Text(e), row, encoded)
	case p.reader != nil:
		return p.reader.ScoreText(p.Text(e), row)
	}
	return p.model.Score(row)
}

func (p *Plan) scoresOf(e *orrery.Event, row, encoded, out []float64) {
	switch {
	case p.encoded != nil:
		p.encoded.ScoresEncoded(p.Text(e), row, encoded, out)
	case p.reader != nil:
		p.reader.ScoresText(p.Text(e), row, out)
	default:
		p.classifier.Scores(row, out)
	}
}

// ReadsText reports whether the spec's model reads a text.
func (p *Plan) ReadsText() bool { return p.Spec.Model != nil && p.Spec.Model.ReadsText }

// ReadsForm reports whether decisions under a spec depend on the normal form of
// texts (text.Form): by its model, by lists of terms, or by languages.
func ReadsForm(s *spec.Spec) bool {
	return s.Model != nil && s.Model.ReadsWords || s.Text != nil && len(s.Text.Languages) > 0 ||
		slices.ContainsFunc(s.Lists, func(l spec.List) bool { return l.Terms })
}

// Text gives the text of an event that the plan decides on, empty where there is
// none.
func (p *Plan) Text(e *orrery.Event) string {
	if p.Spec.Text == nil {
		return ""
	}
	return e.Values[p.Spec.Text.Field].Text()
}

// With names the numbers that go with a decision's action, leaving out those that
// are missing; nil where there are none.
func (p *Plan) With(d *orrery.Decision) map[string]float64 {
	if d.Rule < 0 || d.Rule >= len(p.Spec.Policy) || len(d.With) != len(p.Spec.Policy[d.Rule].With) || len(d.With) == 0 {
		return nil
	}
	out := map[string]float64{}
	for i, param := range p.Spec.Policy[d.Rule].With {
		if x := d.With[i]; !math.IsNaN(x) && !math.IsInf(x, 0) {
			out[param.Name] = x
		}
	}
	return out
}

// understands reports whether an event's text can be in a language that the model
// knows.
func (p *Plan) understands(e *orrery.Event, s *Scratch) bool {
	if p.reader == nil || p.Spec.Text == nil || len(p.Spec.Text.Languages) == 0 {
		return true
	}
	return s.reading.read(e, p.Spec.Text.Field) && slices.ContainsFunc(p.Spec.Text.Languages, s.reading.normal.MayBe)
}

// Masked gives the text of the event decided on with the decision's spans masked.
func (p *Plan) Masked(e *orrery.Event, d *orrery.Decision) string {
	whole := p.Text(e)
	hidden := make([]text.Span, len(d.Spans))
	for i, s := range d.Spans {
		hidden[i] = text.Span{Start: min(s.Start, len(whole)), End: min(s.End, len(whole))}
	}
	return match.Mask(whole, hidden, '*')
}

// Chosen gives the index of the class that the model chooses by the scores of a
// decision, -1 where there are none, or several can be right.
func (p *Plan) Chosen(d *orrery.Decision) int {
	if p.classifier == nil || len(d.Scores) != p.classes() || p.labeller != nil {
		return -1
	}
	return model.Choose(p.classifier, d.Scores)
}

// Labels gives the classes that the model chooses by the scores of a decision,
// where several can be right; ok is false where they cannot, or there are no scores.
func (p *Plan) Labels(d *orrery.Decision) (set orrery.LabelSet, ok bool) {
	if p.labeller == nil || len(d.Scores) != p.classes() {
		return 0, false
	}
	return model.Labels(p.labeller, d.Scores), true
}

// spokenFor gives the index of the class that spans of the text speak for: the one
// chosen, or where several can be right the likeliest.
func (p *Plan) spokenFor(d *orrery.Decision) int {
	if p.labeller != nil && len(d.Scores) > 0 {
		return model.Likeliest(d.Scores)
	}
	return max(p.Chosen(d), 0)
}

// row writes the model's inputs to out.
func (p *Plan) row(vector, out []float64) {
	for i, slot := range p.inputs {
		out[i] = vector[slot]
	}
}

// spread writes what expressions about a decision read: its features, the score
// behind the last of them, and behind that the scores of classes and, where several
// can be right, whether the model chooses each.
func (p *Plan) spread(s *Scratch, d *orrery.Decision) {
	s.text = [spec.Texts]string{}
	if class := p.Chosen(d); class >= 0 {
		s.text[spec.ClassText] = p.Spec.Label.Classes[class]
	}
	copy(s.vector, d.Vector)
	rest := s.vector[p.Width():]
	rest[0] = d.Score
	for i := range rest[1:] {
		rest[1+i] = math.NaN()
	}
	copy(rest[1:], d.Scores)
	if set, ok := p.Labels(d); ok {
		for k := range d.Scores {
			rest[1+len(d.Scores)+k] = 0
			if set.Has(k) {
				rest[1+len(d.Scores)+k] = 1
			}
		}
	}
}

// Reasons gives the inputs that moved the score of a decision most, by
// size, at most n of them, and the margin that they start from: see
// model.Explainer. Of a model of several classes, they are those of the
// likeliest class. It gives none without a model that can explain itself.
func (p *Plan) Reasons(d *orrery.Decision, n int) (reasons []orrery.Reason, base float64) {
	row := make([]float64, len(p.inputs))
	p.row(d.Vector, row)
	explainer := p.explainer(d, row)
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

// explainer gives what explains the score of a decision with a row, nil where
// nothing does. What calibration does to a score says nothing of the inputs.
func (p *Plan) explainer(d *orrery.Decision, row []float64) model.Explainer {
	switch m := p.model.(type) {
	case interface {
		model.Encoded
		Part(output int) model.Explainer
	}:
		// It explains the features beside the text, which need no encoder.
		return m.Part(p.explained(d))
	case *model.Calibrated:
		explainer, _ := m.Inner().(model.Explainer)
		return explainer
	case interface {
		model.Classifier
		Part(class int) model.Part
	}:
		// Of a model of a text it explains the features beside the text.
		scores := make([]float64, len(m.Classes()))
		m.Scores(row, scores)
		return m.Part(model.Likeliest(scores))
	case model.Explainer:
		return m
	}
	return nil
}

// explained gives the output of the model whose margin a decision's reasons are about,
// by its scores: that of the likeliest class.
func (p *Plan) explained(d *orrery.Decision) int {
	if len(d.Scores) == 0 {
		return 0
	}
	return model.Likeliest(d.Scores)
}
