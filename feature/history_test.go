package feature

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/store"
)

// shop is a small contract with every type of field, optional ones and two
// fields of the same entity.
func shop() (pay, note *orrery.EventType) {
	pay = &orrery.EventType{Name: "pay", Index: 0, Fields: []orrery.Field{
		{Name: "id", Type: orrery.String},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "from", Type: orrery.Entity, Entity: "person"},
		{Name: "to", Type: orrery.Entity, Entity: "person", Optional: true},
		{Name: "till", Type: orrery.Entity, Entity: "till", Optional: true},
		{Name: "amount", Type: orrery.Decimal, Scale: 2},
		{Name: "tip", Type: orrery.Decimal, Scale: 3, Optional: true},
		{Name: "pieces", Type: orrery.Int},
		{Name: "weight", Type: orrery.Float},
		{Name: "score", Type: orrery.Float, Optional: true},
		{Name: "tag", Type: orrery.String, Optional: true},
		{Name: "gift", Type: orrery.Bool},
		{Name: "due", Type: orrery.Timestamp},
	}}
	note = &orrery.EventType{Name: "note", Index: 1, Fields: []orrery.Field{
		{Name: "id", Type: orrery.String},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "about", Type: orrery.Entity, Entity: "person"},
		{Name: "till", Type: orrery.Entity, Entity: "till"},
		{Name: "stars", Type: orrery.Int, Optional: true},
	}}
	return pay, note
}

func drawValue(t *rapid.T, f orrery.Field, at orrery.Instant) orrery.Value {
	if f.Optional && rapid.IntRange(0, 3).Draw(t, f.Name+" missing") == 0 {
		return orrery.Value{}
	}
	small := rapid.Int64Range(-5, 5)
	if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
		small = rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 3e9, -4e9}))
	}
	switch f.Type {
	case orrery.Entity:
		return orrery.EntityValue(f.Entity[:1] + fmt.Sprint(rapid.IntRange(0, 2).Draw(t, f.Name)))
	case orrery.String:
		return orrery.StringValue(rapid.SampledFrom(texts).Draw(t, f.Name))
	case orrery.Timestamp:
		if f.Name == "at" {
			return orrery.TimestampValue(at)
		}
		return orrery.TimestampValue(orrery.Instant(small.Draw(t, f.Name)))
	case orrery.Int:
		return orrery.IntValue(small.Draw(t, f.Name))
	case orrery.Decimal:
		return orrery.DecimalValue(small.Draw(t, f.Name))
	case orrery.Float:
		return orrery.FloatValue(rapid.OneOf(rapid.SampledFrom([]float64{0.1, 0.2, 1e16, -1e16, math.MaxFloat64}),
			rapid.Float64Range(-10, 10)).Draw(t, f.Name))
	}
	return orrery.BoolValue(rapid.Bool().Draw(t, f.Name))
}

// texts has some that repeat each other nearly, some whose hashes are equal, and
// some that have nothing in common.
var texts = []string{"", "a", "b", "cc", "CC!", "\xff", "free gold for everyone who joins my server today",
	"FREE gold for everyone who jions my server today!!!", "free gold for everyone who joins my srever toady 17",
	"does anyone know when the next round begins"}

func drawAggregates(t *rapid.T, pay, note *orrery.EventType, predicates []*Predicate) []Aggregate {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Aggregate {
		a := Aggregate{Event: rapid.SampledFrom([]*orrery.EventType{pay, pay, note}).Draw(t, "event"), Field: -1}
		entity := rapid.SampledFrom([]string{"person", "person", "till"}).Draw(t, "entity")
		a.By = rapid.SampledFrom(a.Event.EntityFields(entity)).Draw(t, "by")
		a.Key = rapid.SampledFrom(pay.EntityFields(entity)).Draw(t, "key")
		for {
			k := rapid.SampledFrom(kinds).Draw(t, "kind")
			a.Kind, a.Field = k.Name, -1
			if k.Operand != eventOf {
				a.Field = rapid.IntRange(0, len(a.Event.Fields)-1).Draw(t, "field")
			}
			a.Window, a.HalfLife = 0, 0
			switch {
			case k.WithoutWindow:
				a.HalfLife = rapid.SampledFrom([]orrery.Duration{1, 7, 50}).Draw(t, "half-life")
			case k.NeedsWindow:
				a.Window = rapid.SampledFrom([]orrery.Duration{1, 8, 40, 72, 300, 1300}).Draw(t, "window")
			default:
				a.Window = rapid.SampledFrom([]orrery.Duration{0, 1, 8, 40, 72, 300, 1300}).Draw(t, "window")
			}
			if _, err := a.check(pay); err == nil {
				break
			}
		}
		a.Rank = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "rank")
		a.Share = rapid.Bool().Draw(t, "share")
		a.Quantile = rapid.SampledFrom([]int{0, 1, 250_000, 500_000, 900_000, 1_000_000}).Draw(t, "quantile")
		if a.Kind != "last" && a.Kind != "top" {
			a.Rank = 0
		}
		a.Distance = rapid.SampledFrom([]int{0, 3, 12, 20}).Draw(t, "distance")
		a.Lag = rapid.SampledFrom([]orrery.Duration{0, 0, 1, 30}).Draw(t, "lag")
		a.Current = rapid.Bool().Draw(t, "current")
		a.Where = rapid.SampledFrom(predicates).Draw(t, "where")
		return a
	}), 1, 12).Draw(t, "aggregates")
}

func predicatesOf(pay, note *orrery.EventType) []*Predicate {
	return []*Predicate{nil, nil, {Source: "offset is odd", Match: func(e *orrery.Event) bool { return e.Offset%2 == 1 }}}
}

// history drives a state that is checkpointed, evicted and reloaded at random,
// and one that is left alone, with the same events.
type history struct {
	sets  []*Set
	log   oracle
	files map[store.TableID]map[string][]byte
	state *State
	plain *State
	cp    *Checkpoint
	// given is what cp gave and is not yet in files.
	given []store.StateItem
	// absent is being read, or was and is not yet admitted.
	absent []Absent
	// strict says that no event came later than is kept for.
	strict bool
	// standing has each event that can be corrected as it stands, where there are
	// corrections.
	standing []*standing
}

func (h *history) load(table store.TableID, key string) ([]byte, bool, error) {
	data, ok := h.files[table][key]
	return data, ok, nil
}

func (h *history) write() {
	for _, it := range h.given {
		if h.files[it.Table] == nil {
			h.files[it.Table] = map[string][]byte{}
		}
		h.files[it.Table][it.Key] = it.Value
	}
	h.given = nil
}

// disturb does something that no answer may depend on.
func (h *history) disturb(t *rapid.T) {
	switch rapid.IntRange(0, 11).Draw(t, "disturbance") {
	case 0: // what is given and not written is as if writing had failed
		h.cp, h.given = h.state.Checkpoint(), nil
	case 1, 2:
		if h.cp != nil {
			h.write()
			h.given = h.cp.Next(rapid.IntRange(1, 3).Draw(t, "items"))
		}
	case 3, 4:
		h.state.Evict(rapid.Int64Range(0, h.state.Bytes()).Draw(t, "limit"), rapid.IntRange(1, 20).Draw(t, "steps"))
	case 5: // a crash: what was not written is applied again
		h.state, h.cp, h.given, h.absent = NewState(h.load), nil, nil, nil
		for _, e := range h.log.events {
			h.apply(t, e)
		}
	case 6: // a stop: all is written
		cp := h.state.Checkpoint()
		for h.given = cp.Next(2); h.given != nil; h.given = cp.Next(2) {
			h.write()
		}
		h.state.Admit(h.absent)
		h.state.Evict(0, math.MaxInt)
		if n := h.state.Bytes(); n != 0 {
			t.Fatalf("%d bytes after all was evicted", n)
		}
		h.state, h.cp, h.absent = NewState(h.load), nil, nil
	case 7: // a repeat
		if n := len(h.log.events); n > 0 {
			h.apply(t, h.log.events[rapid.IntRange(0, n-1).Draw(t, "again")])
		}
	case 8:
		h.sets[0].Prefetch(h.state, h.log.events[max(0, len(h.log.events)-3):])
	case 9:
		if n := len(h.log.events); n > 0 {
			h.find(t, h.log.events[rapid.IntRange(0, n-1).Draw(t, "for")])
		}
	case 10:
		h.check(t, h.state.Read(h.absent))
	case 11:
		h.state.Admit(h.absent)
		h.absent = nil
	}
	h.checkHeld(t)
}

// checkHeld counts anew what keeps each entity in memory.
func (h *history) checkHeld(t *rapid.T) {
	held := map[*entity]int32{}
	for i := range h.absent {
		held[h.absent[i].entity]++
	}
	for i, en := range h.state.all {
		for k := range en.series {
			if s := &en.series[k]; s.dirty || s.flushing {
				held[en]++
			}
		}
		if got := h.state.held[i]; en.place != i || got != held[en] {
			t.Fatalf("%s at %d, which says %d, is held %d times and should be %d", en.key, i, en.place, got, held[en])
		}
	}
}

// find begins to bring what an event needs into memory.
func (h *history) find(t *rapid.T, e *orrery.Event) {
	for _, s := range h.sets {
		absent, err := s.Absent(h.state, e, nil)
		h.check(t, err)
		h.absent = append(h.absent, absent...)
	}
}

func (h *history) check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) apply(t *rapid.T, e *orrery.Event) {
	for _, s := range h.sets {
		if err := s.Apply(h.state, e); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *history) applyPlain(t *rapid.T, e *orrery.Event) {
	for _, s := range h.sets {
		if err := s.Apply(h.plain, e); err != nil {
			t.Fatal(err)
		}
	}
}

func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

func (h *history) compare(t *rapid.T, a *Aggregate, what string, got, plain, want float64) {
	if !same(got, plain) {
		t.Fatalf("%s: %+v: %v, but %v in a state left alone", what, *a, got, plain)
	}
	if same(got, want) || !h.strict && math.IsNaN(got) {
		return
	}
	if h.log.lists != nil && math.IsNaN(got) && a.Window == 0 && (a.Kind == "last" || a.Kind == "time_since_last") {
		return // The event that was the last is gone, and the one before is not kept.
	}
	t.Fatalf("%s: %+v: %v, but the oracle says %v", what, *a, got, want)
}

func (h *history) ask(t *rapid.T, e *orrery.Event) {
	for i, s := range h.sets {
		out, plain := make([]float64, len(s.aggregates)), make([]float64, len(s.aggregates))
		peeked := h.peek(t, s, e)
		if err := s.Ask(h.state, e, out); err != nil {
			t.Fatal(err)
		}
		if err := s.Ask(h.plain, e, plain); err != nil {
			t.Fatal(err)
		}
		for j := range s.aggregates {
			a, want := &s.aggregates[j], math.NaN()
			if key := e.Values[a.Key]; !key.IsMissing() {
				want = h.log.ask(a, e.Time, key.Text(), e)
			}
			what := fmt.Sprintf("set %d, event %d at %d", i, e.Offset, e.Time)
			h.compare(t, a, what, out[j], plain[j], want)
			if !same(peeked[j], out[j]) {
				t.Fatalf("%s: %+v: peeked at %v, and then asked %v", what, *a, peeked[j], out[j])
			}
		}
	}
}

// peek asks for an event before it comes; what follows tells whether that left any
// trace.
func (h *history) peek(t *rapid.T, s *Set, e *orrery.Event) []float64 {
	out := make([]float64, len(s.aggregates))
	changed := h.state.Changed()
	if err := s.Peek(h.state, e, out); err != nil {
		t.Fatal(err)
	}
	if h.state.Changed() != changed {
		t.Fatal("a peek has changed the state")
	}
	return out
}

func (h *history) read(t *rapid.T, at orrery.Instant) {
	for _, s := range h.sets {
		key := func(i int) (string, bool) {
			n := i % 5
			return s.asks.Fields[s.aggregates[i].Key].Entity[:1] + fmt.Sprint(n), n != 4
		}
		out, plain := make([]float64, len(s.aggregates)), make([]float64, len(s.aggregates))
		if err := s.Read(h.state, at, key, out); err != nil {
			t.Fatal(err)
		}
		if err := s.Read(h.plain, at, key, plain); err != nil {
			t.Fatal(err)
		}
		for j := range s.aggregates {
			a, want := &s.aggregates[j], math.NaN()
			if k, ok := key(j); ok {
				want = h.log.ask(a, at, k, nil)
			}
			h.compare(t, a, fmt.Sprintf("read at %d", at), out[j], plain[j], want)
		}
	}
}

// run plays a random history. Events come at most late behind the newest, and
// state is kept for lateness of keep.
func run(t *rapid.T, late, keep orrery.Duration) {
	play(t, late, keep, rapid.SampledFrom([]int{1, 3, 8, 17, 1000}).Draw(t, "exact"), false)
}

func runCorrected(t *rapid.T, late, keep orrery.Duration, exact int) {
	play(t, late, keep, exact, true)
}

func play(t *rapid.T, late, keep orrery.Duration, exact int, corrections bool) {
	pay, note := shop()
	predicates := predicatesOf(pay, note)
	h := &history{files: map[store.TableID]map[string][]byte{}, strict: late <= keep}
	h.log.keep = keep
	h.log.exact = exact
	h.state, h.plain = NewState(h.load), NewState(nil)
	first := drawAggregates(t, pay, note, predicates)
	second := append(drawAggregates(t, pay, note, predicates), first[:len(first)/2]...)
	for _, aggregates := range [][]Aggregate{first, second} {
		s, err := Compile(pay, aggregates, keep, h.log.exact)
		if err != nil {
			t.Fatal(err)
		}
		h.sets = append(h.sets, s)
	}
	if corrections {
		h.log.lists = map[*Aggregate][]*orrery.Event{}
		for _, s := range h.sets {
			for i := range s.aggregates {
				h.log.lists[&s.aggregates[i]] = nil
			}
		}
	}
	now := orrery.Instant(rapid.SampledFrom([]int64{0, 1_522_540_800_000_000}).Draw(t, "start"))
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		now += orrery.Instant(rapid.SampledFrom([]int64{0, 0, 1, 8, 8, 16, 40, 300}).Draw(t, "gap"))
		if corrections && len(h.standing) > 0 && rapid.IntRange(0, 2).Draw(t, "correct") == 0 {
			e := h.drawCorrection(t, now, exact < 1000)
			e.Offset = orrery.Offset(len(h.log.events) + 1)
			h.corrected(e.Corrected)
			h.log.events = append(h.log.events, e)
			h.apply(t, e)
			h.applyPlain(t, e)
			h.disturb(t)
			continue
		}
		e := &orrery.Event{Type: note, Offset: orrery.Offset(len(h.log.events) + 1)}
		e.Time = now
		if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
			e.Time -= orrery.Instant(rapid.Int64Range(0, int64(late)).Draw(t, "by"))
		}
		if rapid.IntRange(0, 3).Draw(t, "type") > 0 {
			e.Type = pay
		}
		for _, f := range e.Type.Fields {
			e.Values = append(e.Values, drawValue(t, f, e.Time))
		}
		h.log.events = append(h.log.events, e)
		if rapid.IntRange(0, 3).Draw(t, "ahead") == 0 {
			h.find(t, e)
			h.check(t, h.state.Read(h.absent))
			h.state.Admit(h.absent)
			h.absent = nil
		}
		for a := range h.log.lists {
			h.log.lists[a] = append(h.log.lists[a], e)
		}
		if corrections {
			h.standing = append(h.standing, &standing{event: *e})
		}
		if e.Type == pay && rapid.IntRange(0, 3).Draw(t, "ask") > 0 {
			h.ask(t, e)
		} else {
			h.apply(t, e)
			h.applyPlain(t, e)
		}
		h.disturb(t)
		if rapid.IntRange(0, 5).Draw(t, "read") == 0 {
			back := orrery.Instant(rapid.Int64Range(-100, int64(keep)).Draw(t, "back"))
			h.read(t, now-back)
		}
	}
}

func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := orrery.Duration(rapid.IntRange(0, 100).Draw(t, "keep"))
		run(t, keep, keep)
	})
}

// TestHistoriesTooLate has events later than is kept for: an answer is then
// exact or missing.
func TestHistoriesTooLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := orrery.Duration(rapid.IntRange(0, 40).Draw(t, "keep"))
		run(t, 3*keep+400, keep)
	})
}
