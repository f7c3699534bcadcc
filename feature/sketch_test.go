package feature

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"orrery.dev"
)

// TestExactSum compares with rationals: any doubles and integers, in any order,
// taken away again in part.
func TestExactSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts [2]exactSum
		want := new(big.Rat)
		for range rapid.IntRange(0, 30).Draw(t, "terms") {
			into := &parts[rapid.IntRange(0, 1).Draw(t, "part")]
			x := rapid.OneOf(rapid.Float64Range(-1e3, 1e3), rapid.Float64(),
				rapid.SampledFrom([]float64{math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324, 0x1p-1022, 1, -1, 0x1p64})).Draw(t, "x")
			units := rapid.Int64().Draw(t, "units")
			exact := new(big.Rat).SetFloat64(x)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				into.addFloat(x)
				want.Add(want, exact)
			case 1:
				into.addFloatSquare(x)
				want.Add(want, exact.Mul(exact, exact))
			case 2:
				into.addInt(units)
				want.Add(want, new(big.Rat).SetInt64(units))
			case 3:
				negative, m, exp := split(x)
				into.add(!negative, 0, m, exp)
				want.Sub(want, exact)
			}
		}
		var sum exactSum
		sum.merge(false, &parts[1])
		sum.merge(false, &parts[0])
		nearest, _ := want.Float64()
		if got := sum.nearest(); got != nearest {
			t.Fatalf("%v, not %v", got, nearest)
		}
		d := decoder{data: sum.encode(nil)}
		var back exactSum
		d.sum(&back)
		if d.bad || len(d.data) > 0 || back.nearest() != nearest || !slices.Equal(back.words, sum.words) {
			t.Fatalf("%+v came back as %+v", sum, back)
		}
		sum.merge(true, &parts[0])
		sum.merge(true, &parts[1])
		if sum.trim(); sum.nearest() != 0 || len(sum.words) != 0 {
			t.Fatalf("%+v is left", sum)
		}
	})
}

// TestVarianceQuickly compares the two ways to a variance.
func TestVarianceQuickly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum, squares exactSum
		values := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(-100, 100), rapid.Int64()), 2, 20).Draw(t, "values")
		for _, x := range values {
			sum.addInt(x)
			squares.addIntSquare(x)
		}
		n := uint64(len(values))
		got := variance(n, &sum, &squares)
		a, b := new(big.Int), new(big.Int)
		for _, x := range values {
			a.Add(a, big.NewInt(x))
			b.Add(b, new(big.Int).Mul(big.NewInt(x), big.NewInt(x)))
		}
		b.Mul(b, new(big.Int).SetUint64(n)).Sub(b, a.Mul(a, a))
		if want := nearestOf(b, 0) / pairs(n); got != want {
			t.Fatalf("%v, not %v", got, want)
		}
	})
}

// TestDistinctError holds the sketch to its documented standard error, 2.3 %,
// over 200 sets of each size, and to being a function of the set alone.
func TestDistinctError(t *testing.T) {
	for _, size := range []int{1, 10, 100, 1_000, 3_000, 10_000, 100_000} {
		squares, sets := 0.0, 200
		if size == 100_000 {
			sets = 40
		}
		for set := range sets {
			var h, odd, even hll
			for i := range size {
				hash := xxhash.Sum64String(fmt.Sprint(set, "/", i))
				h.add(hash)
				h.add(hash)
				[]*hll{&even, &odd}[i%2].add(hash)
			}
			odd.merge(&even)
			if a, b := h.encode(nil), odd.encode(nil); !slices.Equal(a, b) {
				t.Fatal("the order matters")
			}
			relative := h.estimate()/float64(size) - 1
			squares += relative * relative
		}
		if deviation := math.Sqrt(squares / float64(sets)); deviation > 0.023*1.2 {
			t.Errorf("%d values: standard error %.4f", size, deviation)
		}
	}
	if n := new(hll).estimate(); n != 0 {
		t.Error("an empty set has", n)
	}
}

// TestQuantileError holds buckets to their documented error, 1/128 of the value
// of the rank, whatever the values, and to being a function of them alone.
func TestQuantileError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.Float64Range(-100, 100), rapid.SampledFrom([]float64{0, math.Copysign(0, -1)})), 1, 60).Draw(t, "values")
		var b, left, right buckets
		for i, x := range values {
			b.add(bucketOf(x), 1)
			[]*buckets{&left, &right}[i%2].add(bucketOf(x), 1)
		}
		left.merge(right)
		if !slices.Equal(b, left) {
			t.Fatalf("%v merges as %v", b, left)
		}
		slices.Sort(values)
		millionths := rapid.IntRange(0, 1_000_000).Draw(t, "q")
		rank := rankOf(uint64(len(values)), millionths)
		want := values[rank-1]
		if math.Abs(want) < 0x1p-1022 {
			want = 0
		}
		if got := b.at(rank); math.Abs(got-want) > math.Abs(want)/128 {
			t.Fatalf("%v, not %v", got, want)
		}
	})
}

func TestSelectRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int64Range(-50, 50), 1, 200).Draw(t, "x")
		place := rapid.IntRange(0, len(x)-1).Draw(t, "place")
		sorted := slices.Sorted(slices.Values(x))
		if got := selectRank(x, place); got != sorted[place] {
			t.Fatalf("%d, not %d", got, sorted[place])
		}
	})
}

// TestTileWidths holds the rule to what the reference page says of it.
func TestTileWidths(t *testing.T) {
	for window, want := range map[orrery.Duration]orrery.Duration{
		orrery.Second: 10 * orrery.Millisecond, 11 * orrery.Second: 100 * orrery.Millisecond, 12 * orrery.Second: orrery.Second,
		3 * orrery.Minute: 15 * orrery.Second, orrery.Hour: 5 * orrery.Minute, 11 * orrery.Hour: 5 * orrery.Minute,
		12 * orrery.Hour: orrery.Hour, orrery.Day: orrery.Hour, 7 * orrery.Day: orrery.Hour, 12 * orrery.Day: orrery.Day, 30 * orrery.Day: orrery.Day,
	} {
		if got := widthFor(window, 0); got != want {
			t.Errorf("%v: tiles of %v, not %v", window.Std(), got.Std(), want.Std())
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		window, lag := orrery.Duration(rapid.Int64Range(1, int64(3650*orrery.Day)).Draw(t, "window")), orrery.Duration(rapid.Int64Range(0, int64(3650*orrery.Day)).Draw(t, "lag"))
		w := widthFor(window, lag)
		if w > 1 && 12*w > window && window+lag <= w/24*(maxTiles/2) {
			t.Fatalf("tiles of %v for %v and a lag of %v", w, window, lag)
		}
		if (window+lag)/w > maxTiles/2 {
			t.Fatalf("%d tiles", (window+lag)/w)
		}
	})
}

// TestDenseStaysSmall asks with 300,000 events of one key: the rows are never
// more than an eighth above those told apart, the tiles never more than there
// can be, and what an asker on time is told is the documented window: exact
// counts of (t − window rounded down to a tile, t].
func TestDenseStaysSmall(t *testing.T) {
	pay, _ := shop()
	const exact = 256
	set, err := Compile(pay, crowdAggregates(pay, "count", "max", "distinct", "decayed_count"), orrery.Day, exact)
	if err != nil {
		t.Fatal(err)
	}
	st, c, out := NewState(nil), &crowd{event: payment(pay, 1, 0, "p")}, make([]float64, len(set.aggregates))
	var times []int64
	most := int64(0)
	for range 300_000 {
		e := c.next()
		times = append(times, int64(e.Time))
		if err := set.Ask(st, e, out); err != nil {
			t.Fatal(err)
		}
		s := &st.all[0].series[0]
		if n := s.end(set.tables[0].stride) - s.first(); n > exact*9/8 {
			t.Fatalf("%d rows", n)
		}
		for i := 0; s.extra != nil && i < len(s.extra.levels); i++ {
			if n := len(s.extra.levels[i].list); n > maxTiles+2 {
				t.Fatalf("%d tiles", n)
			}
		}
		if c.n == 150_000 {
			most = st.Bytes()
		}
		if c.n%5_000 != 0 || c.n < 50_000 {
			continue
		}
		for i, span := range []orrery.Duration{orrery.Hour, orrery.Day, 30 * orrery.Day} {
			width := int64(widthFor(span, 0))
			from := (int64(e.Time) - int64(span)) / width * width
			want := 0
			for _, at := range times {
				if at > from && at <= int64(e.Time) {
					want++
				}
			}
			if int(out[i]) != want {
				t.Fatalf("event %d: %v in %v, not %d", c.n, out[i], span.Std(), want)
			}
		}
	}
	if st.Bytes() > 3*most {
		t.Errorf("%d bytes after 300,000 events, %d after half of them", st.Bytes(), most)
	}
}
