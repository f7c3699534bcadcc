package serve

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// reviewPiece is how many cases are written to the state store at once.
const reviewPiece = 4096

// reviews drives the review queue: decisions go in once they are durable, acts
// when they are. It is safe for concurrent use.
type reviews struct {
	engine *Engine
	// acting is held by whoever acts, until the act is durable and applied.
	acting sync.Mutex
	// arriving guards arrived, what is durable and not in the queue yet, in the order
	// of the log: the committer puts it there, and waits for nobody who looks at the
	// queue.
	arriving sync.Mutex
	arrived  []arrived
	// mutex guards queue, which is nil until a release asks about decisions.
	mutex sync.Mutex
	queue *review.Queue
	// forgotten is the first offset that the log kept when cases were last removed
	// with their decisions; it belongs to whoever holds mutex.
	forgotten orrery.Offset
	// loaded is set with queue.
	loaded atomic.Bool
	// given counts verdicts by what they came to.
	given [len(verdictKinds)]atomic.Int64
}

// arrived is an item, or an act with its offset.
type arrived struct {
	item   review.Item
	act    *review.Act
	offset orrery.Offset
}

// verdictKinds are the rounds that verdicts are counted by.
var verdictKinds = [...]review.Round{review.First, review.Second, review.Third, review.Appeal, review.Change}

func newReviews(e *Engine) *reviews { return &reviews{engine: e} }

// ask finds out which of a job's decisions people are asked about.
func (e *Engine) ask(j *job) {
	if !j.decide || j.runtime.plan.Spec.Review == nil {
		return
	}
	s := j.runtime.scratch.Get().(*plan.Scratch)
	for i := range j.items {
		if it := &j.items[i]; it.fresh() {
			if item, ok := j.runtime.plan.Asked(&it.event, s, &it.decision); ok {
				j.asked = append(j.asked, item)
			}
		}
	}
	j.runtime.scratch.Put(s)
}

// arrive takes what a job has that is durable: the decisions that people are asked
// about, and the act.
func (r *reviews) arrive(j *job) {
	if len(j.asked) == 0 && j.act == nil {
		return
	}
	r.arriving.Lock()
	defer r.arriving.Unlock()
	for i := range j.asked {
		r.arrived = append(r.arrived, arrived{item: j.asked[i]})
	}
	if j.act != nil {
		r.arrived = append(r.arrived, arrived{act: j.act, offset: j.actedAt})
	}
}

// lock gives the queue with all that has arrived in it, for as long as the mutex
// is held. An act that cannot be applied, for what it is about cannot be read,
// stops the engine.
func (r *reviews) lock() *review.Queue {
	r.mutex.Lock()
	r.arriving.Lock()
	taken := r.arrived
	r.arrived = nil
	r.arriving.Unlock()
	for i := range taken {
		a := &taken[i]
		if a.act == nil {
			r.queue.Add(a.item)
		} else if err := r.queue.Apply(a.offset, a.act); err != nil {
			r.engine.fail(err)
		}
	}
	return r.queue
}

// Case gives what the state store has of a review that has ended.
func (r *reviews) Case(offset orrery.Offset) (*review.Case, error) {
	key := review.Key(offset)
	value, ok, err := r.engine.store.State().Get(review.EndedTable, key)
	if err != nil || !ok {
		return nil, err
	}
	c, ok, err := review.Decode(key, value, r)
	if !ok {
		c = nil
	}
	return c, err
}

// Item describes a recorded decision for the queue.
func (r *reviews) Item(offset orrery.Offset) (review.Item, bool, error) {
	event, decision, err := r.engine.reader.Recorded(offset)
	switch kind := orrery.KindOf(err); {
	case err != nil && (kind == orrery.NotFound || kind == orrery.Gone):
		return review.Item{}, false, nil
	case err != nil:
		return review.Item{}, false, err
	case decision == nil || decision.Erased || event.Erased:
		return review.Item{}, false, nil
	}
	p, err := r.engine.reader.Plan(decision.Release)
	if err != nil {
		return review.Item{}, false, err
	}
	item, asked := p.Asked(&event, p.NewScratch(), decision)
	if !asked {
		item = p.Reviewed(&event, decision)
	}
	return item, true, nil
}

// load makes the queue: what the state store has of it, and the log's tail. It is
// called before the first release that asks about decisions is in force.
func (r *reviews) load(ctx context.Context) error {
	r.acting.Lock()
	defer r.acting.Unlock()
	if r.loaded.Load() {
		return nil
	}
	q := review.NewQueue(r)
	state, log := r.engine.store.State(), r.engine.store.Log()
	marked, err := state.Marked(review.OpenTable)
	if err != nil {
		return err
	}
	first, err := log.First()
	if err != nil {
		return err
	}
	for item, err := range state.Scan(review.OpenTable) {
		if err != nil {
			return err
		}
		c, ok, err := review.Decode(item.Key, item.Value, r)
		if err != nil {
			return err
		}
		if ok {
			q.Restore(c)
		}
	}
	if err := r.catchUp(ctx, q, max(marked+1, first)); err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.queue = q
	r.loaded.Store(true)
	return nil
}

// catchUp applies the log from an offset on.
func (r *reviews) catchUp(ctx context.Context, q *review.Queue, from orrery.Offset) error {
	w := reviewWalk{reviews: r, queue: q, decided: decidedWalk{reader: r.engine.reader, of: func(s *spec.Spec) bool { return s.Review != nil }}}
	n := 0
	for next, err := range r.engine.store.Log().Scan(from) {
		if err != nil {
			return err
		}
		if n++; n%reviewPiece == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if next.Kind == store.ControlRecord {
			err = w.acted(next)
		} else if event, p, walked := w.decided.next(next); walked != nil || p != nil {
			err = cmp.Or(walked, w.ask(p, event))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reviewWalk is a reading of the log for the queue.
type reviewWalk struct {
	*reviews
	queue   *review.Queue
	decided decidedWalk
}

// ask puts the decision that the walk is at in the queue, if it belongs there.
func (w *reviewWalk) ask(p *plan.Plan, event *orrery.Event) error {
	item, asked := p.Asked(event, p.NewScratch(), &w.decided.decision)
	if !asked {
		return nil
	}
	// What has ended may be written though the mark was not yet.
	if ended, err := w.Case(event.Offset); err != nil || ended != nil {
		return err
	}
	w.queue.Add(item)
	return nil
}

func (w *reviewWalk) acted(in store.Record) error {
	c, err := record.DecodeControl(in.Data)
	if err != nil {
		return err
	}
	act, ok, err := review.ReadAct(in.Offset, &c)
	if err != nil || !ok {
		return err
	}
	return w.queue.Apply(in.Offset, &act)
}

// write writes what has changed to the state store, after dropping what waits too
// long and what the log does not keep. It gives the tables that are complete up to
// whatever the committer has acknowledged.
func (r *reviews) write() ([]store.TableID, error) {
	if !r.loaded.Load() {
		return nil, nil
	}
	if err := r.prune(); err != nil {
		return nil, err
	}
	for {
		q := r.lock()
		c := q.Checkpoint(reviewPiece)
		r.mutex.Unlock()
		if len(c.Items) == 0 {
			return []store.TableID{review.OpenTable, review.EndedTable}, nil
		}
		if err := r.engine.store.State().Write(c.Items); err != nil {
			return nil, err
		}
		r.mutex.Lock()
		q.Written(c)
		r.mutex.Unlock()
	}
}

func (r *reviews) prune() error {
	first, err := r.engine.store.Log().First()
	if err != nil {
		return err
	}
	since := orrery.Instant(0)
	if s := r.engine.Plan().Spec.Review; s != nil {
		since = r.engine.options.Clock().Add(-s.Within)
	}
	q := r.lock()
	q.Prune(since, first)
	more := r.forgotten < first
	r.mutex.Unlock()
	if !more {
		return nil
	}
	return r.forgetEnded(first)
}

// forgetEnded removes cases whose decision the log does not keep.
func (r *reviews) forgetEnded(first orrery.Offset) error {
	var gone []store.StateItem
	for item, err := range r.engine.store.State().Scan(review.EndedTable) {
		if err != nil {
			return err
		}
		if item.Key >= review.Key(first) || len(gone) == reviewPiece {
			break
		}
		gone = append(gone, store.StateItem{Table: review.EndedTable, Key: item.Key})
	}
	if len(gone) < reviewPiece {
		r.mutex.Lock()
		r.forgotten = first
		r.mutex.Unlock()
	}
	return r.engine.store.State().Write(gone)
}

// asking gives the review block of the spec in force.
func (e *Engine) asking() (*spec.Spec, *spec.Review, error) {
	s := e.Plan().Spec
	if s.Review == nil || !e.reviews.loaded.Load() {
		return nil, nil, orrery.Errorf(orrery.NotFound, "review_not_configured", "the system asks nobody about its decisions").
			WithNext("say which in the spec: review: {of: [ACTION]}")
	}
	return s, s.Review, nil
}
