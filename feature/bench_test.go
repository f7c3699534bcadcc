package feature

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"orrery.dev"
)

// fraudContract is the event types of a card-fraud system.
func fraudContract() (transaction, report *orrery.EventType) {
	common := []orrery.Field{
		{Name: "id", Type: orrery.String},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "customer", Type: orrery.Entity, Entity: "customer"},
		{Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
	}
	transaction = &orrery.EventType{Name: "transaction", Index: 0, TimeField: 1,
		Fields: append(common[:4:4], orrery.Field{Name: "amount", Type: orrery.Decimal, Scale: 2})}
	report = &orrery.EventType{Name: "fraud_report", Index: 1, TimeField: 1,
		Fields: append(common[:4:4], orrery.Field{Name: "fraud", Type: orrery.Bool})}
	return transaction, report
}

// fraudAggregates are the windowed features of the example: four over three
// windows each, of which three ratios are made.
func fraudAggregates(transaction, report *orrery.EventType) []Aggregate {
	var all []Aggregate
	for _, days := range []orrery.Duration{1, 7, 30} {
		w := days * orrery.Day
		all = append(all,
			Aggregate{Kind: "count", Event: transaction, Field: -1, By: 2, Key: 2, Window: w, Current: true},
			Aggregate{Kind: "mean", Event: transaction, Field: 4, By: 2, Key: 2, Window: w, Current: true},
			Aggregate{Kind: "count", Event: transaction, Field: -1, By: 3, Key: 3, Window: w, Lag: 7 * orrery.Day, Current: true},
			Aggregate{Kind: "count", Event: report, Field: -1, By: 3, Key: 3, Window: w, Current: true})
	}
	return all
}

// stream makes events in time order at 9,600 a day, the rate of 5,000 customers
// over 10,000 terminals; one in a hundred is a report. Like a decoder, it writes
// into the same memory again and again.
type stream struct {
	transaction, report *orrery.EventType
	random              *rand.Rand
	at                  orrery.Instant
	offset              orrery.Offset
	events              [256]orrery.Event
	values              [256][5]orrery.Value
}

func newStream(transaction, report *orrery.EventType) *stream {
	return &stream{transaction: transaction, report: report, random: rand.New(rand.NewPCG(1, 2)), at: 1_522_540_800_000_000}
}

// next gives the next 256 events, valid until the next call.
func (s *stream) next() []orrery.Event {
	const gap = orrery.Day / 9600
	text := make([]byte, 0, 4096)
	key := func(letter byte, n int) orrery.Value {
		begin := len(text)
		text = strconv.AppendInt(append(text, letter), int64(n), 10)
		return orrery.EntityValue(unsafe.String(&text[begin], len(text)-begin))
	}
	for i := range s.events {
		s.at += orrery.Instant(s.random.Int64N(int64(2 * gap)))
		s.offset++
		v := &s.values[i]
		v[1] = orrery.TimestampValue(s.at)
		v[2], v[3] = key('c', s.random.IntN(5_000)), key('t', s.random.IntN(10_000))
		v[4] = orrery.DecimalValue(s.random.Int64N(20_000))
		s.events[i] = orrery.Event{Type: s.transaction, Time: s.at, Received: s.at, Offset: s.offset, Values: v[:]}
		if s.offset%100 == 0 {
			s.events[i].Type = s.report
			v[4] = orrery.BoolValue(true)
		}
	}
	return s.events[:]
}

// BenchmarkFraud replays four months of the example's stream. ns/event is the
// mean over all events of what the package took, cold start included; late is
// the same over the last month.
func BenchmarkFraud(b *testing.B) {
	transaction, report := fraudContract()
	set, err := Compile(transaction, fraudAggregates(transaction, report), 30*orrery.Day, DefaultExact)
	if err != nil {
		b.Fatal(err)
	}
	const n = 1_170_000
	out := make([]float64, len(set.aggregates))
	run := func(b *testing.B, prefetch int, each func(*State, *orrery.Event) error) {
		b.ReportAllocs()
		var total, late time.Duration
		for range b.N {
			st, events := NewState(nil), newStream(transaction, report)
			var pointers [256]*orrery.Event
			for i := range pointers {
				pointers[i] = &events.events[i]
			}
			for done := 0; done < n; done += 256 {
				events.next()
				begin := time.Now()
				for i, e := range pointers {
					if prefetch > 0 && i%prefetch == 0 {
						set.Prefetch(st, pointers[i:i+prefetch])
					}
					if err := each(st, e); err != nil {
						b.Fatal(err)
					}
				}
				d := time.Since(begin)
				total += d
				if done > n*3/4 {
					late += d
				}
			}
			b.ReportMetric(float64(st.Bytes())/1e6, "MB")
		}
		b.ReportMetric(float64(total.Nanoseconds())/float64(b.N)/n, "ns/event")
		b.ReportMetric(float64(late.Nanoseconds())/float64(b.N)/(n/4), "ns/event-late")
	}
	ask := func(st *State, e *orrery.Event) error {
		if e.Type != transaction {
			return set.Apply(st, e)
		}
		return set.Ask(st, e, out)
	}
	apply := func(st *State, e *orrery.Event) error { return set.Apply(st, e) }
	b.Run("ask", func(b *testing.B) { run(b, 0, ask) })
	b.Run("apply", func(b *testing.B) { run(b, 0, apply) })
	for _, n := range []int{16, 64} {
		b.Run(fmt.Sprint("ask-prefetched-", n), func(b *testing.B) { run(b, n, ask) })
		b.Run(fmt.Sprint("apply-prefetched-", n), func(b *testing.B) { run(b, n, apply) })
	}
}

// BenchmarkWide asks for 250 aggregates of one event: ten windows of each of
// 25 combinations of entity, kind and lag.
func BenchmarkWide(b *testing.B) {
	transaction, report := fraudContract()
	var all []Aggregate
	for days := range orrery.Duration(10) {
		for _, k := range []string{"count", "sum", "mean", "stddev", "time_since_last"} {
			for i := range 5 {
				a := Aggregate{Kind: k, Event: transaction, Field: -1, By: 2 + i%2, Key: 2 + i%2,
					Window: (days + 1) * orrery.Day, Lag: orrery.Duration(i/2) * orrery.Hour, Current: true}
				if k == "sum" || k == "mean" || k == "stddev" {
					a.Field = 4
				}
				all = append(all, a)
			}
		}
	}
	set, err := Compile(transaction, all, 30*orrery.Day, DefaultExact)
	if err != nil {
		b.Fatal(err)
	}
	st, out, events := NewState(nil), make([]float64, len(all)), newStream(transaction, report)
	for range 350_000 / 256 {
		batch := events.next()
		for i := range batch {
			if err := set.Apply(st, &batch[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	var total time.Duration
	asked := 0
	for asked < b.N {
		batch := events.next()
		begin := time.Now()
		for i := range batch {
			if batch[i].Type == transaction {
				asked++
				if err := set.Ask(st, &batch[i], out); err != nil {
					b.Fatal(err)
				}
			}
		}
		total += time.Since(begin)
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(asked), "ns/event")
}
