// Package plan compiles a release into pure functions: Ask takes an event of
// the log to a vector of features, Decide takes that vector to a score and an
// action. A plan reads no clock, does no I/O and holds no lock; what it needs
// of the past is in the feature state that a driver owns. Both drivers, serve
// and replay, run the same plan, which is why training and serving agree.
package plan

import (
	"math"
	"slices"
	"sync"

	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/feature"
	"orrery.dev/model"
	"orrery.dev/policy"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// Plan is a release, compiled. It is immutable and safe for concurrent use.
type Plan struct {
	Release orrery.ReleaseID
	Spec    *spec.Spec
	// OtherForm is the version of texts' normal form that the release decided on,
	// where this program's is another; 0 otherwise. What it decided cannot be
	// recomputed then.
	OtherForm int

	features *feature.Set
	// slots[i] is the place in the vector of aggregate i of features.
	slots     []int
	derived   []derived
	questions []question
	model     model.Model
	// reader is the model where it reads a text, classifier where it has classes.
	reader     model.TextModel
	labeller   model.Labeller // the classifier, where several classes can be right
	classifier model.Classifier
	// encoded is the model where an encoder is part of it.
	encoded model.Encoded
	// inputs[i] is the place in the vector of the model's input i.
	inputs  []int
	policy  *policy.Policy
	explore *policy.Exploration
	asks    asks
	// personal says which features are made of personal fields.
	personal []bool
}

// derived computes one slot of the vector from slots before it.
type derived struct {
	slot  int
	ratio *spec.Ratio
	expr  *expr.Program
}

// Compile makes the plan of a release from its spec and its model. The model
// is nil for a spec without one, or for a release not yet trained.
func Compile(id orrery.ReleaseID, s *spec.Spec, m model.Model) (*Plan, error) {
	p := &Plan{Release: id, Spec: s, model: m, asks: newAsks(s.System)}
	var aggregates []feature.Aggregate
	for slot, f := range s.Features {
		switch {
		case f.Aggregate != nil:
			aggregates = append(aggregates, aggregate(s, f.Aggregate))
			p.slots = append(p.slots, slot)
		case f.Listed != nil:
			p.questions = append(p.questions, question{slot: slot, Listed: *f.Listed})
		default:
			p.derived = append(p.derived, derived{slot: slot, ratio: f.Ratio, expr: f.Expr})
		}
	}
	var err error
	if p.features, err = feature.Compile(s.DecideOn, aggregates, s.Dedupe.Within, s.State.ExactEvents); err != nil {
		return nil, err
	}
	if err := p.bindModel(); err != nil {
		return nil, err
	}
	if err := p.checkClasses(); err != nil {
		return nil, err
	}
	p.findPersonal()
	rules := make([]policy.Rule, len(s.Policy))
	for i, r := range s.Policy {
		rules[i] = policy.Rule{When: r.When, Action: r.Action}
	}
	explored := make([]policy.Explore, len(s.Explore))
	for i, x := range s.Explore {
		explored[i] = policy.Explore(x)
	}
	p.explore = policy.NewExploration(s.System, explored)
	p.policy, err = policy.New(rules, s.Answer.Fallback)
	return p, err
}

func aggregate(s *spec.Spec, a *spec.Aggregate) feature.Aggregate {
	out := feature.Aggregate{Kind: a.Kind, Event: a.Event, Field: a.Field, By: a.By, Key: a.Key,
		Window: a.Window, Lag: a.Lag, Rank: a.Rank, Share: a.Share, Quantile: a.Quantile, HalfLife: a.HalfLife, Distance: a.Distance, Current: a.Current}
	if where := a.Where; where != nil {
		// An Input on the stack would escape, once an event.
		inputs := sync.Pool{New: func() any { return new(expr.Input) }}
		out.Where = &feature.Predicate{Source: where.Canonical() + " in " + s.Location.String(), Match: func(e *orrery.Event) bool {
			in := inputs.Get().(*expr.Input)
			in.Event = e
			holds, known := where.Bool(in)
			inputs.Put(in)
			return holds && known
		}}
	}
	return out
}

// bindModel finds the model's inputs among the spec's features by name.
func (p *Plan) bindModel() error {
	if p.model == nil {
		return nil
	}
	p.reader, _ = p.model.(model.TextModel)
	p.encoded, _ = p.model.(model.Encoded)
	if c, ok := p.model.(model.Classifier); ok && len(c.Classes()) > 0 {
		p.classifier = c
		if l, ok := c.(model.Labeller); ok && l.Several() {
			p.labeller = l
		}
	}
	for _, name := range p.model.Features() {
		slot := p.Spec.FeatureIndex(name)
		if slot < 0 {
			return orrery.Errorf(orrery.Invalid, "model_feature_unknown", "the model takes the feature %q, which the spec does not have", name).
				WithNext("train again: orrery train")
		}
		p.inputs = append(p.inputs, slot)
	}
	return nil
}

// Bind makes the state know what the plan needs of it, before a control is
// applied to it.
func (p *Plan) Bind(state *State) { p.features.Bind(state.Features) }

// Tables names the feature state that the plan needs.
func (p *Plan) Tables() []store.TableID { return p.features.Tables() }

// Reaches gives how far back the plan asks each of Tables.
func (p *Plan) Reaches() []feature.Reach { return p.features.Reaches() }

// TableOf gives the table behind the aggregate at a slot of the vector.
func (p *Plan) TableOf(slot int) store.TableID {
	return p.features.TableOf(slices.Index(p.slots, slot))
}

// Width gives the length of the plan's vectors.
func (p *Plan) Width() int { return len(p.Spec.Features) }

// Model gives what scores, nil when there is none.
func (p *Plan) Model() model.Model { return p.model }

// HasModel reports whether the plan can score.
func (p *Plan) HasModel() bool { return p.model != nil }

// Apply counts an event in the state that the plan needs.
func (p *Plan) Apply(state *State, e *orrery.Event) error { return p.features.Apply(state.Features, e) }

// Scratch is the working memory of one goroutine that calls Ask and Decide.
type Scratch struct {
	aggregates []float64
	vector     []float64
	row        []float64
	text       [spec.Texts]string
	input      expr.Input
	ahead      []*orrery.Event
	reading    reading
	// encoded holds what the model's encoder gives for one text, fault why it gave
	// nothing for the last decision.
	one     [1]string
	encoded []float64
	fault   error
}

// Fault gives the error of the model's encoder in the last decision, nil where
// there was none. The decision's Fallback is then FallbackFault.
func (s *Scratch) Fault() error { return s.fault }

// NewScratch makes working memory for this plan.
func (p *Plan) NewScratch() *Scratch {
	return &Scratch{
		aggregates: make([]float64, len(p.slots)),
		vector:     make([]float64, p.Width()+1+p.decided()),
		row:        make([]float64, len(p.inputs)),
	}
}

// PrefetchEvents is how many events are worth a Prefetch together.
const PrefetchEvents = 32

// Prefetch brings what the next few events will touch near to the processor. It
// changes no state and no result.
func (p *Plan) Prefetch(state *State, s *Scratch, events []orrery.Event) {
	s.ahead = s.ahead[:0]
	for i := range events {
		s.ahead = append(s.ahead, &events[i])
	}
	p.PrefetchAll(state, s.ahead)
}

// PrefetchAll is Prefetch for events that lie apart.
func (p *Plan) PrefetchAll(state *State, events []*orrery.Event) {
	p.features.Prefetch(state.Features, events)
}

// Absent appends to out the feature state that the event needs and that is not
// in memory: see feature.Set.Absent.
func (p *Plan) Absent(state *State, e *orrery.Event, out []feature.Absent) ([]feature.Absent, error) {
	return p.features.Absent(state.Features, e, out)
}

// Ask applies the event, which the spec must decide on, and begins the decision
// on it: its offset, the slots of d.Vector [Width] that are feature state at the
// event's instant, the lists as they are then, and a fallback where a control asks
// for one. The other slots are left for Complete.
func (p *Plan) Ask(state *State, e *orrery.Event, s *Scratch, d *orrery.Decision) error {
	if err := p.features.Ask(state.Features, e, s.aggregates); err != nil {
		return err
	}
	p.begin(state, e, s, d)
	return nil
}

// Peek begins the decision on an event as Ask would if it came next, at the
// offset that it has, and leaves the state as it is.
func (p *Plan) Peek(state *State, e *orrery.Event, s *Scratch, d *orrery.Decision) error {
	if err := p.features.Peek(state.Features, e, s.aggregates); err != nil {
		return err
	}
	p.begin(state, e, s, d)
	return nil
}

// begin begins a decision from the aggregates in s and from controls.
func (p *Plan) begin(state *State, e *orrery.Event, s *Scratch, d *orrery.Decision) {
	p.scatter(s, d.Vector)
	d.Offset = e.Offset
	d.Begun = state.lists()
	if state.Controls != nil {
		if _, paused := state.Controls.Paused(); paused {
			d.Fallback = FallbackPaused
		}
	}
}

func (p *Plan) scatter(s *Scratch, vector []float64) {
	for i, slot := range p.slots {
		vector[slot] = canonical(s.aggregates[i])
	}
}

// Complete computes the slots of the vector of a decision that Ask has begun which
// come of lists, of the event and of other slots.
func (p *Plan) Complete(e *orrery.Event, s *Scratch, d *orrery.Decision) {
	p.answer(e, s, d)
	vector := d.Vector
	s.input = expr.Input{Event: e, Vector: vector}
	for i := range p.derived {
		d := &p.derived[i]
		switch {
		case d.ratio != nil:
			vector[d.slot] = ratio(d.ratio, vector)
		case d.expr.Type() == expr.Bool:
			vector[d.slot] = boolean(d.expr, &s.input)
		case d.expr.Type() == expr.String:
			vector[d.slot] = category(d.expr, &s.input)
		default:
			vector[d.slot] = canonical(d.expr.Number(&s.input))
		}
	}
}

func ratio(r *spec.Ratio, vector []float64) float64 {
	if vector[r.Denominator] == 0 {
		return canonical(r.Empty)
	}
	return canonical(vector[r.Numerator] / vector[r.Denominator])
}

func boolean(program *expr.Program, in *expr.Input) float64 {
	holds, known := program.Bool(in)
	switch {
	case !known:
		return math.NaN()
	case holds:
		return 1
	}
	return 0
}

func category(program *expr.Program, in *expr.Input) float64 {
	text, known := program.Text(in)
	if !known {
		return math.NaN()
	}
	return orrery.CategoryOf(text)
}

// canonical makes every NaN the same bits, so that records compare bit by bit.
func canonical(x float64) float64 {
	if x != x {
		return math.NaN()
	}
	return x
}

// Costs gives for each rule with costs, in order, what a miss and a false alarm
// would cost, for an event and its complete vector; NaN is missing.
func (p *Plan) Costs(e *orrery.Event, s *Scratch, vector []float64) []float64 {
	var out []float64
	for i := range p.Spec.Policy {
		if c := p.Spec.Policy[i].Costs; c != nil {
			s.input = expr.Input{Event: e, Vector: vector}
			out = append(out, c.Missed.Number(&s.input), c.FalseAlarm.Number(&s.input))
		}
	}
	return out
}

// Unknowable reports whether the spec's label says that the outcome of this
// decision is never learned.
func (p *Plan) Unknowable(e *orrery.Event, s *Scratch, d *orrery.Decision) bool {
	if p.Spec.Label == nil || p.Spec.Label.UnknownWhen == nil {
		return false
	}
	p.spread(s, d)
	s.text[spec.ActionText] = d.Action
	s.input = expr.Input{Event: e, Vector: s.vector, Text: s.text[:]}
	holds, known := p.Spec.Label.UnknownWhen.Bool(&s.input)
	return holds && known
}

// Known writes to vector [Width] what the state knows at an instant of the
// entities in keys (entity name to key). Slots that need an event's own fields,
// or another entity, are NaN.
func (p *Plan) Known(state *State, at orrery.Instant, keys map[string]string, s *Scratch, vector []float64) error {
	event := &orrery.Event{Type: p.Spec.DecideOn, Time: at, Values: make([]orrery.Value, len(p.Spec.DecideOn.Fields))}
	key := func(field int) (string, bool) {
		k, ok := keys[p.Spec.DecideOn.Fields[field].Entity]
		return k, ok
	}
	for i := range p.Spec.DecideOn.Fields {
		if f := &p.Spec.DecideOn.Fields[i]; f.Type == orrery.Entity {
			if k, ok := keys[f.Entity]; ok {
				event.Values[i] = orrery.EntityValue(k)
			}
		}
	}
	byAggregate := func(i int) (string, bool) { return key(p.Spec.Features[p.slots[i]].Aggregate.Key) }
	if err := p.features.Read(state.Features, at, byAggregate, s.aggregates); err != nil {
		return err
	}
	p.scatter(s, vector)
	d := orrery.Decision{Vector: vector, Begun: state.lists()}
	p.Complete(event, s, &d)
	return nil
}

// About reports whether feature i is kept by the entity: an aggregate by it, or
// a ratio of two such.
func (p *Plan) About(i int, entity string) bool {
	f := &p.Spec.Features[i]
	switch {
	case f.Aggregate != nil:
		return p.Spec.DecideOn.Fields[f.Aggregate.Key].Entity == entity
	case f.Listed != nil:
		return p.Spec.DecideOn.Fields[f.Listed.Field].Entity == entity
	case f.Ratio != nil:
		return p.About(f.Ratio.Numerator, entity) && p.About(f.Ratio.Denominator, entity)
	}
	reads := false
	for _, name := range f.Expr.Vars() {
		j := p.Spec.FeatureIndex(name)
		if j < 0 || !p.About(j, entity) {
			return false
		}
		reads = true
	}
	return reads
}

// Personal reports whether the value of feature i is made of a personal field.
func (p *Plan) Personal(i int) bool { return p.personal[i] }

// findPersonal notes which features are made of personal fields: what they read
// comes before them.
func (p *Plan) findPersonal() {
	p.personal = make([]bool, len(p.Spec.Features))
	for i := range p.Spec.Features {
		f := &p.Spec.Features[i]
		switch {
		case f.Listed != nil:
			p.personal[i] = p.Spec.DecideOn.Fields[f.Listed.Field].Personal && p.Spec.Lists[f.Listed.List].Terms
		case f.Ratio != nil:
			p.personal[i] = p.personal[f.Ratio.Numerator] || p.personal[f.Ratio.Denominator]
		case f.Expr != nil:
			for _, name := range f.Expr.Vars() {
				j := p.Spec.FeatureIndex(name)
				p.personal[i] = p.personal[i] || j >= 0 && p.personal[j] || p.Spec.PersonalField(name) && f.Expr.Reads(name)
			}
		}
	}
}
