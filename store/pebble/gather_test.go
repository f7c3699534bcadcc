package pebble

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev/store"
)

// TestGatheredStateIsFound writes items again and again, so that some are
// gathered and some have been handed over, and holds what is found against a map,
// also from other goroutines and after the store was opened again.
func TestGatheredStateIsFound(t *testing.T) {
	o := Options{CacheBytes: 8 << 20, MemTableBytes: 16 << 10, FS: vfs.NewMem()}
	s, err := Open("/data", o)
	if err != nil {
		t.Fatal(err)
	}
	random, want := rand.New(rand.NewPCG(3, 4)), map[string]string{}
	tables := []store.TableID{{1}, {1, 1}, {2}}
	handed := 0
	for round := range 400 {
		var items []store.StateItem
		for range 1 + random.IntN(40) {
			it := store.StateItem{Table: tables[random.IntN(len(tables))], Key: fmt.Sprintf("%0*d", random.IntN(12), random.IntN(500)), Value: fmt.Append(nil, round, random.IntN(1000))}
			if random.IntN(8) == 0 {
				it.Value = nil
			}
			items = append(items, it)
			if want[string(it.Table[:])+it.Key] = string(it.Value); it.Value == nil {
				delete(want, string(it.Table[:])+it.Key)
			}
		}
		if err := s.State().Write(items); err != nil {
			t.Fatal(err)
		}
		if len(s.state.filling.items) == 0 {
			handed++
		}
		if round%100 == 99 {
			checkFound(t, s, tables, want)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open("/data", o); err != nil {
				t.Fatal(err)
			}
		}
		checkFound(t, s, tables[:1+round%3], want)
	}
	if handed < 4 || handed > 390 {
		t.Errorf("of 400 writes %d were handed over at once", handed)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkFound(t *testing.T, s *Store, tables []store.TableID, want map[string]string) {
	t.Helper()
	for _, table := range tables {
		for number := range 500 {
			for _, key := range []string{fmt.Sprint(number), fmt.Sprintf("%011d", number)} {
				value, ok, err := s.State().Get(table, key)
				if err != nil {
					t.Fatal(err)
				}
				if expected, there := want[string(table[:])+key]; ok != there || string(value) != expected {
					t.Fatalf("%q of table %x is %q, %v, want %q, %v", key, table[:2], value, ok, expected, there)
				}
			}
		}
	}
}

// TestGatheredStateIsSorted hands over keys of all lengths in the order of a run.
func TestGatheredStateIsSorted(t *testing.T) {
	o := Options{CacheBytes: 8 << 20, FS: vfs.NewMem()}
	s, err := Open("/data", o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	keys := []string{"", "\x00", "\x00\x00", "a", "a\x00", "aaaaaaaa", "aaaaaaaa\x00", "aaaaaaaab", "aaaaaaab", "\xff"}
	for _, i := range rand.New(rand.NewPCG(5, 6)).Perm(len(keys)) {
		if err := s.State().Write([]store.StateItem{{Key: keys[i], Value: []byte{byte(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	tables, heads := s.state.filling.sorted()
	if len(tables) != 1 || !slices.IsSortedFunc(heads, func(a, b head) int { return cmp.Compare(a.hash, b.hash) }) {
		t.Errorf("the hashes of tables %x are not in order", tables)
	}
	var got []string
	for _, h := range heads {
		got = append(got, string(s.state.filling.key(h.at)[tableSize:]))
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("%q, want %q", got, keys)
	}
}
