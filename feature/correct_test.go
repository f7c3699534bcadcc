package feature

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
)

// standing is an event as it counts at the end of the history.
type standing struct {
	event     orrery.Event
	withdrawn bool
}

// fixType is the type of the corrections in histories; what they do is drawn.
var fixType = &orrery.EventType{Name: "fix", Index: 2, Fields: []orrery.Field{{Name: "fix_id", Type: orrery.String}, {Name: "fixed_at", Type: orrery.Timestamp}}, TimeField: 1}

// drawCorrection corrects a random event of the history. With narrow, it counts
// for the same keys and features as before, with other values.
func (h *history) drawCorrection(t *rapid.T, now orrery.Instant, narrow bool) *orrery.Event {
	st := h.standing[rapid.IntRange(max(0, len(h.standing)-12), len(h.standing)-1).Draw(t, "corrected")]
	e := &orrery.Event{Type: fixType, Time: now, Values: []orrery.Value{orrery.StringValue("f"), orrery.TimestampValue(now)}}
	c := &orrery.Corrected{Before: st.event, After: st.event, Withdrawn: st.withdrawn, Withdraws: st.withdrawn}
	c.After.Values = slices.Clone(st.event.Values)
	for i, f := range st.event.Type.Fields {
		if i == 0 || f.Name == "at" || narrow && (f.Type == orrery.Entity || f.Optional) || rapid.Bool().Draw(t, "leave") {
			continue
		}
		c.After.Values[i] = drawValue(t, f, st.event.Time)
	}
	if !narrow {
		c.Withdraws = rapid.IntRange(0, 3).Draw(t, "withdraw") == 0
	}
	st.event, st.withdrawn = c.After, c.Withdraws
	e.Corrected = c
	return e
}

// corrected takes a correction over into the oracle, aggregate by aggregate,
// before the states know of it: what the series does not tell apart stays.
func (h *history) corrected(c *orrery.Corrected) {
	for _, s := range h.sets {
		for i := range s.aggregates {
			a := &s.aggregates[i]
			if a.Event != c.Before.Type {
				continue
			}
			counts := func(e *orrery.Event, withdrawn bool) (string, bool) {
				by := e.Values[a.By]
				return by.Text(), !withdrawn && !by.IsMissing() && h.log.matches(a, e, by.Text())
			}
			was, out := counts(&c.Before, c.Withdrawn)
			is, in := counts(&c.After, c.Withdraws)
			list := h.log.lists[a]
			if table := h.apart(s, a, was, &c.Before); out && table != nil {
				list = without(list, table, was, &c.Before)
			} else if out && was == is {
				in = false
			}
			if in {
				after := c.After
				list = append(list, &after)
			}
			h.log.lists[a] = list
		}
	}
}

// without takes the last event out that is as e to the table.
func without(list []*orrery.Event, t *table, key string, e *orrery.Event) []*orrery.Event {
	for i := len(list) - 1; i >= 0; i-- {
		o := list[i]
		like := o.Type == e.Type && o.Time == e.Time && o.Values[t.by].Text() == key
		for j := 0; like && j < len(t.columns); j++ {
			a, b := o.Values[t.columns[j].field], e.Values[t.columns[j].field]
			like = a == b || t.columns[j].kind == hashColumn && !a.IsMissing() && hashed(a) == hashed(b)
		}
		if like {
			if counts, _ := t.counts(o); !counts {
				continue
			}
			return slices.Delete(slices.Clone(list), i, i+1)
		}
	}
	panic("a row without an event")
}

// apart gives the table that the aggregate reads, if its series tells an event
// apart.
func (h *history) apart(s *Set, a *Aggregate, key string, e *orrery.Event) *table {
	for _, p := range h.plain.bind(s).types {
		for _, tc := range p.touches {
			for _, count := range tc.counts {
				if !count.table.isFor(a) {
					continue
				}
				en := h.plain.entity(tc.shelf, key, false)
				if en == nil || count.number >= len(en.series) {
					return nil
				}
				at, ok := en.series[count.number].find(count.table, e, new(hasher))
				if ok && en.series[count.number].extra.canTake(count.table, &en.series[count.number], at) {
					return count.table
				}
				return nil
			}
		}
	}
	return nil
}

// TestCorrections has histories in which events are corrected, withdrawn and
// counted again, moved to other keys, and corrected once more: the oracle counts
// each as it stands.
func TestCorrections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := orrery.Duration(rapid.IntRange(0, 100).Draw(t, "keep"))
		runCorrected(t, keep, keep, 1000)
	})
}

// TestCorrectionsOfDense corrects values in series that have tiles.
func TestCorrectionsOfDense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := orrery.Duration(rapid.IntRange(0, 100).Draw(t, "keep"))
		runCorrected(t, keep, keep, rapid.SampledFrom([]int{1, 3, 8, 17}).Draw(t, "exact"))
	})
}
