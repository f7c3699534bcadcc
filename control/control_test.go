package control_test

import (
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/record"
	"orrery.dev/store"
)

func made(t interface{ Fatal(...any) }, kind string, at orrery.Instant, body any) record.Control {
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return record.Control{Type: kind, At: at, Body: text}
}

// seen is all that a state says of a few lists, keys and instants.
type seen struct {
	Listed  map[string][]bool
	Entries map[string][]control.Entry
	Pause   control.Pause
	Paused  bool
	Lens    []int
}

var (
	lists    = []string{"blocked", "watched"}
	keys     = []string{"a", "b", "c\x00d", "ä"}
	instants = []orrery.Instant{-1, 0, 1, 5, 9, 10, 11}
)

func look(s *control.State) seen {
	out := seen{Listed: map[string][]bool{}, Entries: map[string][]control.Entry{}}
	for _, list := range lists {
		for _, key := range keys {
			for _, at := range instants {
				out.Listed[list] = append(out.Listed[list], s.Listed(list, key, at))
			}
		}
		entries := s.Entries(list, "")
		out.Lens = append(out.Lens, s.Len(list))
		control.Sort(entries)
		for _, e := range entries {
			out.Entries[list] = append(out.Entries[list], *e)
		}
	}
	out.Pause, out.Paused = s.Paused()
	return out
}

func drawControl(t *rapid.T) record.Control {
	note := control.Note{By: rapid.SampledFrom([]string{"", "ann"}).Draw(t, "by")}
	at := orrery.Instant(rapid.IntRange(0, 10).Draw(t, "at"))
	some := rapid.SliceOfN(rapid.SampledFrom(keys), 0, 3)
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return made(t, control.TypePause, at, note)
	case 1:
		return made(t, control.TypeResume, at, note)
	}
	return made(t, control.TypeList, at, control.Change{List: rapid.SampledFrom(lists).Draw(t, "list"), Add: some.Draw(t, "add"),
		Remove: some.Draw(t, "remove"), Until: rapid.SampledFrom([]orrery.Instant{0, 1, 5, 10}).Draw(t, "until"), Note: note})
}

// slow answers from the whole history, newest control first.
func slow(history []record.Control, list, key string, at orrery.Instant) bool {
	for _, c := range slices.Backward(history) {
		var change control.Change
		if c.Type != control.TypeList || json.Unmarshal(c.Body, &change) != nil || change.List != list {
			continue
		}
		if slices.Contains(change.Remove, key) {
			return false
		}
		if slices.Contains(change.Add, key) {
			return change.Until == 0 || at < change.Until
		}
	}
	return false
}

// TestStateIsThatOfTheHistory holds a state to a reading of the whole history,
// through checkpoints taken anywhere and a log that is read again from before
// the last of them, as after a crash.
func TestStateIsThatOfTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Custom(drawControl), 0, 20).Draw(t, "history")
		s, kept := control.New(), map[string]store.StateItem{}
		marked := 0
		for i := range history {
			if err := s.Apply(orrery.Offset(i+1), &history[i]); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "checkpoint") {
				for c := s.Checkpoint(); ; {
					items := c.Next(2)
					if items == nil {
						break
					}
					for _, item := range items {
						kept[item.Key] = item
					}
				}
				if rapid.Bool().Draw(t, "marked") {
					marked = i + 1
				}
			}
		}
		for _, list := range lists {
			if got, want := s.Len(list), len(s.Entries(list, "")); got != want {
				t.Fatalf("%s has %d entries, and gives %d", list, got, want)
			}
			for _, key := range keys {
				for _, at := range instants {
					if got, want := s.Listed(list, key, at), slow(history, list, key, at); got != want {
						t.Fatalf("%q in %s at %d: %v, want %v", key, list, at, got, want)
					}
				}
			}
		}
		again, err := control.Load(pairs(kept))
		if err != nil {
			t.Fatal(err)
		}
		for i := marked; i < len(history); i++ {
			if err := again.Apply(orrery.Offset(i+1), &history[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := look(again), look(s); !reflect.DeepEqual(got, want) {
			t.Fatalf("loaded: %+v, want %+v", got, want)
		}
	})
}

func pairs(kept map[string]store.StateItem) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		for _, item := range kept {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func TestAControlThatCannotBeReadIsDamaged(t *testing.T) {
	for _, kind := range []string{control.TypeList, control.TypePause} {
		err := control.New().Apply(1, &record.Control{Type: kind, Body: json.RawMessage(`"text"`)})
		if orrery.CodeOf(err) != "record_damaged" {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := control.New().Apply(1, &record.Control{Type: "another", Body: json.RawMessage(`"text"`)}); err != nil {
		t.Errorf("a control of another type: %v", err)
	}
}

func BenchmarkListed(b *testing.B) {
	s := control.New()
	var change control.Change
	for i := range 100_000 {
		change.Add = append(change.Add, string(rune('a'+i%26))+string(rune(i+0x4e00)))
	}
	change.List = "blocked"
	c := made(b, control.TypeList, 0, change)
	if err := s.Apply(1, &c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Listed("blocked", change.Add[i%len(change.Add)], 5)
	}
}
