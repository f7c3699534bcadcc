package fraud_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/systems/fraud"
)

// mergedSlowly gives the events of the whole history by sorting them.
func mergedSlowly(t *testing.T) []fraud.Event {
	var events []fraud.Event
	for _, x := range history(t, town) {
		if x.Fraud() {
			events = append(events, fraud.Event{Type: fraud.ReportType, At: x.At.Add(7 * orrery.Day), Transaction: x})
		}
	}
	for _, x := range history(t, town) {
		events = append(events, fraud.Event{Type: fraud.TransactionType, At: x.At, Transaction: x})
	}
	slices.SortStableFunc(events, func(a, b fraud.Event) int { return int(a.At - b.At) })
	return events
}

func TestEventsAreMergedInTimeOrder(t *testing.T) {
	w := newWorld(t, town)
	from, _ := w.Bounds()
	all := mergedSlowly(t)
	for _, hours := range [][2]int{{0, 24 * 60}, {0, 24 * 7}, {7 * 24, 9 * 24}, {191, 907}, {40 * 24, 60 * 24}, {30, 30}} {
		a, b := from.Add(orrery.Duration(hours[0])*orrery.Hour), from.Add(orrery.Duration(hours[1])*orrery.Hour)
		want := slices.DeleteFunc(slices.Clone(all), func(e fraud.Event) bool { return e.At < a || e.At >= b })
		if got := slices.Collect(w.Events(a, b)); !slices.Equal(got, want) {
			t.Errorf("hours %v: %d events, want %d", hours, len(got), len(want))
		}
	}
}

// The world is so busy that reports and transactions share seconds.
func TestReportsComeFirstWithinAnInstant(t *testing.T) {
	w := newWorld(t, fraud.Options{Customers: 5000, Terminals: 500, Days: 12})
	from, to := w.Bounds()
	var last fraud.Event
	shared := 0
	for e := range w.Events(from, to) {
		if e.At < last.At {
			t.Fatal("the events are out of order")
		}
		if e.At == last.At && e.Type != last.Type {
			shared++
			if e.Type == fraud.ReportType {
				t.Fatalf("at %v a report follows a transaction", e.At)
			}
		}
		last = e
	}
	if shared == 0 {
		t.Fatal("the test saw no instant with both")
	}
}

func TestReportsAreSevenDaysLater(t *testing.T) {
	w := newWorld(t, town)
	from, to := w.Bounds()
	due := map[int64]orrery.Instant{}
	reports := 0
	// The last week's reports come after the history's end.
	for e := range w.Events(from, to.Add(orrery.Week)) {
		switch e.Type {
		case fraud.TransactionType:
			if e.Transaction.Fraud() && e.At < to {
				due[e.Transaction.ID] = e.At.Add(orrery.Week)
			}
		case fraud.ReportType:
			reports++
			if due[e.Transaction.ID] != e.At || e.Transaction.At.Add(orrery.Week) != e.At {
				t.Fatalf("%s is at %v, its transaction at %v", e.ID(), e.At, e.Transaction.At)
			}
		}
	}
	if reports != len(due) {
		t.Errorf("%d reports of %d frauds", reports, len(due))
	}
}

func TestStoppingEarly(t *testing.T) {
	w := newWorld(t, town)
	from, to := w.Bounds()
	for _, stopAt := range []string{fraud.TransactionType, fraud.ReportType} {
		n := 0
		for e := range w.Events(from, to) {
			if n++; e.Type == stopAt {
				break
			}
		}
		if n == 0 {
			t.Error("there are no events")
		}
	}
}

func TestLiveGoesOnWhereHistoryEnds(t *testing.T) {
	w := newWorld(t, town)
	_, now := w.Bounds()
	now = now.Add(-9 * orrery.Hour)
	const speed = 120
	live, err := w.Live(now, speed)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Collect(w.Events(now, now.Add(3*orrery.Day)))
	var reports int
	i := 0
	for due, e := range live {
		if i == len(want) {
			break
		}
		if e != want[i] {
			t.Fatalf("event %d is %+v, want %+v", i, e, want[i])
		}
		if exact := e.At.Time().Sub(now.Time()) / speed; (due - exact).Abs() > time.Microsecond {
			t.Fatalf("event %d is due after %v, want %v", i, due, exact)
		}
		if e.Type == fraud.ReportType {
			reports++
		}
		i++
	}
	if reports == 0 {
		t.Error("no late report was due")
	}
}

func TestLiveRefusesASpeedThatIsNone(t *testing.T) {
	w := newWorld(t, town)
	for _, speed := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := w.Live(0, speed); orrery.CodeOf(err) != "sample_speed" {
			t.Errorf("speed %v: %v", speed, err)
		}
	}
}

func TestRestamped(t *testing.T) {
	made := fraud.Event{Type: fraud.TransactionType, At: 10, Transaction: fraud.Transaction{ID: 4, At: 10}}
	if got := made.Restamped(99); got.At != 99 || got.Transaction.At != 99 || made.At != 10 || got.ID() != "4" {
		t.Errorf("%+v", got)
	}
	late := fraud.Event{Type: fraud.ReportType, At: 20, Transaction: fraud.Transaction{ID: 4, At: 10}}
	if got := late.Restamped(99); got.At != 99 || got.Transaction.At != 10 || got.ID() != "r4" {
		t.Errorf("%+v", got)
	}
}
