package feature

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
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

// everyColumn is a table with each kind of column, kept over all time, and a
// series in it that has dropped some events.
func everyColumn(t testing.TB) (*table, *series) {
	pay, _ := shop()
	set := compile(t, pay, 5,
		Aggregate{Kind: "stddev", Event: pay, Field: pay.Field("pieces"), By: 2, Key: 2},
		Aggregate{Kind: "mean", Event: pay, Field: pay.Field("weight"), By: 2, Key: 2},
		Aggregate{Kind: "distinct", Event: pay, Field: pay.Field("id"), By: 2, Key: 2},
		Aggregate{Kind: "distinct", Event: pay, Field: pay.Field("due"), By: 2, Key: 2, Window: 9},
		Aggregate{Kind: "min", Event: pay, Field: pay.Field("amount"), By: 2, Key: 2},
		Aggregate{Kind: "last", Event: pay, Field: pay.Field("gift"), By: 2, Key: 2, Window: 8},
		Aggregate{Kind: "last", Event: pay, Field: pay.Field("due"), By: 2, Key: 2, Window: 10})
	if len(set.tables) != 1 {
		t.Fatalf("%d tables", len(set.tables))
	}
	st := NewState(nil)
	for i := range orrery.Instant(40) {
		if err := set.Apply(st, payment(pay, orrery.Offset(i+1), i-i%7, "p")); err != nil {
			t.Fatal(err)
		}
	}
	s := &st.all[0].series[0]
	if s.dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	return set.tables[0], s
}

func compile(t testing.TB, asks *orrery.EventType, keep orrery.Duration, aggregates ...Aggregate) *Set {
	t.Helper()
	set, err := Compile(asks, aggregates, keep)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEncodingComesBack(t *testing.T) {
	table, s := everyColumn(t)
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
}

// TestDamage changes every byte and cuts at every length.
func TestDamage(t *testing.T) {
	table, s := everyColumn(t)
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
}

// TestDamageBehindTheChecksum does the same to the content, with a checksum that
// fits: nothing may break, whatever comes out.
func TestDamageBehindTheChecksum(t *testing.T) {
	table, s := everyColumn(t)
	data := s.encode(table, nil)
	refused := 0
	for i := range len(data) - 4 {
		for bit := range 8 {
			broken := bytes.Clone(data)
			broken[i] ^= 1 << bit
			refused += exercise(t, table, sign(broken[:len(broken)-4]))
		}
		refused += exercise(t, table, sign(bytes.Clone(data[:i])))
	}
	if refused < len(data) {
		t.Fatalf("only %d refused", refused)
	}
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
		e := payment(table.event, s.applied+1, orrery.Instant(s.buf[len(s.buf)-table.stride]).Add(orrery.Duration(i-9)), "p")
		s.insert(table, e)
	}
	return 0
}

func FuzzDecode(f *testing.F) {
	table, s := everyColumn(f)
	f.Add(s.encode(table, nil))
	one, err := decode(table, s.encode(table, nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one.encode(table, nil)[:20])
	f.Add([]byte{formatVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		exercise(t, table, data)
		if len(data) > 4 {
			exercise(t, table, sign(bytes.Clone(data[:len(data)-4])))
		}
	})
}
