package fraud_test

import (
	"iter"
	"slices"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/systems/fraud"
)

func newWorld(t testing.TB, o fraud.Options) *fraud.World {
	t.Helper()
	w, err := fraud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// history collects the transactions that the options ask for.
func history(t testing.TB, o fraud.Options) []fraud.Transaction {
	w := newWorld(t, o)
	return slices.Collect(w.Transactions(w.Bounds()))
}

// town is a small world for the tests that need no numbers.
var town = fraud.Options{Customers: 400, Terminals: 800, Days: 60, Seed: 7,
	Start: time.Date(2026, 2, 27, 15, 4, 5, 0, time.FixedZone("", -9*3600))}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name    string
		options fraud.Options
		field   string
	}{
		{"negative customers", fraud.Options{Customers: -1}, "customers"},
		{"too many terminals", fraud.Options{Terminals: 100_001}, "terminals"},
		{"negative days", fraud.Options{Days: -3}, "days"},
		{"far future", fraud.Options{Start: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}, "start"},
	} {
		_, err := fraud.New(c.options)
		e, ok := err.(*orrery.Error)
		if !ok || e.Kind != orrery.Invalid || e.Field != c.field || e.Next == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestDefaultsAreThePublished(t *testing.T) {
	from, to := newWorld(t, fraud.Options{}).Bounds()
	if got := from.String() + " " + to.String(); got != "2018-04-01T00:00:00Z 2018-10-01T00:00:00Z" {
		t.Error(got)
	}
}

func TestSmallestWorlds(t *testing.T) {
	for _, o := range []fraud.Options{
		{Customers: 1, Terminals: 1, Days: 30},
		{Customers: 1, Terminals: 300, Days: 30},
		{Customers: 2, Terminals: 1, Days: 1},
		{Customers: 3000, Terminals: 1, Days: 3},
	} {
		for _, x := range history(t, o) {
			if x.Customer >= o.Customers || x.Terminal >= o.Terminals {
				t.Errorf("%+v: %+v", o, x)
			}
		}
	}
}

func TestDaysBeginAtMidnightUTC(t *testing.T) {
	// 15:04 at nine hours west is past midnight UTC, so the first day is the
	// 28th.
	from, to := newWorld(t, town).Bounds()
	if got := from.String() + " " + to.String(); got != "2026-02-28T00:00:00Z 2026-04-29T00:00:00Z" {
		t.Error(got)
	}
	before := town
	before.Start = time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)
	if from, _ := newWorld(t, before).Bounds(); from.String() != "1969-12-31T00:00:00Z" {
		t.Error(from)
	}
}

func TestOrder(t *testing.T) {
	all := history(t, town)
	from, to := newWorld(t, town).Bounds()
	for i, x := range all {
		second := orrery.Duration(x.At-from) % orrery.Day
		switch {
		case x.ID != int64(i):
			t.Fatalf("transaction %d has id %d", i, x.ID)
		case i > 0 && x.At < all[i-1].At:
			t.Fatalf("transaction %d comes before the one before it", i)
		case x.At < from || x.At >= to:
			t.Fatalf("transaction %d is at %v, outside the history", i, x.At)
		case second == 0 || second%orrery.Second != 0:
			t.Fatalf("transaction %d is at %v", i, x.At)
		case x.AmountCents < 0:
			t.Fatalf("transaction %d has amount %d", i, x.AmountCents)
		}
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	all := history(t, town)
	if !slices.Equal(all, history(t, town)) {
		t.Error("two worlds of one seed differ")
	}
	other := town
	other.Seed++
	if slices.Equal(all, history(t, other)) {
		t.Error("worlds of two seeds are the same")
	}
	longer := town
	longer.Days += 20
	if !slices.Equal(all, history(t, longer)[:len(all)]) {
		t.Error("a longer history does not begin with the shorter")
	}
}

// The numbers of a seed are part of what the package promises: examples and
// figures name them.
func TestFirstTransactions(t *testing.T) {
	w := newWorld(t, fraud.Options{})
	next, stop := iter.Pull(w.Transactions(w.Bounds()))
	defer stop()
	for _, want := range firstTransactions {
		got, _ := next()
		event := fraud.Event{Type: fraud.TransactionType, At: got.At, Transaction: got}
		if line := string(event.AppendJSON(nil)); line != want {
			t.Errorf("%s, want %s", line, want)
		}
	}
}

func TestAnyStretchIsTheSame(t *testing.T) {
	all := history(t, town)
	from, to := newWorld(t, town).Bounds()
	for _, hours := range [][2]int{{0, 30 * 24}, {13, 14}, {24, 48}, {30*24 + 7, 45*24 + 19}, {59 * 24, 60 * 24}, {50, 50}, {60, 50}} {
		a, b := from.Add(orrery.Duration(hours[0])*orrery.Hour), from.Add(orrery.Duration(hours[1])*orrery.Hour)
		var want []fraud.Transaction
		for _, x := range all {
			if x.At >= a && x.At < b {
				want = append(want, x)
			}
		}
		// A new world has made none of the days before.
		if got := slices.Collect(newWorld(t, town).Transactions(a, b)); !slices.Equal(got, want) {
			t.Errorf("hours %v: %d transactions, want %d", hours, len(got), len(want))
		}
	}
	w := newWorld(t, town)
	if got := slices.Collect(w.Transactions(from.Add(-orrery.Week), to)); !slices.Equal(got, all) {
		t.Error("there are transactions before the world's start")
	}
}

func TestConcurrentUse(t *testing.T) {
	all := history(t, town)
	w := newWorld(t, town)
	from, to := w.Bounds()
	same := make(chan bool)
	for i := range 4 {
		go func() {
			start := from.Add(orrery.Duration(i) * 10 * orrery.Day)
			got := slices.Collect(w.Transactions(start, to))
			same <- slices.Equal(got, all[len(all)-len(got):])
		}()
	}
	for range 4 {
		if !<-same {
			t.Error("a stretch differs when others are made beside it")
		}
	}
}

// firstTransactions begin the published data set's options with seed 0.
var firstTransactions = []string{
	`{"transaction_id":"0","at":"2018-04-01T00:02:11Z","customer":"2949","terminal":"4712","amount":66.76}`,
	`{"transaction_id":"1","at":"2018-04-01T00:02:21Z","customer":"3080","terminal":"8177","amount":42.95}`,
	`{"transaction_id":"2","at":"2018-04-01T00:04:26Z","customer":"128","terminal":"8175","amount":17.75}`,
}
