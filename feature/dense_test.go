package feature

import (
	"fmt"
	"testing"
	"time"

	"orrery.dev"
)

// crowdAggregates has each kind over an hour, a day and a month, or with such a
// half-life.
func crowdAggregates(pay *orrery.EventType, names ...string) (all []Aggregate) {
	for _, name := range names {
		k, _ := kindOf(name)
		for _, span := range []orrery.Duration{orrery.Hour, orrery.Day, 30 * orrery.Day} {
			a := Aggregate{Kind: name, Event: pay, Field: -1, By: 2, Key: 2, Window: span, Current: true, Quantile: 900_000, Distance: 12}
			if kinds[k].WithoutWindow {
				a.Window, a.HalfLife = 0, span
			}
			if kinds[k].Operand != eventOf {
				a.Field = pay.Field("amount")
			}
			if name == "distinct" || name == "top" || name == "repeats" {
				a.Field = pay.Field("id")
			}
			all = append(all, a)
		}
	}
	return all
}

// crowd makes the events of one key, ten a second; one in fifty comes up to an
// hour late.
type crowd struct {
	event *orrery.Event
	n     uint64
}

func (c *crowd) next() *orrery.Event {
	c.n++
	mixed := c.n * 0x9e3779b97f4a7c15
	e := c.event
	e.Offset = orrery.Offset(c.n)
	e.Time = orrery.Instant(1_522_540_800_000_000 + int64(c.n)*100_000)
	if mixed>>40%50 == 0 {
		e.Time -= orrery.Instant(mixed % uint64(orrery.Hour))
	}
	e.Values[0] = orrery.StringValue(shopIDs[mixed>>32%uint64(len(shopIDs))])
	e.Values[1] = orrery.TimestampValue(e.Time)
	e.Values[5] = orrery.DecimalValue(int64(mixed >> 30 % 100_000))
	return e
}

var shopIDs = func() (ids []string) {
	for i := range 5_000 {
		ids = append(ids, fmt.Sprint("id", i))
	}
	return ids
}()

// BenchmarkDense asks with each of ten million events of one key. It tells the
// cost of an event for keys with ten events each, for the first 10,000 and the
// last 10,000 of the ten million, and the bytes of state behind that key then.
func BenchmarkDense(b *testing.B) {
	const many, part = 10_000_000, 10_000
	pay, _ := shop()
	for _, group := range [][]string{
		{"count", "sum", "mean", "stddev", "variance"}, {"first", "last", "time_since_last"}, {"decayed_count", "decayed_sum"},
		{"min", "max"}, {"distinct"}, {"quantile"}, {"top"}, {"repeats"},
	} {
		b.Run(group[0], func(b *testing.B) {
			set := compile(b, pay, 30*orrery.Day, crowdAggregates(pay, group...)...)
			out := make([]float64, len(set.aggregates))
			for range b.N {
				var few, first, last time.Duration
				ask := func(st *State, c *crowd, n int) time.Duration {
					begin := time.Now()
					for range n {
						if err := set.Ask(st, c.next(), out); err != nil {
							b.Fatal(err)
						}
					}
					return time.Since(begin)
				}
				small := NewState(nil)
				for key := range part / 10 {
					c := &crowd{event: payment(pay, 1, 0, fmt.Sprint(key))}
					few += ask(small, c, 10)
				}
				st, c := NewState(nil), &crowd{event: payment(pay, 1, 0, "p")}
				first = ask(st, c, part)
				for range many - 2*part {
					if err := set.Apply(st, c.next()); err != nil {
						b.Fatal(err)
					}
				}
				ask(st, c, part) // the windows' sums as an asker keeps them
				last = ask(st, c, part)
				b.ReportMetric(float64(few.Nanoseconds())/part, "ns/event-of-10")
				b.ReportMetric(float64(first.Nanoseconds())/part, "ns/event-first")
				b.ReportMetric(float64(last.Nanoseconds())/part, "ns/event-last")
				b.ReportMetric(float64(st.Bytes()), "bytes")
				b.ReportMetric(float64(len(st.all[0].series[0].encode(set.tables[0], nil))), "bytes-encoded")
			}
		})
	}
}
