package replay

import (
	"context"
	"slices"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/spec"
)

// Example is an event that was, or would be, decided on, with what was known
// at its instant. Its row is in Examples.X.
type Example struct {
	// ID is what outcomes match: the value of the label's field of the event.
	ID             string
	Time, Received orrery.Instant
	// Excluded names the entity whose known positives exclude the example from
	// a test, Ranked the one that precision at k ranks. Empty where the spec
	// does not ask.
	Excluded, Ranked string
	// Unknowable says that the outcome of the decision can never be learned.
	Unknowable bool
	// Weight is how many decisions the example stands for in training and in
	// metrics: 1, but for one that was let through, or that is stood for.
	Weight float64
	// Costs has for each of the policy's rules with costs that of a miss and of a
	// false alarm.
	Costs []float64
}

// Examples are the rows of a span of history and every outcome that history
// holds.
type Examples struct {
	List []Example
	// X is [len(List) × columns], row-major: the columns asked for.
	X       []float64
	Columns []string
	// Text is [len(List)], the text of each for a model that reads one, empty where
	// it is missing; nil for one that does not.
	Text []string
	// Categorical says which columns hold categories, Monotone what constraints the
	// spec's model has on them; both [columns], or nil where there are none. Classes
	// are those of the label, of which Several says that any number can be right.
	Categorical []bool
	Monotone    []int8
	Classes     []string
	Several     bool
	// Events counts all events read, Last is the latest instant at which one was
	// received.
	Events int64
	Last   orrery.Instant
	// outcomes are in the order received.
	outcomes []outcome
	// corrected says that some outcome corrects another.
	corrected bool
}

// Row gives the features of example i, a view of X.
func (x *Examples) Row(i int) []float64 {
	n := len(x.Columns)
	return x.X[i*n : (i+1)*n : (i+1)*n]
}

// Collect replays a source through a plan and keeps the rows of span. columns
// are indexes in the plan's vector. tick, which may be nil, is called now and
// then with the number of events read.
func Collect(ctx context.Context, p *plan.Plan, source Source, span Range, columns []int, tick func(events int64)) (*Examples, error) {
	state, err := rootOf(source)
	if err != nil {
		return nil, err
	}
	c := newCollector(p, state, span, columns)
	next := 0
	visit := each(func(e *orrery.Event, recorded *orrery.Decision) error {
		if next%plan.PrefetchEvents == 0 {
			p.Prefetch(c.state, c.scratch, c.batch[next:min(next+plan.PrefetchEvents, len(c.batch))])
		}
		next++
		return c.add(e, recorded)
	}, c.control)
	events, err := walk(ctx, source, tick, func(batch *Batch) error {
		c.batch, next = batch.Events, 0
		return visit(batch)
	})
	if err != nil {
		return nil, err
	}
	c.out.Events, c.out.Last, c.out.outcomes = events, c.joiner.last, c.joiner.join()
	c.out.corrected = c.joiner.corrected
	return c.out, nil
}

type collector struct {
	plan    *plan.Plan
	batch   []orrery.Event
	state   *plan.State
	scratch *plan.Scratch
	// asked is the decision begun on the event at hand.
	asked   orrery.Decision
	span    Range
	columns []int
	joiner  *joiner
	out     *Examples
	// Indexes of the fields read: of decide_on, -1 where the spec has none.
	id, excluded, ranked int
}

func newCollector(p *plan.Plan, state *plan.State, span Range, columns []int) *collector {
	c := &collector{plan: p, state: state, scratch: p.NewScratch(), asked: orrery.Decision{Vector: make([]float64, p.Width())},
		span: span, columns: columns, joiner: newJoiner(p.Spec), out: &Examples{}, id: matched(p.Spec), excluded: -1, ranked: -1}
	p.Bind(state)
	if e := p.Spec.Evaluate; e != nil {
		c.excluded, c.ranked = e.LeaveOutKnown, e.By
	}
	for _, column := range columns {
		c.out.Columns = append(c.out.Columns, p.Spec.Features[column].Name)
		c.out.Categorical = append(c.out.Categorical, p.Spec.Features[column].Category)
	}
	if !slices.Contains(c.out.Categorical, true) {
		c.out.Categorical = nil
	}
	if p.Spec.Label != nil {
		c.out.Classes, c.out.Several = p.Spec.Label.Classes, p.Spec.Label.Several
	}
	if m := p.Spec.Model; m != nil && m.Monotone != nil {
		for _, column := range columns {
			way := int8(0)
			if i := slices.Index(m.Features, column); i >= 0 {
				way = m.Monotone[i]
			}
			c.out.Monotone = append(c.out.Monotone, way)
		}
	}
	return c
}

func (c *collector) control(offset orrery.Offset, given *record.Control) error {
	if err := c.joiner.control(offset, given); err != nil {
		return err
	}
	return c.state.Control(offset, given)
}

func (c *collector) add(e *orrery.Event, recorded *orrery.Decision) error {
	c.joiner.add(e)
	// What is left of somebody forgotten is no row: it is counted, and teaches
	// nothing.
	if !e.Type.Is(c.plan.Spec.DecideOn) || !c.span.Contains(e.Time) || e.Erased {
		return c.plan.Apply(c.state, e)
	}
	if err := c.plan.Ask(c.state, e, c.scratch, &c.asked); err != nil {
		return err
	}
	c.plan.Complete(e, c.scratch, &c.asked)
	for _, column := range c.columns {
		c.out.X = append(c.out.X, c.asked.Vector[column])
	}
	if c.plan.ReadsText() {
		c.out.Text = append(c.out.Text, c.plan.Text(e))
	}
	example := Example{ID: text(e, c.id), Time: e.Time, Received: e.Received,
		Excluded: text(e, c.excluded), Ranked: text(e, c.ranked), Weight: 1}
	example.Costs = c.plan.Costs(e, c.scratch, c.asked.Vector)
	if recorded != nil {
		example.Unknowable, example.Weight = weigh(c.plan, e, c.scratch, c.asked.Vector, recorded)
	}
	c.out.List = append(c.out.List, example)
	return nil
}

// matched gives the index in decide_on of the field that outcomes name.
func matched(s *spec.Spec) int {
	if s.Label != nil {
		return s.Label.Against
	}
	return s.DecideOn.IDField
}

// text gives what a field says, as the text that ids and keys compare by.
func text(e *orrery.Event, field int) string {
	if field < 0 {
		return ""
	}
	return e.Values[field].Format(e.Type.Fields[field].Scale)
}
