package replay

import (
	"context"
	"fmt"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/store"
)

// Verification is what came of recomputing a log.
type Verification struct {
	Events    int64 `json:"events"`
	Decisions int64 `json:"decisions"`
	// Erased counts decisions whose subject has been forgotten: nothing of them is
	// left to compare, and they are not among Decisions.
	Erased int64 `json:"erased,omitempty"`
	// OtherForms has the releases that read another version of texts' normal form
	// than this program does (text.Form). What they decided cannot be recomputed, and
	// is not among Decisions.
	OtherForms []OtherForm `json:"other_text_forms,omitempty"`
	// Different counts decisions that did not come out as recorded, bit by bit:
	// by features, scores, rule, action, propensity, reasons or fallback. The scores
	// of a model with an encoder are taken from the record, and what follows from them
	// is compared; Encoded says what came of the scores themselves.
	Different int64 `json:"different"`
	// Encoded is nil where no decision has a score of such a model.
	Encoded *Rescored `json:"encoded,omitempty"`
	// First has the first few differences.
	First []Difference `json:"first,omitempty"`
}

// OtherForm is a release that decided on another version of texts' normal form.
type OtherForm struct {
	Release   orrery.ReleaseID `json:"release"`
	Form      int              `json:"text_form"`
	Decisions int64            `json:"decisions"`
}

// Difference is one value that did not come out as recorded.
type Difference struct {
	Offset   orrery.Offset    `json:"offset"`
	Release  orrery.ReleaseID `json:"release"`
	What     string           `json:"what"`
	Recorded any              `json:"recorded"`
	Computed any              `json:"computed"`
}

// differencesKept is how many differences a Verification lists.
const differencesKept = 20

// Releases gives the releases that the decisions of a log name, in order of
// first use.
func Releases(ctx context.Context, log store.Log, contracts Contracts) ([]orrery.ReleaseID, error) {
	var found []orrery.ReleaseID
	seen := map[orrery.ReleaseID]bool{}
	for r, err := range log.Scan(1) {
		if err != nil {
			return nil, err
		}
		if r.Kind != store.DecisionRecord {
			continue
		}
		if r.Offset%tickEvery == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		decision, err := record.DecodeDecision(r.Data, r.Offset, contracts)
		if err != nil {
			return nil, err
		}
		if !decision.Erased && !seen[decision.Release] {
			seen[decision.Release] = true
			found = append(found, decision.Release)
		}
	}
	return found, nil
}

// Verify recomputes every decision of a source from the events alone, each by
// the plan of the release that made it. plans has one for every release that a
// decision names.
func Verify(ctx context.Context, source Source, plans []*plan.Plan, tick func(events int64)) (*Verification, error) {
	state, err := rootOf(source)
	if err != nil {
		return nil, err
	}
	v := newVerifier(plans, state)
	events, err := walk(ctx, source, tick, each(v.step, v.state.Control))
	if err != nil {
		return nil, err
	}
	if err := v.rescoreRest(); err != nil {
		return nil, err
	}
	v.out.Events = events
	return &v.out, nil
}

// failed counts decisions that a verification holds to be altered.
func (v *Verification) failed() int64 {
	if v.Encoded == nil {
		return v.Different
	}
	return v.Different + v.Encoded.Outside
}

// Clean reports whether every decision came out as recorded, the scores of models
// with an encoder within their tolerance.
func (v *Verification) Clean() bool { return v.failed() == 0 }

type verifier struct {
	plans   []*plan.Plan
	byID    map[orrery.ReleaseID]*plan.Plan
	scratch map[orrery.ReleaseID]*plan.Scratch
	// state serves all plans: what two of them share is applied once.
	state *plan.State
	out   Verification
	// rescoring has what is to be scored again, by release.
	rescoring map[orrery.ReleaseID]*rescoring
}

func newVerifier(plans []*plan.Plan, state *plan.State) *verifier {
	v := &verifier{plans: plans, byID: map[orrery.ReleaseID]*plan.Plan{}, scratch: map[orrery.ReleaseID]*plan.Scratch{}, state: state,
		rescoring: map[orrery.ReleaseID]*rescoring{}}
	for _, p := range plans {
		v.byID[p.Release], v.scratch[p.Release] = p, p.NewScratch()
		p.Bind(state)
	}
	return v
}

func (v *verifier) step(e *orrery.Event, recorded *orrery.Decision) error {
	switch {
	case recorded == nil:
	case recorded.Erased:
		v.out.Erased++
	case v.ofOtherForm(recorded):
	default:
		v.out.Decisions++
		if err := v.check(e, recorded); err != nil {
			return err
		}
	}
	for _, p := range v.plans {
		if err := p.Apply(v.state, e); err != nil {
			return err
		}
	}
	return nil
}

// ofOtherForm counts a decision that was made on another normal form of texts.
func (v *verifier) ofOtherForm(recorded *orrery.Decision) bool {
	p := v.byID[recorded.Release]
	if p == nil || p.OtherForm == 0 {
		return false
	}
	at := slices.IndexFunc(v.out.OtherForms, func(o OtherForm) bool { return o.Release == p.Release })
	if at < 0 {
		at = len(v.out.OtherForms)
		v.out.OtherForms = append(v.out.OtherForms, OtherForm{Release: p.Release, Form: p.OtherForm})
	}
	v.out.OtherForms[at].Decisions++
	return true
}

// check asks before any other plan applies the event, since some features look
// at what came before it.
func (v *verifier) check(e *orrery.Event, recorded *orrery.Decision) error {
	p := v.byID[recorded.Release]
	if p == nil {
		return orrery.Errorf(orrery.NotFound, "release_not_found", "the decision at offset %d was made by release %s, which is not here", e.Offset, recorded.Release.Short())
	}
	s := v.scratch[recorded.Release]
	computed := orrery.Decision{Vector: make([]float64, p.Width())}
	if err := p.Ask(v.state, e, s, &computed); err != nil {
		return err
	}
	if computed.Fallback == "" && plan.OfTheMoment(recorded.Fallback) {
		computed.Fallback = recorded.Fallback
	}
	if p.Encodes() {
		p.DecideGiven(e, s, &computed, recorded)
	} else {
		p.Decide(e, s, &computed)
	}
	if p.Encodes() && computed.Fallback == "" {
		if err := v.rescore(p, e, recorded, &computed); err != nil {
			return err
		}
	}
	if found := v.compare(p, recorded, &computed); found > 0 {
		v.out.Different++
	}
	return nil
}

// compare notes each part of a decision that did not come out as recorded, and
// gives their number.
func (v *verifier) compare(p *plan.Plan, recorded, computed *orrery.Decision) int {
	found := 0
	note := func(differs bool, what string, was, is any) {
		if !differs {
			return
		}
		found++
		if len(v.out.First) < differencesKept {
			v.out.First = append(v.out.First, Difference{Offset: recorded.Offset, Release: recorded.Release, What: what, Recorded: was, Computed: is})
		}
	}
	note(len(recorded.Vector) != len(computed.Vector), "number of features", len(recorded.Vector), len(computed.Vector))
	for i := range min(len(recorded.Vector), len(computed.Vector)) {
		was, is := Number(recorded.Vector[i]), Number(computed.Vector[i])
		if p.Personal(i) {
			was, is = orrery.PersonalMask, orrery.PersonalMask
		}
		note(differ(recorded.Vector[i], computed.Vector[i]), p.Spec.Features[i].Name, was, is)
	}
	note(differ(recorded.Score, computed.Score), "score", Number(recorded.Score), Number(computed.Score))
	note(len(recorded.Scores) != len(computed.Scores), "number of classes", len(recorded.Scores), len(computed.Scores))
	for i := range min(len(recorded.Scores), len(computed.Scores)) {
		note(differ(recorded.Scores[i], computed.Scores[i]), fmt.Sprintf("score of class %d", i), Number(recorded.Scores[i]), Number(computed.Scores[i]))
	}
	note(recorded.Rule != computed.Rule, "rule", recorded.Rule, computed.Rule)
	note(recorded.Action != computed.Action, "action", recorded.Action, computed.Action)
	note(recorded.Intended != computed.Intended, "intended action", recorded.Intended, computed.Intended)
	note(differ(recorded.Propensity, computed.Propensity), "propensity", recorded.Propensity, computed.Propensity)
	note(!slices.EqualFunc(recorded.Reasons, computed.Reasons, sameReason), "reasons", recorded.Reasons, computed.Reasons)
	note(!slices.EqualFunc(recorded.With, computed.With, func(a, b float64) bool { return !differ(a, b) }), "numbers of the action", numbers(recorded.With), numbers(computed.With))
	note(!slices.Equal(recorded.Spans, computed.Spans), "masked spans", recorded.Spans, computed.Spans)
	note(recorded.Fallback != computed.Fallback, "fallback", recorded.Fallback, computed.Fallback)
	return found
}

func sameReason(a, b orrery.Reason) bool {
	return a.Slot == b.Slot && !differ(a.Contribution, b.Contribution)
}

func differ(a, b float64) bool { return math.Float64bits(a) != math.Float64bits(b) }

func numbers(xs []float64) []any {
	out := make([]any, len(xs))
	for i, x := range xs {
		out[i] = Number(x)
	}
	return out
}

// Number gives a double as JSON can hold it: nil when it is missing.
func Number(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}
