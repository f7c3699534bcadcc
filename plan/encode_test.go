package plan_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
)

// shouts is an encoder with two numbers: how many letters of a text are capitals,
// and how many are not. It fails on a text with "fail".
type shouts struct{ runs [][]string }

func (*shouts) Ready() error          { return nil }
func (*shouts) Columns() (int, error) { return 2, nil }
func (*shouts) Close() error          { return nil }
func (s *shouts) Run(texts []string, rows []float64) error {
	s.runs = append(s.runs, slices.Clone(texts))
	for i, text := range texts {
		if strings.Contains(text, "fail") {
			return errors.New("unwell")
		}
		capitals := 0
		for _, r := range text {
			if r >= 'A' && r <= 'Z' {
				capitals++
			}
		}
		rows[2*i], rows[2*i+1] = float64(capitals), float64(len(text)-capitals)
	}
	return nil
}

// loudPlan is chatty's system with a network and a head on it, which holds capitals
// and many messages for rude.
func loudPlan(t *testing.T) (*plan.Plan, *shouts) {
	t.Helper()
	source := strings.Replace(chatty, "model: {kind: text, train: {range: 7d}}",
		"model: {kind: onnx, file: m.onnx, tokenizer: t.json, features: [messages], head: {kind: logistic}, train: {range: 7d}}", 1)
	source = strings.Replace(source, "mask: model", "with: {half: 1 / 2}", 1)
	source = strings.Replace(source, "answer: {fallback: hold}", "answer: {fallback: hold, reasons: {for: [silence], top: 3}}", 1)
	s := orrerytest.Spec(t, source)
	inputs := append([]string{"messages"}, model.ONNXColumns(2)...)
	part := func(weights ...float64) model.Part {
		m, err := model.NewLinear(inputs, make([]float64, 3), []float64{1, 1, 1}, weights, 0)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	head, err := model.NewMulticlass(s.Label.Classes, []model.Part{part(0.5, 1, -0.25), part(-0.5, -1, 0.25)})
	if err != nil {
		t.Fatal(err)
	}
	encoder := &shouts{}
	m, err := model.NewONNX(model.ONNXParts{Files: model.ONNXFiles{Network: []byte("n"), Tokenizer: []byte("t")}, Columns: 2, Features: []string{"messages"}, Head: head, Encoder: encoder})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Encodes() || p.Ready() != nil {
		t.Fatal("the plan does not encode")
	}
	return p, encoder
}

// A network is asked for each text, and a text that it fails on is decided on
// without a score.
func TestNetworkDecides(t *testing.T) {
	p, _ := loudPlan(t)
	state, scratch := plan.NewState(), p.NewScratch()
	run := func(offset int, text string) *orrery.Decision {
		e := message(p, offset, "ann", text)
		d := &orrery.Decision{Vector: make([]float64, p.Width())}
		if err := p.Ask(state, e, scratch, d); err != nil {
			t.Fatal(err)
		}
		p.Decide(e, scratch, d)
		return d
	}
	loud := run(1, "YOU THERE are what you are")
	if loud.Action != "mask" || len(loud.Scores) != 2 || loud.Score != loud.Scores[0] || scratch.Fault() != nil {
		t.Errorf("loud: %+v", loud)
	}
	if quiet := run(2, "good morning to all of you"); quiet.Action != "allow" || quiet.Score != quiet.Scores[1] {
		t.Errorf("quiet: %+v", quiet)
	}
	failed := run(3, "you fail, and there is no score")
	if failed.Action != "hold" || failed.Fallback != plan.FallbackFault || !math.IsNaN(failed.Score) || len(failed.Scores) != 0 || orrery.CodeOf(scratch.Fault()) != "onnx_failed" {
		t.Errorf("failed: %+v, fault %v", failed, scratch.Fault())
	}
	silenced := run(4, "AGAIN AND AGAIN what you are")
	if silenced.Action != "silence" || scratch.Fault() != nil {
		t.Errorf("after a failure: %+v, fault %v", silenced, scratch.Fault())
	}
	if x, ok := p.TextContribution(message(p, 4, "ann", "AGAIN AND AGAIN what you are"), silenced); !ok || x != 13-0.25*15 {
		t.Errorf("the text gave %v, %v", x, ok)
	}
	if _, ok := p.TextContribution(message(p, 3, "ann", "you fail"), failed); ok {
		t.Error("a text without a score gave something")
	}
	// The features beside the text explain themselves: messages · 0.5.
	if len(silenced.Reasons) != 1 || silenced.Reasons[0].Contribution != 2 {
		t.Errorf("reasons %+v", silenced.Reasons)
	}
}

// Texts that are encoded together give the decisions that they give one by one;
// those that need no score are not encoded, and a failure leaves each to itself.
func TestNetworkEncodesTogether(t *testing.T) {
	p, encoder := loudPlan(t)
	scratch := p.NewScratch()
	texts := []string{"YOU THERE are what you are", "на улице сегодня очень холодно", "good morning to all of you", "this one is paused"}
	begin := func() (events []*orrery.Event, decisions []*orrery.Decision) {
		state := plan.NewState()
		for i, text := range texts {
			e := message(p, i+1, "ann", text)
			d := &orrery.Decision{Vector: make([]float64, p.Width())}
			if err := p.Ask(state, e, scratch, d); err != nil {
				t.Fatal(err)
			}
			if i == 3 {
				d.Fallback = plan.FallbackPaused
			}
			events, decisions = append(events, e), append(decisions, d)
		}
		return events, decisions
	}
	events, decisions := begin()
	encoded := p.Encode(events, decisions, scratch)
	if len(encoder.runs) != 1 || !slices.Equal(encoder.runs[0], []string{texts[0], texts[2]}) || encoded[1] != nil || encoded[3] != nil || len(encoded[0]) != 2 {
		t.Fatalf("runs %q, encoded %v", encoder.runs, encoded)
	}
	_, again := begin()
	for i, e := range events {
		p.DecideEncoded(e, scratch, decisions[i], encoded[i])
		p.Decide(e, scratch, again[i])
		if a, b := decisions[i], again[i]; a.Action != b.Action || a.Fallback != b.Fallback || !slices.Equal(a.Scores, b.Scores) {
			t.Errorf("%s: together %+v, alone %+v", texts[i], a, b)
		}
	}
	texts[0] = "fail"
	events, decisions = begin()
	for i, row := range p.Encode(events, decisions, scratch) {
		if row != nil {
			t.Errorf("row %d of a run that failed: %v", i, row)
		}
	}
}

// What follows from given scores is worked out from them; scores that are none of
// the model are not taken.
func TestGivenScoresDecide(t *testing.T) {
	p, encoder := loudPlan(t)
	state, scratch := plan.NewState(), p.NewScratch()
	e := message(p, 1, "ann", "good morning to all of you")
	given := &orrery.Decision{Score: 0.4, Scores: []float64{0.75, 0.25}}
	d := &orrery.Decision{Vector: make([]float64, p.Width())}
	if err := p.Ask(state, e, scratch, d); err != nil {
		t.Fatal(err)
	}
	p.DecideGiven(e, scratch, d, given)
	if d.Action != "mask" || d.Score != 0.75 || !slices.Equal(d.Scores, given.Scores) || len(encoder.runs) != 0 {
		t.Errorf("decision %+v, runs %q", d, encoder.runs)
	}
	given.Scores[0] = 0.5
	if d.Scores[0] != 0.75 {
		t.Error("the scores are those given, not a copy")
	}
	p.DecideGiven(e, scratch, d, &orrery.Decision{Score: 0.4, Scores: []float64{1}})
	if len(d.Scores) != 0 || d.Action != "allow" {
		t.Errorf("decision %+v of scores of another model", d)
	}
}

// Scores are computed again for a vector and a text.
func TestRescore(t *testing.T) {
	p, _ := loudPlan(t)
	got, err := p.Rescore([]string{"AB", "ab"}, []*orrery.Decision{{Vector: []float64{2}}, {Vector: []float64{0}}})
	if err != nil || len(got) != 2 || math.Abs(got[0][0]-1/(1+math.Exp(-6))) > 1e-12 || math.Abs(got[1][1]-1/(1+math.Exp(-1))) > 1e-12 {
		t.Errorf("scores %v %v", got, err)
	}
	if _, err := p.Rescore([]string{"fail"}, []*orrery.Decision{{Vector: []float64{2}}}); orrery.CodeOf(err) != "onnx_failed" {
		t.Errorf("error %v", err)
	}
}
