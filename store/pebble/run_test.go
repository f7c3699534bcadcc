package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/store"
)

// made writes items to a run.
func made(t testing.TB, disk vfs.FS, name string, items []store.StateItem) placed {
	t.Helper()
	var g gathered
	g.put(items)
	w, err := newRunWriter(disk, "", name, nil)
	if err == nil {
		err = g.writeTo(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	return placed{run: r}
}

// look gives what a run says of an item: "" where it has nothing of it.
func look(t *testing.T, p placed, table store.TableID, key string) string {
	t.Helper()
	s := p.sectionOf(table)
	if s == nil {
		return ""
	}
	value, found, err := p.get(s, hashOf(table, []byte(key)), key)
	switch {
	case err != nil:
		t.Fatal(err)
	case !found:
		return ""
	case value == nil:
		return "removed"
	}
	return "=" + string(value)
}

// TestRunHasItsItems finds every item of a large run, of keys and values of all
// lengths, as it was written and after it was opened again, and no other.
func TestRunHasItsItems(t *testing.T) {
	disk, random := vfs.NewMem(), rand.New(rand.NewPCG(7, 8))
	tables, want := []store.TableID{{1}, {1, 1}, {255}}, map[string]string{}
	var items []store.StateItem
	for i := range 60_000 {
		it := store.StateItem{Table: tables[i%2], Key: fmt.Sprintf("%0*d", random.IntN(9), i), Value: bytes.Repeat([]byte{byte(i)}, random.IntN(60))}
		switch random.IntN(500) {
		case 0:
			it.Value = nil
		case 1:
			it.Value = bytes.Repeat([]byte("large"), random.IntN(4000))
		case 2:
			it.Table = tables[2]
		}
		items = append(items, it)
		want[string(it.Table[:])+it.Key] = "=" + string(it.Value)
		if it.Value == nil {
			want[string(it.Table[:])+it.Key] = "removed"
		}
	}
	first := made(t, disk, "1.run", items)
	again, err := openRun(disk, "", "1.run")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []placed{first, {run: again}} {
		found, passed := 0, 0
		for i := range items {
			if got := look(t, p, items[i].Table, items[i].Key); got != want[string(items[i].Table[:])+items[i].Key] {
				t.Fatalf("%q of %x: %.40q, want %.40q", items[i].Key, items[i].Table[:2], got, want[string(items[i].Table[:])+items[i].Key])
			}
			if other := fmt.Sprintf("%d other", i); look(t, p, items[i].Table, other) != "" {
				t.Fatalf("%q is there", other)
			} else if p.section(items[i].Table).filter.has(hashOf(items[i].Table, []byte(other))) {
				passed++
			}
		}
		for i := range p.sections {
			found += p.sections[i].items
		}
		if found != len(want) || passed > len(items)/50 {
			t.Errorf("%d items, want %d; %d of as many that are not there pass the filter", found, len(want), passed)
		}
	}
}

// TestMerge holds merged runs, some with tables that were dropped, against maps that
// are laid over one another.
func TestMerge(t *testing.T) {
	disk, random := vfs.NewMem(), rand.New(rand.NewPCG(9, 10))
	tables := []store.TableID{{1}, {2}, {3}}
	for round := range 60 {
		want, last := map[string]string{}, round%2 == 0
		var from []placed // the newest first
		for n := range 1 + random.IntN(6) {
			var items []store.StateItem
			for range random.IntN(400) {
				it := store.StateItem{Table: tables[random.IntN(3)], Key: fmt.Sprint(random.IntN(200)), Value: fmt.Append(nil, round, n)}
				if random.IntN(4) == 0 {
					it.Value = nil
				}
				items = append(items, it)
			}
			if len(items) == 0 {
				continue
			}
			p := made(t, disk, fmt.Sprintf("%d-%d.run", round, n), items)
			if random.IntN(3) == 0 {
				dropped := tables[random.IntN(3)]
				p.drop(dropped)
			}
			for _, it := range items {
				if slices.Contains(p.dropped, it.Table) {
					continue
				}
				want[string(it.Table[:1])+it.Key] = "=" + string(it.Value)
				if it.Value == nil {
					want[string(it.Table[:1])+it.Key] = "removed"
				}
			}
			from = slices.Insert(from, 0, p)
		}
		w, err := newRunWriter(disk, "", fmt.Sprintf("%d.run", round), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := merge(from, w, last, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last {
			maps.DeleteFunc(want, func(_, value string) bool { return value == "removed" })
		}
		if got == nil {
			if len(want) > 0 {
				t.Errorf("nothing is left of %d items", len(want))
			}
			continue
		}
		items := 0
		for i := range got.sections {
			items += got.sections[i].items
		}
		for _, table := range tables {
			for key := range 200 {
				if value := look(t, placed{run: got}, table, fmt.Sprint(key)); value != want[string(table[:1])+fmt.Sprint(key)] {
					t.Fatalf("round %d: %d of %x is %q, want %q", round, key, table[:1], value, want[string(table[:1])+fmt.Sprint(key)])
				}
			}
		}
		if items != len(want) {
			t.Errorf("round %d: %d items, want %d", round, items, len(want))
		}
	}
}

// TestDropDuringMerge has nothing count of a table in what was merged while the table
// was dropped, and lets what was written later count.
func TestDropDuringMerge(t *testing.T) {
	disk := vfs.NewMem()
	item := func(table byte, value string) []store.StateItem {
		return []store.StateItem{{Table: store.TableID{table}, Key: "k", Value: []byte(value)}}
	}
	old := made(t, disk, "1.run", append(item(1, "old"), item(2, "kept")...))
	c := contents{runs: []placed{made(t, disk, "2.run", item(1, "newer")), old}}
	from := slices.Clone(c.runs)
	w, err := newRunWriter(disk, "", "3.run", nil)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := merge(from, w, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.runs {
		c.runs[i].drop(store.TableID{1})
	}
	c.runs = slices.Insert(c.runs, 0, made(t, disk, "4.run", item(1, "new")))
	c.replace(from, merged)
	if len(c.runs) != 2 || look(t, c.runs[0], store.TableID{1}, "k") != "=new" || look(t, c.runs[1], store.TableID{1}, "k") != "" || look(t, c.runs[1], store.TableID{2}, "k") != "=kept" {
		t.Errorf("%d runs after the merge", len(c.runs))
	}
}

// TestRunsStayFew writes runs of many sizes and merges as it is told to: there are
// never many, and little is written again.
func TestRunsStayFew(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for _, size := range []int64{100, firstTier, 30 << 20} {
		var sizes []int64
		written, again, most := int64(0), int64(0), 0
		for range 2000 {
			one := size/2 + random.Int64N(size)
			sizes, written = slices.Insert(sizes, 0, one), written+one
			for n := toMerge(sizes); n > 0; n = toMerge(sizes) {
				sum := int64(0)
				for _, x := range sizes[:n] {
					sum += x
				}
				again += sum
				sizes = slices.Replace(sizes, 0, n, sum)
			}
			most = max(most, len(sizes))
		}
		if most > 20 || size > firstTier && again > 8*written {
			t.Errorf("runs of %d bytes: up to %d of them, %d times written again", size, most, again/written)
		}
	}
}

// TestEarlierStateIsRemoved opens a directory whose state is of a version before runs.
func TestEarlierStateIsRemoved(t *testing.T) {
	disk := vfs.NewMem()
	o := Options{CacheBytes: 8 << 20, MemTableBytes: 64 << 10, FS: disk}
	for range 2 {
		s, err := Open("/data", o)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := s.State().Marked(store.TableID{1}); at != 0 || err != nil {
			t.Errorf("marked %d, %v", at, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := disk.RemoveAll("/data/state"); err != nil {
			t.Fatal(err)
		}
		if err := disk.MkdirAll("/data/state", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"000004.sst", "MANIFEST-000001"} {
			if err := writeFile(disk, "/data/state", name, name+".new", []byte("of Pebble's")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestStateRests writes state and marks it in a bubble, where a rest is seen: what is
// marked is found again, and closing waits for no rest.
func TestStateRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{CacheBytes: 8 << 20, MemTableBytes: 64 << 10, FS: vfs.NewMem()}
		d := &directory{fs: o.FS, path: "/data"}
		s, _, err := openState(d, o, false)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			var items []store.StateItem
			for j := range 300 {
				items = append(items, store.StateItem{Table: store.TableID{1}, Key: fmt.Sprint(j), Value: binary.BigEndian.AppendUint64(nil, uint64(i))})
			}
			if err := s.Write(items); err != nil {
				t.Fatal(err)
			}
			if err := s.Mark(orrery.Offset(i+1), []store.TableID{{1}}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := s.runs.count(); n > manyRuns {
			t.Errorf("%d runs", n)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRun opens files of any content and reads them: they are refused, or read
// without a panic.
func FuzzRun(f *testing.F) {
	disk := vfs.NewMem()
	made(f, disk, "seed.run", []store.StateItem{{Table: store.TableID{1}, Key: "a", Value: []byte("1")}, {Table: store.TableID{2}, Key: "b"}})
	seed, err := readFile(disk, "seed.run")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		// With checksums that are right, more than the checksums is tried.
		if n := len(content) - runFooter; n >= 4 && binary.LittleEndian.Uint64(content[n:]) <= uint64(n-4) {
			content = bytes.Clone(content)
			at := binary.LittleEndian.Uint64(content[n:])
			sealed(content[:n-4], int(at))
			sealed(content[:n+12], n)
		}
		disk := vfs.NewMem()
		if err := writeFile(disk, "", "x.run", "x.new", content); err != nil {
			t.Fatal(err)
		}
		r, err := openRun(disk, "", "x.run")
		if err != nil {
			return
		}
		all := runs{fs: disk, contents: contents{runs: []placed{{run: r}}}}
		_ = all.readAll(func() error { return nil })
		for i := range r.sections {
			_, _, _ = r.get(&r.sections[i], hashOf(r.sections[i].table, []byte("a")), "a")
		}
	})
}
