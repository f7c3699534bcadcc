package serve

import (
	"iter"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/store"
)

// Reviews gives items that wait for an opinion, by their decisions, after one: at
// most limit, and from where on to ask for more, 0 at the end. Where a filter lets
// few through there may be fewer, and more behind.
func (e *Engine) Reviews(f review.Filter, after orrery.Offset, limit int) (page []*review.Case, next orrery.Offset, err error) {
	if _, _, err := e.asking(); err != nil {
		return nil, 0, err
	}
	q := e.reviews.lock()
	defer e.reviews.mutex.Unlock()
	page, next = q.List(nil, f, after, limit)
	return page, next, nil
}

// Review gives what there is about one decision; open says that it waits. The
// error is of kind NotFound with code review_not_found.
func (e *Engine) Review(decision orrery.Offset) (c *review.Case, open bool, err error) {
	if _, _, err := e.asking(); err != nil {
		return nil, false, err
	}
	q := e.reviews.lock()
	defer e.reviews.mutex.Unlock()
	if c, err = q.Case(decision); err == nil && c == nil {
		err = review.NotFound(decision)
	}
	return c, q.Open(decision), err
}

// ReviewStats says how a queue does.
type ReviewStats struct {
	// Open counts items that wait, Claimed those of them that somebody has.
	Open, Claimed int
	// Oldest is since when the oldest waits, and OldestAge how long that is; both are 0
	// for an empty queue.
	Oldest    orrery.Instant
	OldestAge orrery.Duration
	// Given counts the verdicts since the start, by round.
	Given map[review.Round]int64
}

// Verdicts counts those of all rounds.
func (st *ReviewStats) Verdicts() (n int64) {
	for _, given := range st.Given {
		n += given
	}
	return n
}

// ReviewStats is zero for a system that asks nobody.
func (e *Engine) ReviewStats() ReviewStats {
	r := e.reviews
	if !r.loaded.Load() {
		return ReviewStats{}
	}
	now := e.options.Clock()
	q := r.lock()
	st := ReviewStats{Open: q.Len(), Claimed: q.Claimed(now), Given: map[review.Round]int64{}}
	if oldest, ok := q.Oldest(); ok {
		st.Oldest, st.OldestAge = oldest, orrery.Duration(now-oldest)
	}
	r.mutex.Unlock()
	for i, round := range verdictKinds {
		st.Given[round] = r.given[i].Load()
	}
	return st
}

// Opinions yields the cases with opinions, open and ended, as the state store has
// them once it has all that is known at the call.
func (e *Engine) Opinions() iter.Seq2[*review.Case, error] {
	return func(yield func(*review.Case, error) bool) {
		if _, _, err := e.asking(); err != nil {
			yield(nil, err)
			return
		}
		if _, err := e.reviews.write(); err != nil {
			yield(nil, err)
			return
		}
		for _, table := range []store.TableID{review.EndedTable, review.OpenTable} {
			for item, err := range e.store.State().Scan(table) {
				if err != nil {
					yield(nil, err)
					return
				}
				c, err := review.Judged(item.Key, item.Value)
				if err != nil || c != nil {
					if !yield(c, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// What is looked through for the events of an entity, at most.
const (
	aroundEvents = 50_000
	aroundStep   = 4096
)

// Seen is an event, and the decision on it where there is one.
type Seen struct {
	Event    orrery.Event
	Decision *orrery.Decision
}

// Before gives what the log has of entities before an event that names them: for
// each of the event's fields the newest events that name its entity, the newest
// first, at most limit of each. It looks through the newest of the log before that
// event, and searched says through how many.
func (r *Reader) Before(event *orrery.Event, fields []int, limit int) (seen [][]Seen, searched int, err error) {
	seen = make([][]Seen, len(fields))
	first, err := r.store.Log().First()
	if err != nil {
		return nil, 0, err
	}
	for end := event.Offset; end > first && searched < aroundEvents; {
		begin := max(first, end-min(end, aroundStep))
		piece, n, err := r.between(event, fields, begin, end)
		if err != nil {
			return nil, 0, err
		}
		searched, end = searched+n, begin
		enough := true
		for i := range fields {
			for j := len(piece[i]) - 1; j >= 0 && len(seen[i]) < limit; j-- {
				seen[i] = append(seen[i], piece[i][j])
			}
			enough = enough && len(seen[i]) == limit
		}
		if enough {
			break
		}
	}
	return seen, searched, nil
}

// between finds in order what names the entities of an event's fields.
func (r *Reader) between(event *orrery.Event, fields []int, begin, end orrery.Offset) (found [][]Seen, searched int, err error) {
	found = make([][]Seen, len(fields))
	var last orrery.Event
	for next, err := range r.store.Log().Scan(begin) {
		if err != nil {
			return nil, 0, err
		}
		if next.Offset >= end {
			break
		}
		switch next.Kind {
		case store.EventRecord:
			searched++
			if err := record.DecodeEventInto(&last, next.Data, r.contracts.find); err != nil {
				return nil, 0, err
			}
			last.Offset = next.Offset
			for i, field := range fields {
				if names(&last, &event.Type.Fields[field], event.Values[field]) {
					kept := last
					kept.Values = append([]orrery.Value(nil), last.Values...)
					found[i] = append(found[i], Seen{Event: kept})
				}
			}
		case store.DecisionRecord:
			var decision *orrery.Decision
			for i := range found {
				n := len(found[i])
				if n == 0 || found[i][n-1].Event.Offset != next.Offset {
					continue
				}
				if decision == nil {
					d, err := record.DecodeDecision(next.Data, next.Offset, r.contracts.find)
					if err != nil {
						return nil, 0, err
					}
					decision = &d
				}
				found[i][n-1].Decision = decision
			}
		}
	}
	return found, searched, nil
}

// names reports whether an event names the entity that a field of another has.
func names(e *orrery.Event, f *orrery.Field, key orrery.Value) bool {
	if key.IsMissing() {
		return false
	}
	for i := range e.Type.Fields {
		if g := &e.Type.Fields[i]; g.Type == orrery.Entity && g.Entity == f.Entity && e.Values[i].Text() == key.Text() {
			return true
		}
	}
	return false
}
