package serve_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/ingest"
)

const chatSpec = `
orrery: 1
system: chat
entities: [author, channel]
events:
  message:
    id: message_id
    time: at
    fields: {message_id: string, at: timestamp, author: entity, channel: entity, text: {type: string, optional: true}}
decide_on: message
lists:
  words: {of: message.text, match: terms, categories: [rude, spam], value: {default: 0, min: 0, max: 10}}
  strictness: {of: channel, value: {default: 0.8, min: 0, max: 1}}
features:
  strictness: message.channel.value(lists.strictness)
  worst: message.text.value(lists.words)
policy:
  - {when: message.text in lists.words.rude, action: remove}
  - {when: worst >= 5 || strictness < 0.5 && message.text.count(lists.words) > 1, action: review}
  - {action: allow}
`

// chatWords are written as they stand in their normal form.
var chatWords = []string{"alpha", "bravo", "carol", "delta", "foxtrot"}

func chatMessage(s *system, n int, channel, text string) orrery.Event {
	m := s.spec.DecideOn
	at := orrery.Instant(1_543_622_400_000_000).Add(orrery.Duration(n) * orrery.Second)
	e := orrery.Event{Type: m, ID: fmt.Sprint("m", n), Time: at, Values: []orrery.Value{orrery.StringValue(fmt.Sprint("m", n)), orrery.TimestampValue(at),
		orrery.EntityValue("ann"), orrery.EntityValue(channel), orrery.StringValue(text)}}
	if text == "" {
		e.Values[4] = orrery.Value{}
	}
	return e
}

// place is where a term stands, in words.
type place struct {
	from, to int
	item     control.Item
}

// chatExpected finds terms word by word, the slow and obvious way.
func chatExpected(text string, terms map[string]control.Item, at orrery.Instant) (rude, any bool, worst float64, count int) {
	words := strings.Fields(text)
	var found, allowed []place
	for term, item := range terms {
		if item.Until != 0 && at >= item.Until {
			continue
		}
		parts := strings.Fields(term)
		for i := 0; i+len(parts) <= len(words); i++ {
			if slices.Equal(words[i:i+len(parts)], parts) {
				p := place{i, i + len(parts), item}
				if item.Allow {
					allowed = append(allowed, p)
				} else {
					found = append(found, p)
				}
			}
		}
	}
	long := func(p place) int { return len(strings.Join(words[p.from:p.to], " ")) }
	found = slices.DeleteFunc(found, func(p place) bool {
		return slices.ContainsFunc(allowed, func(a place) bool { return a.from < p.to && p.from < a.to && long(p) <= long(a) })
	})
	slices.SortFunc(found, func(a, b place) int { return a.from - b.from })
	end := 0
	for _, p := range found {
		if p.from >= end {
			count++
		}
		end = max(end, p.to)
		any = true
		rude = rude || p.item.Category == "rude"
		worst = max(worst, *p.item.Value)
	}
	return rude, any, worst, count
}

func drawTerm(random *rand.Rand) string {
	words := make([]string, 1+random.IntN(3))
	for i := range words {
		words[i] = chatWords[random.IntN(len(chatWords))]
	}
	return strings.Join(words, " ")
}

// TestTermsActFromTheirPlaceInTheLog changes a list of terms and one of values at
// random between decisions, with restarts and with the state of controls lost,
// and holds each decision to a plain search.
func TestTermsActFromTheirPlaceInTheLog(t *testing.T) {
	s := newSystemOf(t, chatSpec)
	random := rand.New(rand.NewPCG(7, 7))
	terms, strict := map[string]control.Item{}, map[string]float64{}
	decisions := 0
	slot := func(name string) int {
		i := s.spec.FeatureIndex(name)
		if i < 0 {
			t.Fatal(name)
		}
		return i
	}
	for n := range 300 {
		at := chatMessage(s, n, "", "").Time
		switch random.IntN(12) {
		case 0, 1, 2:
			change := control.Change{List: "words"}
			for range 1 + random.IntN(4) {
				x := float64(random.IntN(11))
				item := control.Item{Key: drawTerm(random), Details: control.Details{Value: &x, Category: []string{"", "rude", "spam"}[random.IntN(3)], Allow: random.IntN(4) == 0}}
				if random.IntN(3) == 0 {
					item.Until = at.Add(orrery.Duration(random.IntN(20)) * orrery.Second)
				}
				if !slices.ContainsFunc(change.Add, func(i control.Item) bool { return i.Key == item.Key }) {
					change.Add = append(change.Add, item)
				}
			}
			added := 0
			for _, item := range change.Add {
				if _, was := terms[item.Key]; !was {
					added++
				}
				terms[item.Key] = item
			}
			if done, err := s.engine.ChangeList(t.Context(), change); err != nil || done.Added != added {
				t.Fatal(done, added, err)
			}
		case 3:
			key := drawTerm(random)
			if _, err := s.engine.ChangeList(t.Context(), control.Change{List: "words", Remove: []string{key}}); err != nil {
				t.Fatal(err)
			}
			delete(terms, key)
		case 4:
			channel, x := fmt.Sprint("c", random.IntN(3)), float64(random.IntN(11))/10
			strict[channel] = x
			change := control.Change{List: "strictness", Add: []control.Item{{Key: channel, Details: control.Details{Value: &x}}}}
			if _, err := s.engine.ChangeList(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		case 5:
			if random.IntN(4) == 0 {
				s.reopen()
			}
		case 6:
			if random.IntN(8) == 0 {
				s.forget()
			}
		}
		text := drawTerm(random)
		for range random.IntN(4) {
			text += " " + drawTerm(random)
		}
		if random.IntN(10) == 0 {
			text = ""
		}
		channel := fmt.Sprint("c", random.IntN(4))
		d := s.send([]orrery.Event{chatMessage(s, n, channel, text)})[0].Decision
		decisions++
		rude, any, worst, count := chatExpected(text, terms, at)
		limit, listed := strict[channel]
		if !listed {
			limit = 0.8
		}
		want := map[string]float64{"message.text in lists.words": truth(any), "message.text in lists.words.rude": truth(rude), "message.text.value(lists.words)": worst,
			"message.text.count(lists.words)": float64(count), "message.channel.value(lists.strictness)": limit, "strictness": limit}
		for name, x := range want {
			if text == "" && strings.Contains(name, "message.text") {
				x = math.NaN()
			}
			if got := d.Vector[slot(name)]; got != x && (got == got || x == x) {
				t.Fatalf("message %d %q: %s is %v, want %v; terms %+v", n, text, name, got, x, terms)
			}
		}
		action := "allow"
		switch {
		case text != "" && rude:
			action = "remove"
		case text != "" && (worst >= 5 || limit < 0.5 && count > 1):
			action = "review"
		}
		if d.Action != action {
			t.Fatalf("message %d %q: %s, want %s", n, text, d.Action, action)
		}
	}
	if v := s.verifyClean(); v.Decisions != int64(decisions) {
		t.Errorf("%d decisions verified of %d", v.Decisions, decisions)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// TestTermsChangeWhileServing puts many terms on a list while messages come: each
// finds all of the change or nothing of it, and the log says the same.
func TestTermsChangeWhileServing(t *testing.T) {
	s := newSystemOf(t, chatSpec)
	zero, five := 0.0, 5.0
	change := control.Change{List: "words"}
	for i := range 12_000 {
		change.Add = append(change.Add, control.Item{Key: fmt.Sprintf("word%dx", i), Details: control.Details{Value: &zero}})
	}
	change.Add[0].Key, change.Add[len(change.Add)-1].Key = "alpha", "delta" // of the first and of the last of its controls
	change.Add[0].Value, change.Add[len(change.Add)-1].Value = &five, &five
	stop := make(chan struct{})
	var sent sync.WaitGroup
	sent.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			results, err := s.engine.Decide(t.Context(), []orrery.Event{chatMessage(s, n, "c", "alpha bravo delta")}, 0)
			if err != nil || results[0].Err != nil {
				t.Error(err)
				return
			}
			if count := results[0].Decision.Vector[s.spec.FeatureIndex("message.text.count(lists.words)")]; count != 0 && count != 2 {
				t.Errorf("message %d found %v of two terms", n, count)
			}
		}
	})
	for range 2 {
		if _, err := s.engine.ChangeList(t.Context(), change); err != nil {
			t.Error(err)
		}
		gone := control.Change{List: "words"}
		for i := range change.Add {
			gone.Remove = append(gone.Remove, change.Add[i].Key)
		}
		if done, err := s.engine.ChangeList(t.Context(), gone); err != nil || done.Removed != len(gone.Remove) {
			t.Error(done, err)
		}
	}
	close(stop)
	sent.Wait()
	s.reopen()
	s.verifyClean()
}

// TestListFaults has every fault of a change told in one pass.
func TestListFaults(t *testing.T) {
	s := newSystemOf(t, chatSpec)
	one, much := 1.0, 11.0
	change := control.Change{List: "words", Add: []control.Item{
		{Key: "fine", Details: control.Details{Value: &one}},
		{Key: "fine", Details: control.Details{Value: &one}, Line: 2},
		{Key: "dear", Details: control.Details{Value: &much}, Line: 3},
		{Key: "none", Line: 4},
		{Key: "bare", Details: control.Details{Value: &one, Category: "nice"}, Line: 5},
		{Key: "/(/", Details: control.Details{Value: &one}, Line: 6},
		{Key: "//", Details: control.Details{Value: &one}, Line: 7},
		{Key: "???", Details: control.Details{Value: &one}, Line: 8},
		{Key: "/" + strings.Repeat("a", 1001) + "/", Details: control.Details{Value: &one}, Line: 9},
		{Key: "/(a{400}b{400}c{400}){2}/", Details: control.Details{Value: &one}, Line: 10},
		{Key: strings.Repeat("ab", 100), Details: control.Details{Value: &one}, Line: 11},
		{Key: "!dear", Details: control.Details{Value: &one}, Line: 12},
	}}
	_, err := s.engine.ChangeList(t.Context(), change)
	var refused *ingest.EventError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	var codes []string
	for _, f := range refused.Faults {
		codes = append(codes, fmt.Sprint(f.Line, " ", f.Code))
	}
	want := []string{"2 list_key_twice", "3 list_value_out_of_bounds", "4 list_value_missing", "5 list_category_unknown", "6 list_pattern_invalid",
		"7 list_pattern_empty", "8 list_term_empty", "9 list_pattern_too_long", "10 list_pattern_too_large", "11 list_term_too_long", "12 list_term_sign"}
	if !slices.Equal(codes, want) {
		t.Errorf("%q, want %q", codes, want)
	}
	if orrery.CodeOf(err) != "list_key_twice" || orrery.KindOf(err) != orrery.Invalid {
		t.Error(err)
	}
	for list, item := range map[string]control.Item{
		"list_category_unexpected": {Key: "c", Details: control.Details{Value: &one, Category: "rude"}},
		"list_allow_unexpected":    {Key: "c", Details: control.Details{Value: &one, Allow: true}},
	} {
		if _, err := s.engine.ChangeList(t.Context(), control.Change{List: "strictness", Add: []control.Item{item}}); orrery.CodeOf(err) != list {
			t.Errorf("%v, want %s", err, list)
		}
	}
	if n, err := s.engine.ListSize(t.Context(), "words"); n != 0 || err != nil {
		t.Errorf("%d entries of a change that was refused, %v", n, err)
	}
}
