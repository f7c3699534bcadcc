package feature

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/store"
)

// TestSearch compares with looking at every row, from any hint.
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stride := rapid.IntRange(1, 3).Draw(t, "stride")
		s := &series{head: int32(rapid.IntRange(0, 3).Draw(t, "head"))}
		s.buf = make([]int64, (int(s.head)+1)*stride)
		at := int64(0)
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			at += rapid.Int64Range(0, 3).Draw(t, "gap")
			s.buf = append(s.buf, make([]int64, stride)...)
			s.buf[len(s.buf)-stride] = at
		}
		x, hint := rapid.Int64Range(-1, at+1).Draw(t, "x"), rapid.IntRange(0, 60).Draw(t, "hint")
		want := s.first()
		for want < s.end(stride) && s.buf[want*stride] <= x {
			want++
		}
		if got := s.search(x, hint, stride); got != want {
			t.Fatalf("row %d, not %d", got, want)
		}
	})
}

func TestKeyTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table keyTable
		want := map[string]*entity{}
		hash := func(key string) uint64 { return uint64(key[1]-'0') % 7 * 5 } // few, to collide
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := fmt.Sprintf("k%02d", rapid.IntRange(0, 79).Draw(t, "key"))
			if en := want[key]; en == nil {
				want[key] = &entity{key: key}
				table.put(hash(key), want[key])
			} else if rapid.Bool().Draw(t, "remove") {
				table.remove(hash(key), en)
				delete(want, key)
			}
		}
		for i := range 80 {
			key := fmt.Sprintf("k%02d", i)
			if got := table.get(hash(key), key); got != want[key] {
				t.Fatalf("%s: %v, not %v", key, got, want[key])
			}
		}
		if table.n != len(want) {
			t.Fatalf("%d keys, not %d", table.n, len(want))
		}
	})
}

func TestFloat128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Values near a tie are the hard ones.
		hi := rapid.Uint64().Draw(t, "hi") >> rapid.IntRange(0, 64).Draw(t, "shift")
		lo := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 2), rapid.Just(uint64(1)<<63)).Draw(t, "lo")
		if n := bits.Len64(hi); n >= 55 && rapid.Bool().Draw(t, "tie") {
			hi = hi>>(n-53)<<(n-53) | 1<<(n-54)
		}
		x := new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64), new(big.Int).SetUint64(lo))
		want, _ := new(big.Rat).SetInt(x).Float64()
		if got := float128(hi, lo); got != want {
			t.Fatalf("%v, not %v", got, want)
		}
	})
}

func TestFloatOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64().Draw(t, "a"), rapid.Float64().Draw(t, "b")
		if floatOfOrder(floatOrder(a)) != a || a < b && floatOrder(a) >= floatOrder(b) {
			t.Fatal(a, b)
		}
	})
	if floatOrder(math.Copysign(0, -1)) >= floatOrder(0) {
		t.Fatal("−0 is not before +0")
	}
}

// TestLatecomerIsNotTheLast drops an event, then counts one that is older: over
// all time the last before some instant in between is not known any more.
func TestLatecomerIsNotTheLast(t *testing.T) {
	pay, _ := shop()
	set := compile(t, pay, 0,
		Aggregate{Kind: "time_since_last", Event: pay, Field: -1, By: 2, Key: 2, Lag: 80},
		Aggregate{Kind: "count", Event: pay, Field: -1, By: 2, Key: 2, Lag: 80})
	st := NewState(nil)
	for i, at := range []orrery.Instant{10, 20, 30, 112, 15} {
		if err := set.Apply(st, payment(pay, orrery.Offset(i+1), at, "p")); err != nil {
			t.Fatal(err)
		}
	}
	if s := st.all[0].series[0]; s.dropped != 2 || s.buf[int(s.head)] != 20 || s.buf[s.first()] != 15 {
		t.Fatalf("%+v", s)
	}
	out := make([]float64, 2)
	key := func(int) (string, bool) { return "p", true }
	for at, want := range map[orrery.Instant][2]float64{
		99: {math.NaN(), math.NaN()}, 105: {math.NaN(), 3}, 111: {81e-6, 4},
	} {
		if err := set.Read(st, at, key, out); err != nil || !same(out[0], want[0]) || !same(out[1], want[1]) {
			t.Errorf("at %d: %v, not %v (%v)", at, out, want, err)
		}
	}
}

// TestSteadyStateDoesNotAllocate counts what Ask allocates once series no longer
// grow.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	transaction, report := fraudContract()
	set := compile(t, transaction, orrery.Day, fraudAggregates(transaction, report)...)
	st, events := NewState(nil), newStream(transaction, report)
	out := make([]float64, len(set.aggregates))
	pass := func() {
		batch := events.next()
		for i := range batch {
			e := &batch[i]
			e.Values[2], e.Values[3] = orrery.EntityValue("c"), orrery.EntityValue("t")
			e.Time = orrery.Instant(e.Offset) * orrery.Instant(2*orrery.Hour)
			if e.Type == transaction {
				_ = set.Ask(st, e, out)
			}
		}
	}
	for range 20 {
		pass()
	}
	if n := testing.AllocsPerRun(10, pass); n > 1 { // the stream's own text
		t.Errorf("%v allocations in 256 events", n)
	}
}

// TestManyDistinct lets the rounds of counting wrap around.
func TestManyDistinct(t *testing.T) {
	var d dictionary
	d.ids = map[string]uint32{}
	s := &series{buf: []int64{never, 0, 1, 0, 2, 0, 3, 0}}
	for i := range 3 {
		s.buf[2*i+3] = int64(d.add(orrery.StringValue(fmt.Sprint(i % 2))))
	}
	d.round = math.MaxUint32 - 1
	for range 4 {
		if n := d.distinct(s, 2, 1, 1, 4, false); n != 2 {
			t.Fatalf("%d distinct", n)
		}
	}
}

func TestLoadFails(t *testing.T) {
	pay, _ := shop()
	set := compile(t, pay, 0, Aggregate{Kind: "count", Event: pay, Field: -1, By: 2, Key: 2})
	broken := errors.New("the disk is gone")
	var data []byte
	fault := broken
	st := NewState(func(store.TableID, string) ([]byte, bool, error) { return data, data != nil, fault })
	out := make([]float64, 1)
	key := func(int) (string, bool) { return "p", true }
	e := payment(pay, 1, 0, "p")
	if err := set.Ask(st, e, out); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := set.Read(st, 0, key, out); !errors.Is(err, broken) {
		t.Error(err)
	}
	data, fault = []byte{1, 2, 3, 4, 5, 6}, nil
	if err := set.Apply(st, e); orrery.KindOf(err) != orrery.Damaged {
		t.Error(err)
	}
	data = nil // and applied again, it counts
	if err := set.Ask(st, e, out); err != nil || out[0] != 0 {
		t.Error(out, err)
	}
}
