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
	// number tells outcomes apart; corrects is that of the one corrected, which is
	// then gone or says positive.
	number, corrects int
	gone             bool
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
			out = append(out, told{id: made.id, outcome: true, positive: rapid.Bool().Draw(t, "positive"), time: at, received: at, number: len(out) + 1})
		}
	}
	out = rapid.Permutation(out).Draw(t, "order of ties")
	for _, h := range slices.Clone(out) {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "corrections") {
			at := h.received.Add(rapid.SampledFrom([]orrery.Duration{0, 1, orrery.Day, matures, 3 * matures}).Draw(t, "after"))
			if h.outcome {
				out = append(out, told{id: h.id, corrects: h.number, positive: rapid.Bool().Draw(t, "now positive"), gone: rapid.Bool().Draw(t, "gone"), time: at, received: at})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b told) int { return cmp.Compare(a.received, b.received) })
	return out
}

func encodeHistory(s *spec.Spec, history []told) *decided {
	d := &decided{}
	reports, withdrawn := map[int]orrery.Event{}, map[int]bool{}
	for i, h := range history {
		if h.corrects > 0 {
			d.events, d.decisions = append(d.events, correctReport(s, reports, withdrawn, h, orrery.Offset(i+1))), append(d.decisions, nil)
			continue
		}
		e := transaction(s, 0, h.time, 1)
		e.ID, e.Values[e.Type.Field("transaction_id")] = h.id, orrery.StringValue(h.id)
		var decision *orrery.Decision
		if h.outcome {
			e = report(s, &e, h.time, h.positive)
		} else if h.blocked {
			decision = &orrery.Decision{Vector: make([]float64, len(s.Features)), Action: "block", Propensity: 1}
		}
		e.Received, e.Offset = h.received, orrery.Offset(i+1)
		if h.outcome {
			reports[h.number] = e
		}
		d.events, d.decisions = append(d.events, e), append(d.decisions, decision)
	}
	return d
}

func correctReport(s *spec.Spec, reports map[int]orrery.Event, withdrawn map[int]bool, h told, offset orrery.Offset) orrery.Event {
	t := &orrery.EventType{Name: "fix", Index: len(s.Contract.Events), TimeField: 1, Fields: []orrery.Field{{Name: "fix_id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp}}}
	c := &orrery.Corrected{Before: reports[h.corrects], After: reports[h.corrects], Withdrawn: withdrawn[h.corrects], Withdraws: h.gone}
	c.After.Values = slices.Clone(c.Before.Values)
	c.After.Values[s.Label.Field] = orrery.BoolValue(h.positive)
	reports[h.corrects], withdrawn[h.corrects] = c.After, h.gone
	return orrery.Event{Type: t, ID: fmt.Sprint("fix", offset), Time: h.time, Received: h.received, Offset: offset, Corrected: c,
		Values: []orrery.Value{orrery.StringValue(fmt.Sprint("fix", offset)), orrery.TimestampValue(h.time)}}
}

// stands gives what an outcome says just before an instant; ok is false when it
// had not been received, or was withdrawn.
func stands(history []told, i int, at orrery.Instant) (positive, ok bool) {
	h := history[i]
	if !h.outcome || h.received >= at {
		return false, false
	}
	positive, ok = h.positive, true
	for _, c := range history {
		if c.corrects == h.number && c.received < at {
			positive, ok = c.positive, !c.gone
		}
	}
	return positive, ok
}

// slowLabel reads the rules of a label one after the other: what is known of
// the decision at index i once every instant before at has passed.
func slowLabel(history []told, i int, matures orrery.Duration, at orrery.Instant) (positive, known bool) {
	d := history[i]
	if d.received >= at {
		return false, false
	}
	for k, h := range history {
		if says, ok := stands(history, k, at); ok && h.id == d.id {
			positive, known = says, true
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
		says, ok := stands(history, i, at)
		if !ok {
			continue
		}
		out.Received++
		decision, newest := replay.Forever, says
		for j, other := range history {
			switch {
			case other.id != h.id || other.received >= at:
			case !other.outcome && other.corrects == 0:
				decision = other.received
			case j > i:
				if later, ok := stands(history, j, at); ok {
					newest = later
				}
			}
		}
		switch {
		case decision == replay.Forever:
			out.Orphans++
		case decision > h.received:
			out.Early++
		}
		if newest != says {
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
			if !h.outcome && h.corrects == 0 && span.Contains(h.time) {
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
