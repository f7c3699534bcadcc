package feature

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
)

// payment makes an event of shop's first type with all that is required.
func payment(pay *orrery.EventType, offset orrery.Offset, at orrery.Instant, from string) *orrery.Event {
	e := &orrery.Event{Type: pay, Time: at, Offset: offset, Values: make([]orrery.Value, len(pay.Fields))}
	n := int64(offset)
	for name, v := range map[string]orrery.Value{
		"id": orrery.StringValue(fmt.Sprint(n)), "at": orrery.TimestampValue(at), "from": orrery.EntityValue(from),
		"amount": orrery.DecimalValue(-n), "pieces": orrery.IntValue(n*n - 300), "weight": orrery.FloatValue(float64(n) / 3),
		"gift": orrery.BoolValue(n%2 == 0), "due": orrery.TimestampValue(orrery.Instant(n % 3)),
	} {
		e.Values[pay.Field(name)] = v
	}
	return e
}

// everyColumn is a table with each kind of column and of tile, kept over all
// time, and a series in it that has dropped some events; dense ones have tiles.
func everyColumn(t testing.TB, exact int) (*table, *series) {
	pay, _ := shop()
	var all []Aggregate
	for kind, field := range map[string]string{
		"count": "", "sum": "amount", "stddev": "pieces", "mean": "weight", "variance": "weight", "min": "amount", "max": "weight",
		"distinct": "id", "first": "to", "last": "gift", "decayed_count": "", "decayed_sum": "weight",
	} {
		a := Aggregate{Kind: kind, Event: pay, Field: pay.Field(field), By: 2, Key: 2}
		if kind == "first" {
			a.Field = pay.Field("id")
		}
		if strings.HasPrefix(kind, "decayed") {
			a.HalfLife = 4
			all = append(all, a)
			continue
		}
		all = append(all, a)
		a.Window = 130
		all = append(all, a)
	}
	all = append(all,
		Aggregate{Kind: "distinct", Event: pay, Field: pay.Field("due"), By: 2, Key: 2, Window: 9},
		Aggregate{Kind: "quantile", Event: pay, Field: pay.Field("weight"), By: 2, Key: 2, Window: 130, Quantile: 500_000},
		Aggregate{Kind: "quantile", Event: pay, Field: pay.Field("pieces"), By: 2, Key: 2, Window: 9, Quantile: 500_000},
		Aggregate{Kind: "top", Event: pay, Field: pay.Field("gift"), By: 2, Key: 2, Window: 9, Rank: 1},
		Aggregate{Kind: "last", Event: pay, Field: pay.Field("due"), By: 2, Key: 2, Window: 10, Rank: 2},
		Aggregate{Kind: "repeats", Event: pay, Field: pay.Field("id"), By: 2, Key: 2, Window: 9, Distance: 12})
	slices.SortFunc(all, func(a, b Aggregate) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Window, b.Window))
	})
	set, err := Compile(pay, all, 5, exact)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.tables) != 1 {
		t.Fatalf("%d tables", len(set.tables))
	}
	st := NewState(nil)
	for i := range orrery.Instant(40) {
		if err := set.Apply(st, payment(pay, orrery.Offset(i+1), 6*i-i%7, "p")); err != nil {
			t.Fatal(err)
		}
	}
	s := &st.all[0].series[0]
	if s.dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	return set.tables[0], s
}

// everySeries gives the two sorts of series that everyColumn makes.
func everySeries(t testing.TB, f func(table *table, s *series)) {
	for _, exact := range []int{DefaultExact, 6} {
		table, s := everyColumn(t, exact)
		if s.extra.tiled != (exact == 6) {
			t.Fatal("dense with", exact)
		}
		f(table, s)
	}
}

func compile(t testing.TB, asks *orrery.EventType, keep orrery.Duration, aggregates ...Aggregate) *Set {
	t.Helper()
	set, err := Compile(asks, aggregates, keep, DefaultExact)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEncodingComesBack(t *testing.T) {
	everySeries(t, func(table *table, s *series) {
		data := s.encode(table, []byte("before"))[len("before"):]
		back, err := decode(table, data)
		if err != nil {
			t.Fatal(err)
		}
		if again := back.encode(table, nil); !bytes.Equal(data, again) {
			t.Fatalf("%x became %x", data, again)
		}
		if back.second != s.second || back.applied != 40 || back.dropped != s.dropped {
			t.Fatalf("%+v became %+v", s, back)
		}
	})
}

// TestDamage changes every byte and cuts at every length.
func TestDamage(t *testing.T) {
	everySeries(t, func(table *table, s *series) {
		data := s.encode(table, nil)
		for i := range data {
			broken := bytes.Clone(data)
			broken[i] ^= 1 << (i % 8)
			for _, b := range [][]byte{broken, data[:i]} {
				if _, err := decode(table, b); orrery.KindOf(err) != orrery.Damaged || orrery.CodeOf(err) != "state_damaged" {
					t.Fatalf("byte %d: %v", i, err)
				}
			}
		}
	})
}

// TestDamageBehindTheChecksum does the same to the content, with a checksum that
// fits: nothing may break, whatever comes out.
func TestDamageBehindTheChecksum(t *testing.T) {
	everySeries(t, func(table *table, s *series) {
		data := s.encode(table, nil)
		refused := 0
		for i := range len(data) - 4 {
			broken := bytes.Clone(data)
			broken[i] ^= 1 << (i % 8)
			refused += exercise(t, table, sign(broken[:len(broken)-4]))
			if i%5 == 0 {
				refused += exercise(t, table, sign(bytes.Clone(data[:i])))
			}
		}
		if refused < len(data)/3 {
			t.Fatalf("only %d refused", refused)
		}
	})
}

// sign appends the checksum.
func sign(content []byte) []byte {
	return binary.LittleEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
}

// exercise uses a series if it can be decoded, and gives 1 if it cannot.
func exercise(t *testing.T, table *table, data []byte) int {
	s, err := decode(table, data)
	if err != nil {
		if orrery.KindOf(err) != orrery.Damaged {
			t.Fatal(err)
		}
		return 1
	}
	one := s.encode(table, nil)
	if s, err = decode(table, one); err != nil {
		t.Fatalf("%x: what was read cannot be written: %v", data, err)
	}
	if two := s.encode(table, nil); !bytes.Equal(one, two) {
		t.Fatalf("%x became %x", one, two)
	}
	for i := range 30 {
		newest := int64(0) // of a series that has been emptied
		if len(s.buf) > 0 {
			newest = s.buf[len(s.buf)-table.stride]
		}
		s.insert(table, payment(table.event, s.applied+1, orrery.Instant(newest).Add(orrery.Duration(i-9)), "p"), new(hasher))
	}
	askAll(t, table, s)
	return 0
}

// askAll answers every item that the table can, at a few instants.
func askAll(t *testing.T, table *table, s *series) {
	st := NewState(nil)
	st.work.asker = payment(table.event, 1, 0, "p")
	newest := s.buf[len(s.buf)-table.stride]
	for k := range kinds {
		for i := range table.columns {
			c := table.columns[i]
			it := item{kind: kind(k), column: c, unit: 1, level: -1, number: -1, rank: 1, quantile: 900_000}
			if columnKindFor(it.kind, c.typ) != c.kind || kinds[k].Operand != eventOf && kinds[k].FieldTypes != nil && !slices.Contains(kinds[k].FieldTypes, c.typ.String()) {
				continue
			}
			for at := newest - 200; at < newest+20; at += 7 {
				st.askOne(it, table, s, at)
			}
		}
	}
}

// askOne answers an item over a window of 130, and where it can over all time,
// from every level that has what it needs.
func (st *State) askOne(it item, t *table, s *series, at int64) {
	for _, window := range []int64{130, 0} {
		it.level, it.number = -1, -1
		for i := range t.levels {
			l := &t.levels[i]
			for j, c := range l.cells {
				if l.ever == (window == 0 && it.kind < decayedCountKind) && l.halving == (it.kind >= decayedCountKind) &&
					c.kind == it.column.kind && c.field == it.column.field && c.parts&partsOf(it.kind) == partsOf(it.kind) {
					it.level, it.number = i, j
				}
			}
		}
		untiled := it.kind == lastKind || it.kind == topKind || it.kind == timeSinceLastKind || it.kind == repeatsKind
		ever := window == 0 || it.kind >= decayedCountKind
		if it.number < 0 && !untiled || ever && !untiled && it.kind < decayedCountKind && !it.column.ever || ever && kinds[it.kind].NeedsWindow && untiled {
			continue
		}
		it.start, it.end = 0, 1
		if ever {
			it.start = -1
		}
		x := before(at, window)
		st.work.times = append(st.work.times[:0], x, at)
		st.work.rows = append(st.work.rows[:0], s.search(x, 0, t.stride), s.search(at, 0, t.stride))
		it.from, it.to = window, 0
		st.over(&it, s, t, orrery.Instant(at), false)
	}
}

func FuzzDecode(f *testing.F) {
	var tables []*table
	everySeries(f, func(table *table, s *series) {
		tables = append(tables, table)
		data := s.encode(table, nil)
		f.Add(data)
		f.Add(data[:20])
	})
	f.Add([]byte{formatVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, table := range tables {
			exercise(t, table, data)
			if len(data) > 4 {
				exercise(t, table, sign(bytes.Clone(data[:len(data)-4])))
			}
		}
	})
}
