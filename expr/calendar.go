package expr

import (
	"math"
	"time"

	"orrery.dev"
)

// noMicros is a missing timestamp or duration.
const noMicros = math.MinInt64

// The instants that exist, the years 1 to 9999 as in CEL, and the longest
// duration. Two of these never overflow when added.
const (
	minMicros = -62135596800 * int64(orrery.Second)
	maxMicros = 253402300800*int64(orrery.Second) - 1
	maxSpan   = 10000 * 365 * int64(orrery.Day)
)

func inYears(t int64) int64 {
	if t < minMicros || t > maxMicros {
		return noMicros
	}
	return t
}

func inSpan(d int64) int64 {
	if d < -maxSpan || d > maxSpan {
		return noMicros
	}
	return d
}

// shift adds b, or takes it away; within checks the result.
func shift(sign int64, within func(int64) int64, args []code) code {
	a, b := args[0].micros, args[1].micros
	return code{micros: func(in *Input) int64 {
		x, y := a(in), b(in)
		if x == noMicros || y == noMicros {
			return noMicros
		}
		return within(x + sign*y)
	}}
}

func negateMicros(a code) code {
	f := a.micros
	return code{micros: func(in *Input) int64 { return -f(in) }} // -noMicros is noMicros
}

// part reads a part of an instant given as local microseconds: since 1970-01-01
// 00:00 on the clock of its zone.
type part func(local int64) float64

var timestampParts = []struct {
	name string
	part part
}{
	{"getFullYear", func(t int64) float64 { return float64(date(t).Year()) }},
	{"getMonth", func(t int64) float64 { return float64(date(t).Month() - 1) }},
	{"getDate", func(t int64) float64 { return float64(date(t).Day()) }},
	{"getDayOfMonth", func(t int64) float64 { return float64(date(t).Day() - 1) }},
	{"getDayOfYear", func(t int64) float64 { return float64(date(t).YearDay() - 1) }},
	{"getDayOfWeek", dayOfWeek},
	{"getHours", hours},
	{"getMinutes", func(t int64) float64 { return within24h(t, uint64(orrery.Minute), 60) }},
	{"getSeconds", func(t int64) float64 { return within24h(t, uint64(orrery.Second), 60) }},
	{"getMilliseconds", func(t int64) float64 { return within24h(t, uint64(orrery.Millisecond), 1000) }},
}

func date(local int64) time.Time { return time.UnixMicro(local).UTC() }

// day and hour as untyped constants let the compiler divide by multiplying.
const (
	day  = int64(orrery.Day)
	hour = int64(orrery.Hour)
)

// bias makes local microseconds positive without changing the day of the week:
// whole weeks, a few days more than the years 1 to 1970 have.
const bias = 719180 * day

// ofDay gives the microseconds since local midnight.
func ofDay(local int64) uint64 { return uint64(local+bias) % uint64(day) }

func hours(local int64) float64 { return float64(int64(ofDay(local) / uint64(hour))) }

func within24h(local int64, unit, count uint64) float64 {
	return float64(int64(ofDay(local) / unit % count))
}

// dayOfWeek counts from Sunday; 1970-01-01 was a Thursday.
func dayOfWeek(local int64) float64 {
	return float64(int64((uint64(local+bias)/uint64(day) + 4) % 7))
}

// readPart reads a part of a timestamp in a zone. The two parts that specs ask
// for most are written out where the clocks never change, for speed.
func readPart(z *zone, name string, of part, a code) code {
	at, ahead := a.micros, z.ahead
	switch {
	case z.fixed && name == "getHours":
		return code{number: func(in *Input) float64 {
			if t := at(in); t != noMicros {
				return hours(t + ahead)
			}
			return math.NaN()
		}}
	case z.fixed && name == "getDayOfWeek":
		return code{number: func(in *Input) float64 {
			if t := at(in); t != noMicros {
				return dayOfWeek(t + ahead)
			}
			return math.NaN()
		}}
	case z.fixed:
		return code{number: func(in *Input) float64 {
			if t := at(in); t != noMicros {
				return of(t + ahead)
			}
			return math.NaN()
		}}
	}
	return code{number: func(in *Input) float64 {
		if t := at(in); t != noMicros {
			return of(t + z.aheadAt(t))
		}
		return math.NaN()
	}}
}

var durationParts = []struct {
	name string
	unit int64
}{
	{"getHours", int64(orrery.Hour)},
	{"getMinutes", int64(orrery.Minute)},
	{"getSeconds", int64(orrery.Second)},
	{"getMilliseconds", int64(orrery.Millisecond)},
}

// countUnits gives how many whole units a duration has, cut towards zero.
func countUnits(unit int64, a code) code {
	f := a.micros
	return code{number: func(in *Input) float64 {
		if d := f(in); d != noMicros {
			return float64(d / unit)
		}
		return math.NaN()
	}}
}
