package serve_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// reviewedFraud is the fraud system with another review block.
func reviewedFraud(t testing.TB, block string) string {
	return changedFraud(t, "review: {of: [review], order: score, lease: 15m, context: [customer, terminal]}", "review: "+block, "")
}

// waiting lists the decisions that wait.
func (s *system) waiting() []*review.Case {
	s.t.Helper()
	var out []*review.Case
	for after := orrery.Offset(0); ; {
		page, next, err := s.engine.Reviews(review.Filter{}, after, 100)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, page...)
		if after = next; after == 0 {
			return out
		}
	}
}

// loseReviews closes the system, loses what the state store has of reviews and
// opens it again.
func (s *system) loseReviews() {
	s.t.Helper()
	s.close()
	st, err := pebble.Open(s.dir, pebble.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(st.State().Drop(review.OpenTable), st.State().Drop(review.EndedTable), st.Close()); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

// outcomes counts the fraud reports of the log that reviewers gave, and finds what
// the last says of each transaction.
func (s *system) outcomes() (n int, last map[string]bool, verdicts int) {
	s.t.Helper()
	last = map[string]bool{}
	report := s.spec.Label
	for r, err := range s.store.Log().Scan(1) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch r.Kind {
		case store.EventRecord:
			e, err := record.DecodeEvent(r.Data, s.engine.Reader().Contract)
			if err != nil {
				s.t.Fatal(err)
			}
			if e.Type.Is(report.Event) {
				n++
				last[e.Values[report.Match].Text()] = e.Values[report.Field].Bool()
			}
		case store.ControlRecord:
			c, err := record.DecodeControl(r.Data)
			if err != nil {
				s.t.Fatal(err)
			}
			if a, ok, err := review.ReadAct(r.Offset, &c); err != nil {
				s.t.Fatal(err)
			} else if ok && a.Do == review.DoVerdict {
				verdicts++
			}
		}
	}
	return n, last, verdicts
}

// TestReviewsSurviveRestarts has reviewers at work between decisions, at random,
// with restarts, with crashes and with the state of reviews lost, and holds what is
// open and what was recorded to what they were told.
func TestReviewsSurviveRestarts(t *testing.T) {
	s := newSystemOf(t, reviewedFraud(t, "{of: [approve], second: 0.3, lease: 1h, within: 9d}"))
	var now atomic.Int64
	now.Store(int64(s.clock()))
	s.clock = func() orrery.Instant { return orrery.Instant(now.Load()) }
	s.reopen()
	random := rand.New(rand.NewPCG(3, 3))
	said := map[orrery.Offset]map[string]string{}
	stands := map[string]bool{} // by transaction
	id := map[orrery.Offset]string{}
	verdicts, outcomes := 0, 0
	who := func() string { return []string{"ann", "ben", "cleo"}[random.IntN(3)] }
	for _, e := range sample(t, s.spec, 1) {
		if !e.Type.Is(s.spec.DecideOn) {
			continue
		}
		result := s.send([]orrery.Event{e})[0]
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		offset := result.Event.Offset
		id[offset], said[offset] = e.ID, map[string]string{}
		now.Add(int64(orrery.Minute))
		switch random.IntN(12) {
		case 0:
			s.reopen()
		case 1:
			s.loseReviews()
		case 2:
			if open := s.waiting(); len(open) > 0 {
				if err := s.engine.SkipReview(t.Context(), open[0].Offset, serve.ReviewWho{Name: "dan"}, "not mine"); err != nil && orrery.CodeOf(err) != "review_held" {
					t.Fatal(err)
				}
			}
		case 3:
			var decisions []orrery.Offset
			for offset := range said {
				decisions = append(decisions, offset)
			}
			slices.Sort(decisions)
			d := decisions[random.IntN(len(decisions))]
			if err := s.engine.AppealReview(t.Context(), d, serve.ReviewWho{Name: "author"}, "unfair"); err != nil && orrery.CodeOf(err) != "review_appealed" {
				t.Fatal(err)
			}
		default:
			name := who()
			c, err := s.engine.ClaimReview(t.Context(), review.Claim{Reviewer: name, Order: review.Order(random.IntN(3))}, "")
			if orrery.CodeOf(err) == "review_none" {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if said[c.Offset][name] != "" {
				t.Fatalf("%s is offered d%d again", name, c.Offset)
			}
			if random.IntN(4) == 0 {
				continue // forgets about it
			}
			verdict := fmt.Sprint(random.IntN(3) == 0)
			v := serve.Verdict{Ruling: review.Ruling{Decision: c.Offset, Reviewer: name, Verdict: verdict}}
			if c.Stage() == review.Appeal {
				v.Overturned = new(bool)
			}
			j, err := s.engine.GiveVerdict(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			verdicts++
			said[c.Offset][name] = verdict
			if j.Event != nil {
				outcomes++
				stands[id[c.Offset]] = verdict == "true"
			}
			again, err := s.engine.GiveVerdict(t.Context(), v)
			if err != nil || again.Repeated == nil || (again.Event == nil) != (j.Event == nil) || j.Event != nil && again.Event.ID != j.Event.ID {
				t.Fatalf("the verdict again: %+v, %v", again, err)
			}
		}
	}
	check := func(when string) {
		t.Helper()
		n, last, given := s.outcomes()
		if n != outcomes || given != verdicts {
			t.Errorf("%s: %d outcomes and %d verdicts, want %d and %d", when, n, given, outcomes, verdicts)
		}
		for transaction, fraud := range stands {
			if last[transaction] != fraud {
				t.Errorf("%s: %s is %v, want %v", when, transaction, last[transaction], fraud)
			}
		}
	}
	check("at the end")
	describe := func() (out []string) {
		for _, c := range s.waiting() {
			out = append(out, fmt.Sprintf("%d %s %+v %v %d", c.Offset, c.Stage(), c.Lease, c.Skipped, len(c.Opinions)))
		}
		return out
	}
	before := describe()
	s.reopen()
	if after := describe(); !slices.Equal(before, after) {
		t.Errorf("after a restart open are\n%v\nand were\n%v", after, before)
	}
	s.loseReviews()
	if after := describe(); !slices.Equal(before, after) {
		t.Errorf("after losing the state open are\n%v\nand were\n%v", after, before)
	}
	check("after restarts")
	if verdicts < 20 || len(before) == 0 {
		t.Errorf("the history is too dull: %d verdicts, %d open", verdicts, len(before))
	}
	s.verifyClean()
}

// TestReviewersAtOnce has many reviewers claim and judge at once while decisions
// are made: nobody gets what another has.
func TestReviewersAtOnce(t *testing.T) {
	s := newSystemOf(t, reviewedFraud(t, "{of: [approve], second: 0.5}"))
	events := sample(t, s.spec, 1)
	events = slices.DeleteFunc(events, func(e orrery.Event) bool { return !e.Type.Is(s.spec.DecideOn) })
	half := len(events) / 2
	s.send(events[:half])
	var mutex sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	all.Go(func() { s.send(events[half:]) })
	for i := range 6 {
		name := fmt.Sprint("reviewer", i)
		all.Go(func() {
			for {
				c, err := s.engine.ClaimReview(t.Context(), review.Claim{Reviewer: name}, "")
				if orrery.CodeOf(err) == "review_none" {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				key := fmt.Sprint(c.Offset, c.Stage())
				mutex.Lock()
				if seen[key] {
					t.Errorf("%s was given twice", key)
				}
				seen[key] = true
				mutex.Unlock()
				if _, err := s.engine.GiveVerdict(t.Context(), serve.Verdict{Ruling: review.Ruling{Decision: c.Offset, Reviewer: name, Verdict: "false"}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	n, _, verdicts := s.outcomes()
	if n == 0 || verdicts < n {
		t.Errorf("%d outcomes of %d verdicts", n, verdicts)
	}
}

// TestChanceIsRepeated recomputes which decisions are asked about from the log.
func TestChanceIsRepeated(t *testing.T) {
	s := newSystemOf(t, reviewedFraud(t, "{random: 0.2, second: 0.5}"))
	s.send(sample(t, s.spec, 2))
	want := map[orrery.Offset]bool{}
	decisions := 0
	for r, err := range s.store.Log().Scan(1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != store.DecisionRecord {
			continue
		}
		decisions++
		event, d, err := s.engine.Reader().Recorded(r.Offset)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.engine.Reader().Plan(d.Release)
		if err != nil {
			t.Fatal(err)
		}
		if item, ok := p.Asked(&event, p.NewScratch(), d); ok {
			want[r.Offset] = item.Second
		}
	}
	open := s.waiting()
	for _, c := range open {
		if second, ok := want[c.Offset]; !ok || second != c.Second || c.Propensity != 0.2 {
			t.Errorf("%+v is asked about", c)
		}
	}
	if len(open) != len(want) || len(open) < decisions/8 || len(open) > decisions/3 {
		t.Errorf("%d of %d are asked about, want %d", len(open), decisions, len(want))
	}
}

// TestASystemWithoutReviewBeginsOne switches to a release that asks, and back.
func TestASystemWithoutReviewBeginsOne(t *testing.T) {
	none := changedFraud(t, "review: {of: [review], order: score, lease: 15m, context: [customer, terminal]}", "", "")
	s := newSystemOf(t, none)
	events := slices.DeleteFunc(sample(t, s.spec, 1), func(e orrery.Event) bool { return !e.Type.Is(s.spec.DecideOn) })
	s.send(events[:20])
	if _, _, err := s.engine.Reviews(review.Filter{}, 0, 1); orrery.CodeOf(err) != "review_not_configured" {
		t.Errorf("without a review block: %v", err)
	}
	s.spec = orrerytest.Spec(t, reviewedFraud(t, "{of: [approve]}"))
	s.reopen()
	s.send(events[20:30])
	if open := s.waiting(); len(open) != 10 {
		t.Errorf("%d wait, want the 10 decided on since", len(open))
	}
	s.spec = orrerytest.Spec(t, none)
	s.reopen()
	s.send(events[30:40])
	s.spec = orrerytest.Spec(t, reviewedFraud(t, "{of: [approve]}"))
	s.reopen()
	s.send(events[40:45])
	if open := s.waiting(); len(open) != 15 {
		t.Errorf("%d wait, want 15", len(open))
	}
}
