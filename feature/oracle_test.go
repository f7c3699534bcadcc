package feature

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/numeric"
	"orrery.dev/text/simhash"
)

// oracle answers aggregates from the list of all events, the slow and obvious
// way. exact is how many of the newest events of a key are told apart.
type oracle struct {
	events []*orrery.Event
	exact  int
	// lists has for each aggregate the events as they stand, where there are
	// corrections: in the order of the log, a corrected one where it was corrected.
	lists map[*Aggregate][]*orrery.Event
	keep  orrery.Duration
}

// view is what an aggregate looks at: the events that count for the key, by time
// and then offset, and those of them in the window, whose bounds are already
// where tiles begin and end if they lie before exactFrom.
type view struct {
	all, window        []*orrery.Event
	start, end         orrery.Instant
	exactFrom          orrery.Instant // of the oldest event that is told apart
	tiledStart, rolled bool           // the bounds that were moved
	at                 orrery.Instant
	skipped            *orrery.Event // the asker where it does not count
}

func (o *oracle) view(a *Aggregate, at orrery.Instant, key string, asker *orrery.Event) *view {
	v := &view{at: at, end: at.Add(-a.Lag), start: math.MinInt64, exactFrom: math.MinInt64}
	events := o.events
	if o.lists != nil {
		events = o.lists[a]
	}
	for _, e := range events {
		if asker != nil && e.Offset > asker.Offset {
			break
		}
		if o.matches(a, e, key) {
			v.all = append(v.all, e)
		}
		if e == asker && !a.Current && a.Lag == 0 {
			v.skipped = e
		}
	}
	sort.SliceStable(v.all, func(i, j int) bool { return v.all[i].Time < v.all[j].Time })
	if n := len(v.all) - o.exact; n >= 0 {
		v.exactFrom = v.all[n].Time
	}
	width := int64(o.widthOf(a))
	if a.Window > 0 {
		if v.start = v.end.Add(-a.Window); v.start < v.exactFrom {
			v.tiledStart = true
			v.start = orrery.Instant(below(int64(v.start), width) * width)
		}
	}
	if v.end < v.exactFrom {
		v.rolled = true
		if end := int64(v.end); v.skipped != nil && slices.Contains(v.all, v.skipped) {
			v.end = orrery.Instant(below(end-1, width) * width)
		} else {
			v.end = orrery.Instant(below(end, width) * width)
		}
	}
	for _, e := range v.all {
		if e != v.skipped && e.Time <= v.end && (e.Time > v.start || v.start == math.MinInt64) {
			v.window = append(v.window, e)
		}
	}
	return v
}

// widthOf gives the width of the aggregate's tiles, by the rule as it is
// documented.
func (o *oracle) widthOf(a *Aggregate) orrery.Duration {
	if a.HalfLife > 0 {
		return a.HalfLife
	}
	window := a.Window
	if window == 0 {
		window = o.keep + a.Lag
	}
	best := orrery.Duration(1)
	for _, w := range []orrery.Duration{10, 100, 1e3, 1e4, 1e5, 1e6, 15e6, 300e6, 3600e6, 86400e6} {
		if w*12 <= window {
			best = w
		}
	}
	return best
}

func below(a, b int64) int64 {
	q := new(big.Int)
	q.Div(big.NewInt(a), big.NewInt(b)) // Euclid's, which is the floor for b > 0
	return q.Int64()
}

// newest gives those of the window that are among the newest that are told apart.
func (o *oracle) newest(v *view) (out []*orrery.Event) {
	for _, e := range v.window {
		if slices.Contains(v.all[max(len(v.all)-o.exact, 0):], e) {
			out = append(out, e)
		}
	}
	return out
}

// ask gives the aggregate for an asker at an instant about a key. asker is nil
// for one that is not in the log.
func (o *oracle) ask(a *Aggregate, at orrery.Instant, key string, asker *orrery.Event) float64 {
	v := o.view(a, at, key, asker)
	switch a.Kind {
	case "count":
		return float64(len(v.window))
	case "distinct":
		return o.distinct(a, v)
	case "decayed_count", "decayed_sum":
		return o.decayed(a, v)
	case "last", "time_since_last", "top", "repeats":
		if v.window = o.newest(v); v.rolled {
			v.window = nil
		}
	}
	if a.Kind == "repeats" {
		return repeats(a, v, asker)
	}
	if len(v.window) == 0 {
		if a.Kind == "sum" {
			return 0
		}
		return math.NaN()
	}
	if a.Kind == "time_since_last" {
		return float64(at-v.window[len(v.window)-1].Time) / 1e6
	}
	var values []orrery.Value
	for _, e := range v.window {
		values = append(values, e.Values[a.Field])
	}
	f := a.Event.Fields[a.Field]
	switch a.Kind {
	case "first":
		return single(values[0], f)
	case "last":
		if a.Rank >= len(values) {
			return math.NaN()
		}
		return single(values[len(values)-1-a.Rank], f)
	case "top":
		return top(a, values, f)
	case "quantile":
		return quantile(a, values, f, v.tiledStart)
	}
	return number(a.Kind, values, f)
}

// repeats counts the texts of the window that differ from the asker's in few bits
// of their hashes.
func repeats(a *Aggregate, v *view, asker *orrery.Event) float64 {
	if asker == nil || asker.Values[a.Field].IsMissing() || v.rolled {
		return math.NaN()
	}
	n := 0
	for _, e := range v.window {
		if bits.OnesCount64(hashed(e.Values[a.Field])^hashed(asker.Values[a.Field])) <= a.Distance {
			n++
		}
	}
	return float64(n)
}

// hashed has an oracle of its own, in package simhash.
func hashed(v orrery.Value) uint64 {
	hash, _ := simhash.Sum(v.Text(), nil)
	return hash
}

func (o *oracle) matches(a *Aggregate, e *orrery.Event, key string) bool {
	by := orrery.Value{}
	if e.Type == a.Event {
		by = e.Values[a.By]
	}
	return !by.IsMissing() && by.Text() == key &&
		(a.Field < 0 || !e.Values[a.Field].IsMissing()) && (a.Where == nil || a.Where.Match(e))
}

// distinct counts different values, exactly where the documentation says so.
func (o *oracle) distinct(a *Aggregate, v *view) float64 {
	seen, ever := map[orrery.Value]bool{}, map[orrery.Value]bool{}
	for _, e := range v.window {
		seen[e.Values[a.Field]] = true
	}
	for _, e := range v.all {
		ever[e.Values[a.Field]] = true
	}
	if len(seen) == 0 || !v.tiledStart && !v.rolled && (a.Window > 0 || len(ever) <= o.exact) {
		return float64(len(seen))
	}
	var registers [2048]int
	for x := range seen {
		hash := hashOf(x)
		rank := 1
		for bit := 52; bit >= 0 && hash>>bit&1 == 0; bit-- {
			rank++
		}
		registers[hash>>53] = max(registers[hash>>53], rank)
	}
	return slowEstimate(registers[:])
}

func hashOf(x orrery.Value) uint64 {
	if x.Type() == orrery.String || x.Type() == orrery.Entity {
		return xxhash.Sum64String(x.Text())
	}
	return xxhash.Sum64(binary.LittleEndian.AppendUint64(nil, uint64(x.Units())))
}

// slowEstimate is Ertl's improved estimator as the paper writes it, with sums
// instead of recurrences (arXiv 1702.01284, formulas 23 to 26).
func slowEstimate(registers []int) float64 {
	m, q := float64(len(registers)), 53
	count := make([]float64, q+2)
	for _, r := range registers {
		count[r]++
	}
	if count[0] == m {
		return 0
	}
	sigma, x := count[0]/m, count[0]/m
	for k := 1; k < 60; k++ {
		sigma += math.Pow(x, math.Pow(2, float64(k))) * math.Pow(2, float64(k-1))
	}
	x = 1 - count[q+1]/m
	tau := 1 - x
	for k := 1; k < 60; k++ {
		tau -= math.Pow(1-math.Pow(x, math.Pow(2, float64(-k))), 2) * math.Pow(2, float64(-k))
	}
	sum := m*sigma + m*tau/3*math.Pow(2, float64(-q))
	for k := 1; k <= q; k++ {
		sum += count[k] * math.Pow(2, float64(-k))
	}
	return math.Round(m * m / (2 * math.Ln2 * sum))
}

// decayed adds up by half-lives, as the documentation says: each event's weight
// at the end of its half-life is rounded to a whole number of 2^-52.
func (o *oracle) decayed(a *Aggregate, v *view) float64 {
	end := int64(v.at.Add(-a.Lag))
	half := int64(a.HalfLife)
	last := -below(-int64(v.end), half) - 1
	sums := make([]*big.Rat, 64)
	plain := 0.0
	for _, e := range v.window {
		index := -below(-int64(e.Time), half) - 1
		if last-index >= 64 {
			continue
		}
		age := float64((index+1)*half-int64(e.Time)) / float64(half)
		weight := new(big.Rat).SetInt64(int64(float64(numeric.Exp(-math.Ln2*age)*(1<<52)) + 0.5))
		x := new(big.Rat).SetInt64(1)
		if a.Kind == "decayed_sum" {
			if f := a.Event.Fields[a.Field]; f.Type == orrery.Float {
				x.SetFloat64(e.Values[a.Field].Float())
			} else {
				x.SetInt64(e.Values[a.Field].Units())
			}
		}
		f, _ := x.Float64()
		plain += math.Abs(f) * math.Exp2(-float64(end-int64(e.Time))/float64(half))
		if sums[last-index] == nil {
			sums[last-index] = new(big.Rat)
		}
		sums[last-index].Add(sums[last-index], weight.Mul(weight, x))
	}
	total := 0.0
	for i, s := range sums {
		if s != nil {
			f, _ := s.Float64()
			total += f * math.Pow(2, float64(-i))
		}
	}
	unit := 1.0
	if a.Field >= 0 {
		unit = math.Pow(10, float64(a.Event.Fields[a.Field].Scale))
	}
	ahead := float64((last+1)*half-end) / float64(half)
	answer := float64(total*numeric.Exp(math.Ln2*ahead)) / ((1 << 52) * unit)
	if math.IsInf(answer, 0) {
		return math.NaN()
	}
	// The documented error against the sum as it is defined, of which an oracle
	// without signs and cancellation is an upper bound.
	if a.Kind == "decayed_count" && math.Abs(answer-plain) > 1e-14*math.Abs(plain)*float64(max(len(v.window), 4)) {
		panic("decayed count outside its documented error")
	}
	return answer
}

// single gives one value as a feature.
func single(v orrery.Value, f orrery.Field) float64 {
	switch f.Type {
	case orrery.Timestamp:
		return float64(v.Instant()) / 1e6
	case orrery.String, orrery.Entity:
		return orrery.CategoryOf(v.Text())
	}
	return v.Number(f.Scale)
}

func top(a *Aggregate, values []orrery.Value, f orrery.Field) float64 {
	count, latest := map[orrery.Value]int{}, map[orrery.Value]int{}
	for i, v := range values {
		count[v]++
		latest[v] = i
	}
	var order []orrery.Value
	for v := range count {
		order = append(order, v)
	}
	sort.Slice(order, func(i, j int) bool {
		if count[order[i]] != count[order[j]] {
			return count[order[i]] > count[order[j]]
		}
		return latest[order[i]] > latest[order[j]]
	})
	switch {
	case a.Rank >= len(order):
		return math.NaN()
	case a.Share:
		return float64(count[order[a.Rank]]) / float64(len(values))
	}
	return single(order[a.Rank], f)
}

func quantile(a *Aggregate, values []orrery.Value, f orrery.Field, tiled bool) float64 {
	unit := math.Pow(10, float64(f.Scale))
	var x []float64
	var units []int64
	for _, v := range values {
		if f.Type == orrery.Float {
			x = append(x, v.Float())
		} else {
			x = append(x, float64(v.Units()))
			units = append(units, v.Units())
		}
	}
	sort.Float64s(x)
	slices.Sort(units)
	rank := -below(-int64(len(x))*int64(a.Quantile), 1_000_000)
	v := x[max(rank, 1)-1]
	if !tiled {
		return v / unit
	}
	return middleOf(v) / unit
}

// middleOf rounds a number to the middle of its bucket: its first seven binary
// digits, and half a digit more.
func middleOf(v float64) float64 {
	if math.Abs(v) < 0x1p-1022 {
		return 0
	}
	fraction, exp := math.Frexp(math.Abs(v))
	return math.Copysign(math.Ldexp(math.Floor(fraction*128)+0.5, exp-7), v)
}

// number aggregates one or more values.
func number(kind string, values []orrery.Value, f orrery.Field) float64 {
	unit := math.Pow(10, float64(f.Scale))
	sum, squares := new(big.Rat), new(big.Rat)
	var least, greatest float64
	for i, v := range values {
		x, size := new(big.Rat), 0.0
		if f.Type == orrery.Float {
			x.SetFloat64(v.Float())
			size = v.Float()
		} else {
			x.SetInt64(v.Units())
			size = float64(v.Units()) / unit
		}
		sum.Add(sum, x)
		squares.Add(squares, new(big.Rat).Mul(x, x))
		if i == 0 || size < least {
			least = size
		}
		if i == 0 || size > greatest {
			greatest = size
		}
	}
	n := float64(len(values))
	answer := math.NaN()
	switch kind {
	case "min":
		return least
	case "max":
		return greatest
	case "sum":
		answer, _ = sum.Float64()
		answer /= unit
	case "mean":
		answer, _ = sum.Float64()
		answer /= n * unit
	case "variance", "stddev":
		if len(values) < 2 {
			return answer
		}
		above := new(big.Rat).Mul(big.NewRat(int64(len(values)), 1), squares)
		above.Sub(above, sum.Mul(sum, sum))
		answer, _ = above.Float64()
		answer /= n * (n - 1)
		if kind == "variance" {
			answer /= unit * unit
		} else {
			answer = math.Sqrt(answer) / unit
		}
	}
	if math.IsInf(answer, 0) {
		return math.NaN()
	}
	return answer
}
