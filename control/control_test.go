package control_test

import (
	"encoding/json"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
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
				out.Listed[list] = append(out.Listed[list], s.Lists().List(list).Listed(key, at) != nil)
			}
		}
		out.Lens = append(out.Lens, s.Lists().List(list).Len())
		for _, e := range s.Lists().List(list).Entries("", 1000) {
			out.Entries[list] = append(out.Entries[list], *e)
		}
	}
	out.Pause, out.Paused = s.Paused()
	return out
}

var tenth = 0.1

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
	items := control.Keys(some.Draw(t, "add")...)
	for i := range items {
		items[i].Value = rapid.SampledFrom([]*float64{nil, new(float64), &tenth}).Draw(t, "value")
		items[i].Category = rapid.SampledFrom([]string{"", "rude"}).Draw(t, "category")
		items[i].Until = rapid.SampledFrom([]orrery.Instant{0, 0, 9}).Draw(t, "own end")
	}
	return made(t, control.TypeList, at, control.Change{List: rapid.SampledFrom(lists).Draw(t, "list"), Add: items,
		Remove: some.Draw(t, "remove"), Until: rapid.SampledFrom([]orrery.Instant{0, 1, 5, 10}).Draw(t, "until"), Note: note})
}

// slow answers from the whole history, newest control first.
func slow(history []record.Control, list, key string, at orrery.Instant) *control.Item {
	for _, c := range slices.Backward(history) {
		var change control.Change
		if c.Type != control.TypeList || json.Unmarshal(c.Body, &change) != nil || change.List != list {
			continue
		}
		if slices.Contains(change.Remove, key) {
			return nil
		}
		for _, item := range slices.Backward(change.Add) {
			if item.Key != key {
				continue
			}
			if item.Until == 0 {
				item.Until = change.Until
			}
			if item.Until == 0 || at < item.Until {
				return &item
			}
			return nil
		}
	}
	return nil
}

// TestStateIsThatOfTheHistory holds a state to a reading of the whole history,
// through checkpoints taken anywhere, merges made anywhere, and a log that is read
// again from before the last checkpoint, as after a crash. Some changes are
// prepared beforehand.
func TestStateIsThatOfTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Custom(drawControl), 0, 20).Draw(t, "history")
		s, kept := control.New(), map[string]store.StateItem{}
		if rapid.Bool().Draw(t, "later") {
			s.MergeLater()
		}
		marked := 0
		var merge *control.Merge
		for i := range history {
			if history[i].Type == control.TypeList && rapid.Bool().Draw(t, "prepared") {
				applyPrepared(t, s, i+1, &history[i])
			} else if err := s.Apply(orrery.Offset(i+1), &history[i]); err != nil {
				t.Fatal(err)
			}
			switch rapid.IntRange(0, 2).Draw(t, "merge") {
			case 0:
				if m := s.Due(); m != nil {
					merge = m
					merge.Run()
				}
			case 1:
				if merge != nil {
					s.Install(merge)
					merge = nil
				}
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
		for _, name := range lists {
			list := s.Lists().List(name)
			if got, want := list.Len(), len(list.Entries("", 1000)); got != want {
				t.Fatalf("%s has %d entries, and gives %d", name, got, want)
			}
			for _, key := range keys {
				for _, at := range instants {
					got, want := list.Listed(key, at), slow(history, name, key, at)
					if (got == nil) != (want == nil) || got != nil && (!reflect.DeepEqual(got.Details, want.Details) || got.Until != want.Until) {
						t.Fatalf("%q in %s at %d: %+v, want %+v", key, name, at, got, want)
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

func applyPrepared(t *rapid.T, s *control.State, offset int, c *record.Control) {
	var change control.Change
	if err := json.Unmarshal(c.Body, &change); err != nil {
		t.Fatal(err)
	}
	p, err := control.Prepare(change, c.At, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Controls) != 1 || string(p.Controls[0].Body) != string(c.Body) {
		t.Fatalf("%s became %v", c.Body, p.Controls)
	}
	s.ApplyPrepared(orrery.Offset(offset), p)
}

// TestManyKeysAreSeveralControls applies a change at once, and its controls one
// after the other.
func TestManyKeysAreSeveralControls(t *testing.T) {
	change := control.Change{List: "blocked", Note: control.Note{By: "ann"}}
	for i := range 2*control.MaxKeys + 7 {
		key := strconv.Itoa(i)
		if i%3 == 0 {
			change.Remove = append(change.Remove, key)
		} else {
			change.Add = append(change.Add, control.Item{Key: key, Details: control.Details{Value: &tenth}})
		}
	}
	p, err := control.Prepare(change, 5, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Controls) != 3 {
		t.Fatalf("%d controls", len(p.Controls))
	}
	once, each := control.New(), control.New()
	first := made(t, control.TypeList, 1, control.Change{List: "blocked", Add: control.Keys("3", "4")})
	for _, s := range []*control.State{once, each} {
		if err := s.Apply(1, &first); err != nil {
			t.Fatal(err)
		}
	}
	once.ApplyPrepared(2, p)
	for i := range p.Controls {
		if err := each.Apply(orrery.Offset(2+i), &p.Controls[i]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := written(once), written(each); !maps.Equal(got, want) {
		t.Fatal("they came to different states")
	}
	if n := once.Lists().List("blocked").Len(); n != len(change.Add) {
		t.Fatalf("%d entries, want %d", n, len(change.Add))
	}
}

// written is what checkpoints of a state write.
func written(s *control.State) map[string]string {
	out := map[string]string{}
	for c := s.Checkpoint(); ; {
		items := c.Next(100)
		if items == nil {
			return out
		}
		for _, item := range items {
			out[item.Key] = string(item.Value)
		}
	}
}

// TestChangesOfOneKey makes many small changes behind a large one: what is merged does
// not grow with the list.
func TestChangesOfOneKey(t *testing.T) {
	s := control.New()
	var change control.Change
	change.List = "blocked"
	for i := range 5000 {
		change.Add = append(change.Add, control.Item{Key: strconv.Itoa(i)})
	}
	c := made(t, control.TypeList, 0, change)
	if err := s.Apply(1, &c); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		c := made(t, control.TypeList, 0, control.Change{List: "blocked", Remove: []string{strconv.Itoa(2 * i)}, Add: control.Keys("x" + strconv.Itoa(i))})
		if err := s.Apply(orrery.Offset(i+2), &c); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Lists().List("blocked").Len(); n != 5000-2500+3000 {
		t.Fatalf("%d entries", n)
	}
}

// TestOldRecordsAreRead reads a control as it was written when entries were keys
// alone.
func TestOldRecordsAreRead(t *testing.T) {
	s := control.New()
	old := record.Control{Type: control.TypeList, At: 3, Body: json.RawMessage(`{"list":"blocked","add":["a","7"],"until":9,"by":"ann"}`)}
	if err := s.Apply(1, &old); err != nil {
		t.Fatal(err)
	}
	want := control.Entry{Key: "7", Since: 3, Until: 9, Note: control.Note{By: "ann"}}
	if e := s.Lists().List("blocked").Entry("7"); e == nil || *e != want {
		t.Fatalf("%+v, want %+v", e, want)
	}
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
	var keys []string
	for i := range 100_000 {
		keys = append(keys, string(rune('a'+i%26))+string(rune(i+0x4e00)))
	}
	change.List, change.Add = "blocked", control.Keys(keys...)
	c := made(b, control.TypeList, 0, change)
	if err := s.Apply(1, &c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	list, i := s.Lists().List("blocked"), 0
	for b.Loop() {
		list.Listed(keys[i%len(keys)], 5)
		i++
	}
}
