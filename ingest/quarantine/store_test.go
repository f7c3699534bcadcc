package quarantine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/ingest"
)

func item(n int, text string) Item {
	code := []string{"field_missing", "number_invalid"}[n%2]
	return New([]string{"a", "b"}[n%2], fmt.Sprintf("file%d", n%3), int64(n), 0, ingest.Raw(ingest.InputJSON, text), []ingest.Fault{{Code: code, Message: "bad"}})
}

// TestAgainstAList holds a store with small bounds to a plain list of items, through
// random puts, drops and re-openings.
func TestAgainstAList(t *testing.T) {
	root, run := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		dir := filepath.Join(root, fmt.Sprint(run))
		open := func() *Store {
			s := In(dir)
			s.maxItems, s.maxBytes, s.segmentBytes = 12, 3000, 700
			return s
		}
		s := open()
		var model []Item
		size, over := 0, int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var items []Item
				for range rapid.IntRange(0, 4).Draw(t, "items") {
					items = append(items, item(rapid.IntRange(0, 30).Draw(t, "n"), strings.Repeat("x", rapid.IntRange(0, 60).Draw(t, "length"))))
				}
				more := rapid.Int64Range(0, 2).Draw(t, "more")
				kept, err := s.Put(items, more)
				if err != nil {
					t.Fatal(err)
				}
				over += more
				for i := range items {
					if slices.ContainsFunc(model, func(it Item) bool { return it.ID == items[i].ID }) {
						continue
					}
					line := lineSize(t, &items[i])
					if len(model) == 12 || size+line > 3000 {
						over++
						continue
					}
					model, size, kept = append(model, items[i]), size+line, kept-1
				}
				if kept != 0 {
					t.Fatalf("%d more were kept than fit", kept)
				}
			},
			"drop": func(t *rapid.T) {
				var ids []string
				model = slices.DeleteFunc(model, func(it Item) bool {
					gone := rapid.Bool().Draw(t, "gone")
					if gone {
						ids = append(ids, it.ID)
						size -= lineSize(t, &it)
					}
					return gone
				})
				if n, err := s.Drop(append(ids, "unknown")); err != nil || n != len(ids) {
					t.Fatalf("%d dropped of %d: %v", n, len(ids), err)
				}
				if len(model) == 0 {
					over = 0
				}
			},
			"reopen": func(*rapid.T) { s = open() },
			"": func(t *rapid.T) {
				sel := Selection{Event: rapid.SampledFrom([]string{"", "a"}).Draw(t, "event"), Code: rapid.SampledFrom([]string{"", "number_invalid"}).Draw(t, "code"),
					Source: rapid.SampledFrom([]string{"", "file1"}).Draw(t, "source")}
				got, err := s.List(sel, 0)
				if err != nil {
					t.Fatal(err)
				}
				var want []string
				for i := range model {
					if sel.fits(&model[i]) {
						want = append(want, model[i].ID+model[i].Raw)
					}
				}
				var have []string
				for i := range got.Items {
					have = append(have, got.Items[i].ID+got.Items[i].Raw)
				}
				if !slices.Equal(have, want) || got.Over != over {
					t.Fatalf("%v, %d over; want %v, %d", have, got.Over, want, over)
				}
			},
		})
	})
}

func lineSize(t *rapid.T, it *Item) int {
	line, err := encode(it)
	if err != nil {
		t.Fatal(err)
	}
	return len(line) + 1
}

// TestDroppedIsGone looks for the text of a dropped item in every file.
func TestDroppedIsGone(t *testing.T) {
	dir := t.TempDir()
	s := In(dir)
	kept, secret := item(1, "harmless"), item(2, "a secret")
	if _, err := s.Put([]Item{kept, secret}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Drop([]string{secret.ID}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil || strings.Contains(string(text), "a secret") {
			t.Errorf("%s: %s %v", entry.Name(), text, err)
		}
	}
	if _, err := s.Drop([]string{kept.ID}); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
}

// TestWhatAStoreCannotRead gives an error that says what to do.
func TestWhatAStoreCannotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "00000001.ndjson"), []byte("{\"id\": \"q1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := In(dir).List(Selection{}, 0)
	if orrery.CodeOf(err) != "quarantine_damaged" {
		t.Errorf("got %v", err)
	}
	if _, err := In(t.TempDir()).List(Selection{IDs: []string{"q1"}}, 0); orrery.KindOf(err) != orrery.NotFound {
		t.Errorf("got %v", err)
	}
}

// TestUnreadableBytes keeps what is not UTF-8 as it was.
func TestUnreadableBytes(t *testing.T) {
	dir := t.TempDir()
	it := item(1, "caf\xe9")
	if _, err := In(dir).Put([]Item{it}, 0); err != nil {
		t.Fatal(err)
	}
	got, err := In(dir).List(Selection{}, 0)
	if err != nil || got.Items[0].Text() != "caf\xe9" {
		t.Errorf("%q %v", got.Items[0].Text(), err)
	}
}

// FuzzStored reads any file of a quarantine without a panic.
func FuzzStored(f *testing.F) {
	f.Add([]byte("{\"id\":\"q1\",\"faults\":[]}\n"))
	f.Add([]byte("{\"id\":\"q1\"}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := In("")
		s.loaded = true
		if s.readSegment("1", text) != nil {
			return
		}
		_, _ = s.List(Selection{Code: "x"}, 0)
	})
}
