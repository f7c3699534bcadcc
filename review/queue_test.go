package review_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/review"
	"orrery.dev/store"
)

// world is a driver and an oracle: it keeps every decision and every act, and
// answers each question from all of them.
type world struct {
	queue *review.Queue
	now   orrery.Instant
	log   []entry
	// items has all decisions, those that nobody is asked about too.
	items map[orrery.Offset]review.Item
	asked map[orrery.Offset]bool
	// pruned are those that waited too long.
	pruned map[orrery.Offset]bool
	since  map[orrery.Offset]orrery.Instant
	// kept is what the state store has, marked how far it went.
	kept   map[store.TableID]map[string][]byte
	marked orrery.Offset
}

// entry is one place of the log: an item asked about, or an act.
type entry struct {
	item *review.Item
	act  *review.Act
}

func newWorld() *world {
	w := &world{items: map[orrery.Offset]review.Item{}, asked: map[orrery.Offset]bool{}, pruned: map[orrery.Offset]bool{}, since: map[orrery.Offset]orrery.Instant{},
		kept: map[store.TableID]map[string][]byte{review.OpenTable: {}, review.EndedTable: {}}}
	w.queue = review.NewQueue(w)
	return w
}

// Case and Item make the world the queue's source.
func (w *world) Case(offset orrery.Offset) (*review.Case, error) {
	value, ok := w.kept[review.EndedTable][review.Key(offset)]
	if !ok {
		return nil, nil
	}
	c, _, err := review.Decode(review.Key(offset), value, w)
	return c, err
}

func (w *world) Item(offset orrery.Offset) (review.Item, bool, error) {
	item, ok := w.items[offset]
	if !w.asked[offset] {
		item.Why, item.Propensity, item.Second = 0, 0, false
	}
	return item, ok, nil
}

func (w *world) last() orrery.Offset { return orrery.Offset(len(w.log)) }

// plain is what the oracle knows of one item.
type plain struct {
	lease    review.Lease
	skipped  map[string]bool
	said     map[string]string
	verdicts []string // independent ones
	stands   string
	standsBy string
	pleas    int
	pending  bool
	second   bool
}

func (w *world) plain(offset orrery.Offset) plain {
	p := plain{skipped: map[string]bool{}, said: map[string]string{}, second: w.items[offset].Second}
	for _, e := range w.log {
		a := e.act
		if a == nil || a.Decision != offset {
			continue
		}
		switch a.Do {
		case review.DoClaim:
			p.lease = review.Lease{Reviewer: a.By, Until: a.Until}
		case review.DoSkip:
			p.lease, p.skipped[a.By] = review.Lease{}, true
		case review.DoSecond:
			p.second = true
		case review.DoAppeal:
			p.pleas, p.pending, p.lease = p.pleas+1, true, review.Lease{}
		case review.DoVerdict:
			p.lease, p.said[a.By] = review.Lease{}, a.Verdict
			if a.Round == review.Appeal {
				p.pending = false
			} else if a.Round != review.Change {
				p.verdicts = append(p.verdicts, a.Verdict)
			}
			if a.Outcome != 0 {
				p.stands, p.standsBy = a.Verdict, a.By
			}
			p.second = p.second || a.Second
		}
	}
	return p
}

func (p *plain) open() bool {
	n := len(p.verdicts)
	return p.pending || p.pleas == 0 && (n == 0 || n == 1 && p.second || n == 2 && p.verdicts[0] != p.verdicts[1])
}

// available gives the open items, in the order of a claim.
func (w *world) available(c review.Claim) []orrery.Offset {
	var out []orrery.Offset
	for offset, item := range w.items {
		p := w.plain(offset)
		if !w.isOpen(offset, &p) || p.lease.Reviewer != "" && p.lease.Until > w.now || p.skipped[c.Reviewer] || p.said[c.Reviewer] != "" {
			continue
		}
		why := item.Why
		if !w.asked[offset] {
			why = review.Appealed
		}
		if c.Filter.Action != "" && c.Filter.Action != item.Action || c.Filter.Why != 0 && c.Filter.Why != why {
			continue
		}
		out = append(out, offset)
	}
	slices.SortFunc(out, func(a, b orrery.Offset) int {
		x, y := w.items[a], w.items[b]
		switch c.Order {
		case review.ByScore:
			return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(a, b))
		case review.ByDoubt:
			return cmp.Or(cmp.Compare(y.Doubt, x.Doubt), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	return out
}

func (w *world) isOpen(offset orrery.Offset, p *plain) bool {
	return p.open() && (w.asked[offset] || p.pleas > 0) && !w.pruned[offset]
}

// do records an act and applies it.
func (w *world) do(t *rapid.T, a review.Act) {
	a.At = w.now
	control, err := a.Control()
	if err != nil {
		t.Fatal(err)
	}
	read, ok, err := review.ReadAct(1, control)
	if err != nil || !ok || !reflect.DeepEqual(read, a) {
		t.Fatalf("%+v is read as %+v: %v", a, read, err)
	}
	w.log = append(w.log, entry{act: &a})
	if err := w.queue.Apply(w.last(), &a); err != nil {
		t.Fatal(err)
	}
	if a.Do == review.DoAppeal || a.Do == review.DoSecond {
		delete(w.pruned, a.Decision)
		w.since[a.Decision] = w.now
	}
}

// crash loses the queue, and builds it again from what is kept and the log behind
// the mark.
func (w *world) crash(t *rapid.T) {
	w.queue = review.NewQueue(w)
	for key, value := range w.kept[review.OpenTable] {
		c, ok, err := review.Decode(key, value, w)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		w.queue.Restore(c)
	}
	for i := w.marked; i < w.last(); i++ {
		e := w.log[i]
		if e.act != nil {
			if err := w.queue.Apply(i+1, e.act); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if c, err := w.Case(i + 1); err != nil || c != nil {
			continue
		}
		w.queue.Add(*e.item)
	}
	w.prune()
}

// limit is how long an item waits.
const limit = 400

func (w *world) prune() {
	w.queue.Prune(w.now-limit, 0)
	for offset, item := range w.items {
		if p := w.plain(offset); w.isOpen(offset, &p) && max(item.Received, w.since[offset]) < w.now-limit {
			w.pruned[offset] = true
		}
	}
}

func (w *world) write(t *rapid.T, all bool) {
	for {
		c := w.queue.Checkpoint(rapid.IntRange(1, 4).Draw(t, "some"))
		for _, item := range c.Items {
			if item.Value == nil {
				delete(w.kept[item.Table], item.Key)
			} else {
				w.kept[item.Table][item.Key] = item.Value
			}
		}
		w.queue.Written(c)
		if len(c.Items) == 0 {
			w.marked = w.last()
			return
		}
		if !all {
			return
		}
	}
}

var (
	reviewers = []string{"ann", "ben", "cleo", "dan"}
	actions   = []string{"review", "block", "approve"}
	verdicts  = []string{"true", "false", "maybe"}
)

func TestQueueIsThatOfTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		reviewer := rapid.SampledFrom(reviewers)
		decision := func() orrery.Offset {
			known := slices.Sorted(maps.Keys(w.items))
			if len(known) == 0 {
				return 99
			}
			return rapid.SampledFrom(known).Draw(t, "decision")
		}
		claim := func() review.Claim {
			c := review.Claim{Reviewer: reviewer.Draw(t, "reviewer"), Order: rapid.SampledFrom([]review.Order{review.ByAge, review.ByScore, review.ByDoubt}).Draw(t, "order")}
			if rapid.IntRange(0, 3).Draw(t, "filtered") == 0 {
				c.Filter.Action = rapid.SampledFrom(actions).Draw(t, "filter")
			}
			if rapid.IntRange(0, 3).Draw(t, "filtered") == 0 {
				c.Filter.Why = review.Random
			}
			return c
		}
		judge := func(r review.Ruling) {
			p, item := w.plain(r.Decision), w.items[r.Decision]
			j, err := w.queue.Judge(w.now, r)
			code := ""
			if err != nil {
				code = orrery.CodeOf(err)
			}
			_, known := w.items[r.Decision]
			touched := w.asked[r.Decision] || p.pleas > 0
			own, said := p.said[r.Reviewer]
			held := p.lease.Reviewer != "" && p.lease.Reviewer != r.Reviewer && p.lease.Until > w.now
			want := ""
			switch {
			case !known || !touched || w.pruned[r.Decision] && len(p.said) == 0 && code == "review_not_found":
				want = "review_not_found"
			case said && own == r.Verdict:
				if j.Repeated == nil || j.Repeated.Verdict != own {
					t.Fatalf("%+v: %+v, %v", r, j, err)
				}
				return
			case said && (!r.Change || p.open() || p.standsBy != r.Reviewer):
				want = "review_given"
			case said:
				if j.Round != review.Change || !j.Outcome {
					t.Fatalf("%+v: %+v, %v", r, j, err)
				}
			case !w.isOpen(r.Decision, &p):
				want = "review_closed"
			case held:
				want = "review_held"
			case p.pending && r.Overturned == nil && p.stands == "":
				want = "appeal_result_missing"
			}
			if code != want {
				t.Fatalf("%+v of %+v: %q, want %q: %v", r, item, code, want, err)
			}
			if err != nil {
				return
			}
			if !said {
				n := len(p.verdicts)
				outcome := p.pending || n == 0 || n == 2 && r.Verdict != p.stands
				overturned := p.pending && (r.Overturned != nil && *r.Overturned || r.Overturned == nil && r.Verdict != p.stands)
				if j.Outcome != outcome || j.Overturned != overturned {
					t.Fatalf("%+v: %+v, want outcome %v and overturned %v; %+v", r, j, outcome, overturned, p)
				}
			}
			a := review.Act{Do: review.DoVerdict, Decision: r.Decision, By: r.Reviewer, Verdict: r.Verdict, Round: j.Round, Overturned: j.Overturned,
				Propensity: item.Propensity, Second: rapid.IntRange(0, 5).Draw(t, "second") == 0}
			if j.Outcome {
				w.log = append(w.log, entry{act: &review.Act{Do: "an outcome"}})
				a.Outcome = w.last()
			}
			w.do(t, a)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				item := review.Item{Received: w.now, Action: rapid.SampledFrom(actions).Draw(t, "action"),
					Score: float64(rapid.IntRange(0, 4).Draw(t, "score")) / 4, Doubt: float64(rapid.IntRange(0, 4).Draw(t, "doubt")) / 4,
					Why: rapid.SampledFrom([]review.Why{review.ByAction, review.Uncertain, review.Random}).Draw(t, "why"), Propensity: 0.25,
					Second: rapid.IntRange(0, 3).Draw(t, "second") == 0, Private: rapid.IntRange(0, 3).Draw(t, "private") == 0}
				w.log = append(w.log, entry{item: &item})
				item.Offset = w.last()
				if rapid.IntRange(0, 3).Draw(t, "asked") > 0 {
					w.items[item.Offset], w.asked[item.Offset] = item, true
					w.queue.Add(item)
				} else {
					item.Second = false
					w.items[item.Offset] = item
					w.log[len(w.log)-1] = entry{act: &review.Act{Do: "none"}}
				}
			},
			"time": func(t *rapid.T) { w.now += orrery.Instant(rapid.IntRange(1, 60).Draw(t, "later")) },
			"claim": func(t *rapid.T) {
				c := claim()
				want := w.available(c)
				got, err := w.queue.Choose(w.now, c)
				if len(want) == 0 {
					if orrery.CodeOf(err) != "review_none" {
						t.Fatalf("%+v gets %d, %v; nothing suits", c, got, err)
					}
					return
				}
				if err != nil || got != want[0] {
					t.Fatalf("%+v gets %d, %v; want %v", c, got, err, want)
				}
				w.do(t, review.Act{Do: review.DoClaim, Decision: got, By: c.Reviewer, Until: w.now + 100})
			},
			"claim one": func(t *rapid.T) {
				c := claim()
				c.Decision = decision()
				p := w.plain(c.Decision)
				_, err := w.queue.Choose(w.now, c)
				may := w.isOpen(c.Decision, &p) && (p.lease.Reviewer == "" || p.lease.Reviewer == c.Reviewer || p.lease.Until <= w.now) && p.said[c.Reviewer] == ""
				if (err == nil) != may {
					t.Fatalf("%+v: %v, want %v; %+v", c, err, may, p)
				}
				if may {
					w.do(t, review.Act{Do: review.DoClaim, Decision: c.Decision, By: c.Reviewer, Until: w.now + 100})
				}
			},
			"verdict": func(t *rapid.T) {
				r := review.Ruling{Decision: decision(), Reviewer: reviewer.Draw(t, "reviewer"), Verdict: rapid.SampledFrom(verdicts).Draw(t, "verdict"), Change: rapid.Bool().Draw(t, "change")}
				if rapid.IntRange(0, 3).Draw(t, "told") == 0 {
					r.Overturned = new(bool)
					*r.Overturned = rapid.Bool().Draw(t, "overturned")
				}
				judge(r)
			},
			"verdict of who claimed": func(t *rapid.T) {
				for offset := range w.items {
					if p := w.plain(offset); p.lease.Reviewer != "" && p.lease.Until > w.now {
						judge(review.Ruling{Decision: offset, Reviewer: p.lease.Reviewer, Verdict: rapid.SampledFrom(verdicts).Draw(t, "verdict"), Overturned: new(bool)})
						return
					}
				}
			},
			"skip": func(t *rapid.T) {
				d, r := decision(), reviewer.Draw(t, "reviewer")
				p := w.plain(d)
				may := w.isOpen(d, &p) && p.said[r] == "" && (p.lease.Reviewer == "" || p.lease.Reviewer == r || p.lease.Until <= w.now)
				if err := w.queue.CheckSkip(w.now, d, r); (err == nil) != may {
					t.Fatalf("skip of %d by %s: %v, want %v", d, r, err, may)
				}
				if may {
					w.do(t, review.Act{Do: review.DoSkip, Decision: d, By: r})
				}
			},
			"second": func(t *rapid.T) {
				d := decision()
				p := w.plain(d)
				if err := w.queue.CheckSecond(d); err == nil {
					if len(p.verdicts) > 1 || p.pleas > 0 || !w.asked[d] {
						t.Fatalf("a second opinion of %d: %+v", d, p)
					}
					delete(w.pruned, d)
					w.do(t, review.Act{Do: review.DoSecond, Decision: d, By: "ann"})
				}
			},
			"appeal": func(t *rapid.T) {
				d := decision()
				if _, known := w.items[d]; !known {
					return
				}
				p := w.plain(d)
				c, err := w.queue.Case(d)
				if err != nil {
					t.Fatal(err)
				}
				err = review.CheckAppeal(c)
				if (err == nil) != (!p.pending && p.pleas < 10) {
					t.Fatalf("an appeal of %d: %v; %+v", d, err, p)
				}
				if err == nil {
					w.do(t, review.Act{Do: review.DoAppeal, Decision: d, By: "author", Reason: "unfair"})
				}
			},
			"write":     func(t *rapid.T) { w.write(t, false) },
			"write all": func(t *rapid.T) { w.write(t, true) },
			"crash":     func(t *rapid.T) { w.crash(t) },
			"prune": func(t *rapid.T) {
				w.prune()
			},
			"": func(t *rapid.T) {
				var want []orrery.Offset
				for offset := range w.items {
					if p := w.plain(offset); w.isOpen(offset, &p) {
						want = append(want, offset)
					}
				}
				slices.Sort(want)
				var got []orrery.Offset
				for c := range w.all() {
					got = append(got, c.Offset)
				}
				if !slices.Equal(got, want) || w.queue.Len() != len(want) {
					t.Fatalf("open are %v, want %v; %d", got, want, w.queue.Len())
				}
				for _, offset := range want {
					if err := w.sameCase(offset); err != nil {
						t.Fatal(err)
					}
				}
			},
		})
	})
}

// all walks through the open items by small pages.
func (w *world) all() iter.Seq[*review.Case] {
	return func(yield func(*review.Case) bool) {
		for after := orrery.Offset(0); ; {
			page, next := w.queue.List(nil, review.Filter{}, after, 2)
			for _, c := range page {
				if !yield(c) {
					return
				}
			}
			if after = next; after == 0 {
				return
			}
		}
	}
}

// sameCase compares what the queue says of an open item with the oracle.
func (w *world) sameCase(offset orrery.Offset) error {
	c, err := w.queue.Case(offset)
	if err != nil || c == nil {
		return fmt.Errorf("the case of %d: %v, %v", offset, c, err)
	}
	p, item := w.plain(offset), w.items[offset]
	stands := ""
	if o := c.Stands(); o != nil {
		stands = o.Verdict
	}
	if c.Lease != p.lease || stands != p.stands || len(c.Pleas) != p.pleas || len(c.Skipped) != len(p.skipped) || len(c.Independent()) != len(p.verdicts) ||
		c.Action != item.Action || c.Score != item.Score || c.Second != item.Second || c.Received != item.Received {
		return fmt.Errorf("the case of %d is %+v, want %+v of %+v", offset, c, p, item)
	}
	return nil
}
