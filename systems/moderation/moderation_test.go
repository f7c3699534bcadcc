package moderation

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/systems/moderation/functional"
)

func world(t *testing.T, seed uint64) *World {
	t.Helper()
	w, err := New(Options{Authors: 300, PerDay: 500, Days: 3, Seed: seed, Start: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestAWorldIsAFunctionOfItsOptions makes the same world twice, and any part of it
// by itself.
func TestAWorldIsAFunctionOfItsOptions(t *testing.T) {
	collect := func(w *World, from, to orrery.Instant) []string {
		var out []string
		for e := range w.Events(from, to) {
			out = append(out, e.Type+string(e.JSON()))
		}
		return out
	}
	w := world(t, 3)
	from, to := w.Bounds()
	whole := collect(w, from, to)
	if again := collect(world(t, 3), from, to); !slices.Equal(whole, again) {
		t.Error("the same options give another world")
	}
	if other := collect(world(t, 4), from, to); slices.Equal(whole, other) {
		t.Error("another seed gives the same world")
	}
	middle := from.Add(30 * orrery.Hour)
	if parts := append(collect(w, from, middle), collect(w, middle, to)...); !slices.Equal(whole, parts) {
		t.Errorf("two parts have %d events, the whole %d", len(parts), len(whole))
	}
}

// TestEvents are in order, name what they are about, and come after it.
func TestEvents(t *testing.T) {
	w := world(t, 1)
	from, to := w.Bounds()
	seen, last := map[string]orrery.Instant{}, from
	count := map[string]int{}
	for e := range w.Events(from, to) {
		if e.At < last || e.At >= to {
			t.Fatalf("%s at %s, after %s", e.Type, e.At, last)
		}
		last = e.At
		count[e.Type]++
		switch at, known := seen[e.Message.ID]; {
		case e.Type == MessageType && known:
			t.Fatalf("the message %s comes twice", e.Message.ID)
		case e.Type == MessageType:
			seen[e.Message.ID] = e.At
			if e.Message.Text == "" || e.Message.Joined > e.At {
				t.Fatalf("the message %+v", e.Message)
			}
		case !known || e.At <= at:
			t.Fatalf("%s on %s at %s, and that came at %s", e.Type, e.Message.ID, e.At, at)
		}
		if !json.Valid(e.JSON()) {
			t.Fatalf("%s", e.JSON())
		}
	}
	if count[MessageType] != 1500 || count[VerdictType] < 100 || count[StrikeType] == 0 || count[StrikeType] > count[VerdictType] {
		t.Errorf("%v", count)
	}
}

// TestARaid is many accounts with nearly the same text, within a minute and a half.
func TestARaid(t *testing.T) {
	at := orrery.InstantOf(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	raid := world(t, 1).Raid("lobby", at, 20)
	authors, texts := map[string]bool{}, map[string]bool{}
	for i, m := range raid {
		authors[m.Author], texts[m.Text] = true, true
		if m.At < at || m.At >= at.Add(90*orrery.Second) || m.Channel != "lobby" || !m.Raid || i > 0 && m.At < raid[i-1].At {
			t.Fatalf("%+v", m)
		}
	}
	if len(raid) != 60 || len(authors) != 20 || len(texts) < 10 {
		t.Errorf("%d messages of %d accounts, %d texts", len(raid), len(authors), len(texts))
	}
}

func TestOptionsOutOfBounds(t *testing.T) {
	for _, o := range []Options{{Authors: -1}, {PerDay: maxPerDay + 1}, {Days: -3}} {
		if _, err := New(o); orrery.CodeOf(err) != "sample_option" {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestWhatIsWritten has each class's texts from the suite's training part alone.
func TestWhatIsWritten(t *testing.T) {
	w := world(t, 1)
	tested := map[string]bool{}
	for _, c := range functional.Builtin().Cases(nil) {
		tested[c.Text] = true
	}
	for class, texts := range w.texts {
		for _, text := range texts {
			if tested[text] {
				t.Fatalf("a %s text is one of the tests of the suite", class)
			}
		}
	}
	if len(w.texts) != 3 {
		t.Errorf("texts of %d classes", len(w.texts))
	}
}
