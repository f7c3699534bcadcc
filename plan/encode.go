package plan

import "orrery.dev"

// Encodes reports whether an encoder is part of the plan's model: its scores can
// fail, are made in batches best, and are not the same bits on every machine.
func (p *Plan) Encodes() bool { return p.encoded != nil }

// Ready makes the model ready to score: see model.Encoded. There is nothing to do
// for a plan that does not encode.
func (p *Plan) Ready() error {
	if p.encoded == nil {
		return nil
	}
	return p.encoded.Ready()
}

// encodeOne gives what the encoder makes of the text of an event. Where it fails the
// error is in s.
func (p *Plan) encodeOne(e *orrery.Event, s *Scratch) []float64 {
	if s.encoded == nil {
		s.encoded = make([]float64, p.encoded.Columns())
	}
	s.one[0] = p.Text(e)
	s.fault = p.encoded.Encode(s.one[:], s.encoded)
	s.one[0] = ""
	return s.encoded
}

// Encode encodes the texts of events together, those whose decisions, begun by Ask,
// need a score. It gives for each what DecideEncoded takes, nil where there is
// nothing to encode, and for all where the encoder fails: what it fails on is then
// found one by one.
func (p *Plan) Encode(events []*orrery.Event, decisions []*orrery.Decision, s *Scratch) [][]float64 {
	out := make([][]float64, len(events))
	if p.encoded == nil {
		return out
	}
	var texts []string
	var of []int
	for i, e := range events {
		s.reading.begin(len(p.Spec.Lists))
		if decisions[i].Fallback == "" && p.understands(e, s) {
			texts, of = append(texts, p.Text(e)), append(of, i)
		}
	}
	columns := p.encoded.Columns()
	rows := make([]float64, len(texts)*columns)
	if len(texts) == 0 || p.encoded.Encode(texts, rows) != nil {
		return out
	}
	for j, i := range of {
		out[i] = rows[j*columns : (j+1)*columns : (j+1)*columns]
	}
	return out
}

// Rescore scores decisions with a complete vector again, for a plan that encodes,
// and gives for each its Scores, or of a model without classes its Score alone.
// Errors are those of model.Encoded.
func (p *Plan) Rescore(texts []string, decisions []*orrery.Decision) ([][]float64, error) {
	columns := p.encoded.Columns()
	rows := make([]float64, len(texts)*columns)
	if err := p.encoded.Encode(texts, rows); err != nil {
		return nil, err
	}
	out := make([][]float64, len(texts))
	row := make([]float64, len(p.inputs))
	for i, d := range decisions {
		p.row(d.Vector, row)
		encoded := rows[i*columns : (i+1)*columns]
		if p.classifier == nil {
			out[i] = []float64{p.encoded.ScoreEncoded(texts[i], row, encoded)}
			continue
		}
		out[i] = make([]float64, p.classes())
		p.encoded.ScoresEncoded(texts[i], row, encoded, out[i])
	}
	return out, nil
}

// TextContribution gives what the model's encoder, by its numbers for the text of an
// event, added to the margin that Reasons explains, as one item. ok is false for a
// plan that does not encode, a model that cannot say, and where the encoder cannot be
// run here.
func (p *Plan) TextContribution(e *orrery.Event, d *orrery.Decision) (contribution float64, ok bool) {
	m, linear := p.encoded.(interface {
		TextContribution(encoded []float64, output int) (float64, bool)
	})
	if !linear || d.Fallback != "" || p.Ready() != nil {
		return 0, false
	}
	encoded := make([]float64, p.encoded.Columns())
	if p.encoded.Encode([]string{p.Text(e)}, encoded) != nil {
		return 0, false
	}
	return m.TextContribution(encoded, p.explained(d))
}
