package replay_test

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
)

// decided is a Source over events and what was recorded of them.
type decided struct {
	events    []orrery.Event
	decisions []*orrery.Decision
	given     bool
}

func (d *decided) Next() (*replay.Batch, error) {
	if d.given {
		return nil, io.EOF
	}
	d.given = true
	return &replay.Batch{Events: d.events, Decisions: d.decisions}, nil
}

// told is one event of a random history, as the oracle reads it.
type told struct {
	id             string
	outcome        bool
	positive       bool
	blocked        bool
	time, received orrery.Instant
}

// drawHistory draws decisions and outcomes in every order that there can be:
// outcomes before their decision, at the last instant of maturity and next to
// it, long after, again, the other way round, and of ids that never come.
func drawHistory(t *rapid.T, matures orrery.Duration) []told {
	var out []told
	instant := func(near orrery.Instant, label string) orrery.Instant {
		return near.Add(orrery.Duration(rapid.IntRange(-2, 2).Draw(t, label)))
	}
	ids := rapid.IntRange(1, 6).Draw(t, "ids")
	for id := range ids {
		at := day(rapid.IntRange(0, 3).Draw(t, "day"))
		made := told{id: fmt.Sprint(id), time: instant(at, "time"), blocked: rapid.Bool().Draw(t, "blocked")}
		made.received = made.time.Add(orrery.Duration(rapid.SampledFrom([]int{0, 0, 1, 2, int(orrery.Day), int(9 * orrery.Day)}).Draw(t, "late")))
		if !rapid.Bool().Draw(t, "never comes") || id == 0 {
			out = append(out, made)
		}
		for range rapid.IntRange(0, 4).Draw(t, "outcomes") {
			near := rapid.SampledFrom([]orrery.Instant{made.time, made.received, made.time.Add(matures), made.time.Add(3 * matures), made.time.Add(-matures)}).Draw(t, "near")
			at := instant(near, "at")
			out = append(out, told{id: made.id, outcome: true, positive: rapid.Bool().Draw(t, "positive"), time: at, received: at})
		}
	}
	out = rapid.Permutation(out).Draw(t, "order of ties")
	slices.SortStableFunc(out, func(a, b told) int { return cmp.Compare(a.received, b.received) })
	return out
}

func encodeHistory(s *spec.Spec, history []told) *decided {
	d := &decided{}
	for i, h := range history {
		e := transaction(s, 0, h.time, 1)
		e.ID, e.Values[e.Type.Field("transaction_id")] = h.id, orrery.StringValue(h.id)
		var decision *orrery.Decision
		if h.outcome {
			e = report(s, &e, h.time, h.positive)
		} else if h.blocked {
			decision = &orrery.Decision{Vector: make([]float64, len(s.Features)), Action: "block", Propensity: 1}
		}
		e.Received, e.Offset = h.received, orrery.Offset(i+1)
		d.events, d.decisions = append(d.events, e), append(d.decisions, decision)
	}
	return d
}

// slowLabel reads the rules of a label one after the other: what is known of
// the decision at index i once every instant before at has passed.
func slowLabel(history []told, i int, matures orrery.Duration, at orrery.Instant) (positive, known bool) {
	d := history[i]
	if d.received >= at {
		return false, false
	}
	for _, h := range history {
		if h.outcome && h.id == d.id && h.received < at {
			positive, known = h.positive, true
		}
	}
	if known || d.blocked {
		return positive, known
	}
	lastChance := d.time.Add(matures)
	return false, at == replay.Forever || lastChance < at
}

func slowOutcomes(history []told, at orrery.Instant) replay.Outcomes {
	var out replay.Outcomes
	for i, h := range history {
		if !h.outcome || h.received >= at {
			continue
		}
		out.Received++
		decision, newest := replay.Forever, h.positive
		for j, other := range history {
			switch {
			case other.id != h.id || other.received >= at:
			case !other.outcome:
				decision = other.received
			case j > i:
				newest = other.positive
			}
		}
		switch {
		case decision == replay.Forever:
			out.Orphans++
		case decision > h.received:
			out.Early++
		}
		if newest != h.positive {
			out.Contradicted++
		}
	}
	return out
}

// TestLabelsOfRandomHistories compares labels, as of every instant next to one
// at which something changes, with the rules read slowly.
func TestLabelsOfRandomHistories(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	matures := s.Label.MaturesAfter
	p, err := plan.Compile("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, matures)
		span := replay.Range{From: day(0), To: day(2)}
		x, err := replay.Collect(t.Context(), p, encodeHistory(s, history), span, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		instants := []orrery.Instant{replay.Forever}
		var rows []int
		for i, h := range history {
			for _, near := range []orrery.Instant{h.received, h.time.Add(matures)} {
				instants = append(instants, near-1, near, near+1)
			}
			if !h.outcome && span.Contains(h.time) {
				rows = append(rows, i)
			}
		}
		if len(rows) != len(x.List) {
			t.Fatalf("%d rows, want %d", len(x.List), len(rows))
		}
		for _, at := range instants {
			labels := x.LabelsAt(s.Label, at)
			for j, i := range rows {
				positive, known := labels.Of(&x.List[j])
				if wantPositive, wantKnown := slowLabel(history, i, matures, at); positive != wantPositive || known != wantKnown {
					t.Fatalf("at %s, %+v: positive %v, known %v; want %v, %v", at, history[i], positive, known, wantPositive, wantKnown)
				}
			}
			if want := slowOutcomes(history, at); labels.Outcomes != want {
				t.Fatalf("at %s: %+v, want %+v", at, labels.Outcomes, want)
			}
		}
	})
}

// TestRowsDoNotSeeWhatCameLater: a report after maturity relabels from then on,
// and rows as of an instant before it are what they were.
func TestRowsDoNotSeeWhatCameLater(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	made := transaction(s, 1, day(0), 1)
	late := made.Time.Add(3 * s.Label.MaturesAfter)
	span := replay.Range{From: day(0), To: day(1)}
	for at, want := range map[orrery.Instant]float64{late: 0, late + 1: 1} {
		_, x := collect(t, s, []orrery.Event{made, report(s, &made, late, true)}, span)
		rows, counts := x.TrainRows(x.LabelsAt(s.Label, at), span)
		if counts.Rows != 1 || rows.Y[0] != want {
			t.Errorf("as of %s: %d rows with labels %v", at, counts.Rows, rows.Y)
		}
	}
}

// TestAnEventNotYetReceivedIsNoRow: an event that arrives after the instant that
// rows are as of is not among them, though it happened before.
func TestAnEventNotYetReceivedIsNoRow(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	late := transaction(s, 1, day(0), 1)
	late.Received = day(20)
	span := replay.Range{From: day(0), To: day(1)}
	_, x := collect(t, s, []orrery.Event{late}, span)
	for at, want := range map[orrery.Instant]int{day(20): 0, day(20) + 1: 1} {
		if _, counts := x.TrainRows(x.LabelsAt(s.Label, at), span); counts.Rows != want {
			t.Errorf("as of %s: %d rows, want %d", at, counts.Rows, want)
		}
	}
}
