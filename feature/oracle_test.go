package feature

import (
	"math"
	"math/big"
	"slices"
	"sort"

	"orrery.dev"
)

// oracle answers aggregates from the list of all events, the slow and obvious
// way.
type oracle struct{ events []*orrery.Event }

// ask gives the aggregate for an asker at an instant about a key. asker is nil
// for one that is not in the log.
func (o *oracle) ask(a *Aggregate, at orrery.Instant, key string, asker *orrery.Event) float64 {
	var counted []*orrery.Event
	for _, e := range o.events {
		if asker != nil && e.Offset > asker.Offset {
			break
		}
		if e == asker && !a.Current || !o.matches(a, e, key) {
			continue
		}
		end := at.Add(-a.Lag)
		if e.Time <= end && (a.Window == 0 || e.Time > end.Add(-a.Window)) {
			counted = append(counted, e)
		}
	}
	sort.SliceStable(counted, func(i, j int) bool { return counted[i].Time < counted[j].Time })
	switch {
	case a.Kind == "count":
		return float64(len(counted))
	case a.Kind == "distinct":
		seen := map[orrery.Value]bool{}
		for _, e := range counted {
			seen[e.Values[a.Field]] = true
		}
		return float64(len(seen))
	case len(counted) == 0 && a.Kind == "sum":
		return 0
	case len(counted) == 0:
		return math.NaN()
	case a.Kind == "time_since_last":
		return float64(at-counted[len(counted)-1].Time) / 1e6
	}
	var values []orrery.Value
	for _, e := range counted {
		values = append(values, e.Values[a.Field])
	}
	return number(a.Kind, values, a.Event.Fields[a.Field])
}

func (o *oracle) matches(a *Aggregate, e *orrery.Event, key string) bool {
	by := orrery.Value{}
	if e.Type == a.Event {
		by = e.Values[a.By]
	}
	return !by.IsMissing() && by.Text() == key &&
		(a.Field < 0 || !e.Values[a.Field].IsMissing()) && (a.Where == nil || a.Where.Match(e))
}

// number aggregates one or more values, in order.
func number(kind string, values []orrery.Value, f orrery.Field) float64 {
	if kind == "last" {
		v := values[len(values)-1]
		if f.Type == orrery.Timestamp {
			return float64(v.Instant()) / 1e6
		}
		return v.Number(f.Scale)
	}
	if f.Type == orrery.Float {
		var x []float64
		for _, v := range values {
			x = append(x, v.Float())
		}
		return floats(kind, x)
	}
	var x []int64
	for _, v := range values {
		x = append(x, v.Units())
	}
	return integers(kind, x, math.Pow(10, float64(f.Scale)))
}

func integers(kind string, x []int64, unit float64) float64 {
	n := big.NewInt(int64(len(x)))
	sum, squares := new(big.Int), new(big.Int)
	for _, v := range x {
		b := big.NewInt(v)
		sum.Add(sum, b)
		squares.Add(squares, new(big.Int).Mul(b, b))
	}
	nearest := func(b *big.Int) float64 {
		f, _ := new(big.Rat).SetInt(b).Float64()
		return f
	}
	switch kind {
	case "sum":
		return nearest(sum) / unit
	case "mean":
		return nearest(sum) / (nearest(n) * unit)
	case "min":
		return float64(slices.Min(x)) / unit
	case "max":
		return float64(slices.Max(x)) / unit
	}
	if len(x) < 2 {
		return math.NaN()
	}
	above := new(big.Int).Sub(new(big.Int).Mul(n, squares), new(big.Int).Mul(sum, sum))
	below := new(big.Int).Mul(n, new(big.Int).Sub(n, big.NewInt(1)))
	return math.Sqrt(nearest(above)/nearest(below)) / unit
}

func floats(kind string, x []float64) float64 {
	var sum, mean, m2 float64
	for i, v := range x {
		sum += v
		d := v - mean
		mean += d / float64(i+1)
		m2 += float64(d * (v - mean))
	}
	answer := math.NaN()
	switch kind {
	case "sum":
		answer = sum
	case "mean":
		answer = sum / float64(len(x))
	case "min":
		answer = slices.Min(x)
	case "max":
		answer = slices.Max(x)
	case "stddev":
		if len(x) > 1 {
			answer = math.Sqrt(m2 / float64(len(x)-1))
		}
	}
	if math.IsInf(answer, 0) {
		return math.NaN()
	}
	return answer
}
