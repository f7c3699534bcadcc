package storetest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/store"
)

// model is what a store should hold, by the most obvious means.
type model struct {
	records []store.Record
	first   orrery.Offset
	base    map[byte]map[string]string
	entries map[string]orrery.Offset
	items   map[byte]map[string]string
	marks   map[byte]orrery.Offset
	values  map[string][]byte
	blobs   map[string]string
}

// RunHistories plays random histories on a store and on a model, closing and
// opening on the way, and compares everything after each step.
func RunHistories(t *testing.T, open Open) {
	root, runs := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dir := filepath.Join(root, fmt.Sprint(runs))
		s := open(t, dir)
		defer func() { must(t, s.Close()) }()
		m := &model{first: 1, base: map[byte]map[string]string{}, entries: map[string]orrery.Offset{}, items: map[byte]map[string]string{},
			marks: map[byte]orrery.Offset{}, values: map[string][]byte{}, blobs: map[string]string{}}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) { m.append(t, rt, s) },
			"cut":    func(rt *rapid.T) { m.cut(t, rt, s) },
			"write":  func(rt *rapid.T) { m.write(t, rt, s) },
			"mark":   func(rt *rapid.T) { m.mark(t, rt, s) },
			"drop": func(rt *rapid.T) {
				n := drawTable(rt)
				must(t, s.State().Drop(table(n)))
				delete(m.items, n)
				delete(m.marks, n)
			},
			"put": func(rt *rapid.T) {
				values := rapid.MapOfN(rapid.StringMatching("[ab/]{0,3}"), rapid.SliceOfN(rapid.Byte(), 0, 3), 0, 3).Draw(rt, "values")
				must(t, s.Meta().Put(values))
				maps.Copy(m.values, values)
			},
			"blob": func(rt *rapid.T) {
				content := rapid.StringN(0, 3, -1).Draw(rt, "content")
				digest, err := s.Blob().Put([]byte(content))
				must(t, err)
				m.blobs[digest] = content
			},
			"reopen": func(*rapid.T) {
				must(t, s.Close())
				s = open(t, dir)
			},
			"": func(*rapid.T) { m.compare(t, s) },
		})
	})
}

func drawTable(rt *rapid.T) byte { return rapid.ByteRange(0, 2).Draw(rt, "table") }

func (m *model) last() orrery.Offset {
	if len(m.records) == 0 {
		return 0
	}
	return m.records[len(m.records)-1].Offset
}

func (m *model) append(t testing.TB, rt *rapid.T, s store.Store) {
	b, last := &store.Batch{}, m.last()
	for range rapid.IntRange(0, 5).Draw(rt, "events") {
		last += orrery.Offset(rapid.IntRange(1, 300).Draw(rt, "step"))
		for kind := store.EventRecord; kind <= store.ControlRecord; kind++ {
			if rapid.Bool().Draw(rt, "record") {
				b.Records = append(b.Records, store.Record{Offset: last, Kind: kind, Data: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "data")})
			}
		}
		key := fmt.Sprintf("%c%d", rapid.SampledFrom([]rune("aemr")).Draw(rt, "key"), last)
		b.Entries = append(b.Entries, store.Entry{Key: []byte(key), Offset: last})
		m.entries[key] = last
	}
	switch rapid.IntRange(0, 2).Draw(rt, "way") {
	case 0:
		must(t, s.Log().Append(b, false))
	case 1:
		must(t, s.Log().Append(b, true))
	case 2:
		wait, err := s.Log().Start(b)
		must(t, err)
		must(t, wait())
	}
	m.records = append(m.records, b.Records...)
}

func (m *model) cut(t testing.TB, rt *rapid.T, s store.Store) {
	if m.last() < m.first {
		return
	}
	c := &store.Cut{Before: orrery.Offset(rapid.Uint64Range(uint64(m.first), uint64(m.last())).Draw(rt, "before"))}
	m.first = c.Before
	m.records = slices.DeleteFunc(slices.Clone(m.records), func(r store.Record) bool { return r.Offset < c.Before })
	for _, key := range slices.Sorted(maps.Keys(m.entries)) {
		if m.entries[key] < c.Before && rapid.Bool().Draw(rt, "forget") {
			c.Forget = append(c.Forget, []byte(key))
			delete(m.entries, key)
		}
	}
	if n := drawTable(rt); rapid.Bool().Draw(rt, "drop") {
		c.Drop = append(c.Drop, table(n))
		delete(m.base, n)
	}
	for range rapid.IntRange(0, 4).Draw(rt, "items") {
		n, key, value := drawTable(rt), rapid.StringN(0, 2, -1).Draw(rt, "key"), rapid.StringN(1, 5, -1).Draw(rt, "value")
		c.Base = append(c.Base, item(n, key, value))
		if m.base[n] == nil {
			m.base[n] = map[string]string{}
		}
		m.base[n][key] = value
	}
	if rapid.Bool().Draw(rt, "value") {
		c.Values = map[string][]byte{"a": fmt.Append(nil, c.Before)}
		m.values["a"] = c.Values["a"]
	}
	must(t, s.Log().Cut(c))
}

func (m *model) write(t testing.TB, rt *rapid.T, s store.Store) {
	var items []store.StateItem
	for range rapid.IntRange(0, 4).Draw(rt, "items") {
		n, key := drawTable(rt), rapid.StringN(0, 2, -1).Draw(rt, "key")
		value := rapid.StringN(0, 5, -1).Draw(rt, "value")
		items = append(items, item(n, key, value))
		if m.items[n] == nil {
			m.items[n] = map[string]string{}
		}
		m.items[n][key] = value
	}
	must(t, s.State().Write(items))
}

func (m *model) mark(t testing.TB, rt *rapid.T, s store.Store) {
	var tables []store.TableID
	offset := orrery.Offset(rapid.IntRange(1, 1000).Draw(rt, "offset"))
	for _, n := range rapid.SliceOfNDistinct(rapid.ByteRange(0, 2), 0, 3, rapid.ID).Draw(rt, "tables") {
		tables = append(tables, table(n))
		m.marks[n] = offset
	}
	must(t, s.State().Mark(offset, tables))
}

func (m *model) compare(t testing.TB, s store.Store) {
	wantRecords(t, s.Log(), 0, m.records)
	wantLast(t, s.Log(), m.last())
	wantFirst(t, s.Log(), m.first)
	for n := range byte(3) {
		wantBase(t, s.Log(), n, "none", "")
		for key, value := range m.base[n] {
			wantBase(t, s.Log(), n, key, value)
		}
	}
	for key, offset := range m.entries {
		wantEntry(t, s.Log(), []byte(key), offset)
		wantEntry(t, s.Log(), []byte(key+"-"), 0)
	}
	for n := range byte(3) {
		wantMark(t, s.State(), n, m.marks[n])
		var want []string
		for _, key := range slices.Sorted(maps.Keys(m.items[n])) {
			want = append(want, key+"="+m.items[n][key])
		}
		wantState(t, s.State(), n, want...)
	}
	names, err := s.Meta().List("")
	must(t, err)
	if !slices.Equal(names, slices.Sorted(maps.Keys(m.values))) {
		t.Fatalf("the values are %q, want %q", names, slices.Sorted(maps.Keys(m.values)))
	}
	for name, want := range m.values {
		wantMeta(t, s.Meta(), name, string(want))
	}
	for digest, want := range m.blobs {
		content, err := s.Blob().Get(digest)
		must(t, err)
		if string(content) != want {
			t.Fatalf("content %s is %q, want %q", digest, content, want)
		}
	}
}
