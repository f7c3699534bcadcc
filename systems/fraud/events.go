package fraud

import (
	"iter"
	"math"
	"time"

	"orrery.dev"
)

// Transactions yields those from one instant up to, not including, another, in
// time order, ids ascending. It can go beyond the history, not before it.
func (w *World) Transactions(from, to orrery.Instant) iter.Seq[Transaction] {
	return func(yield func(Transaction) bool) {
		k := w.walk(w.dayOf(from))
		for w.start(k.day) < to {
			for _, t := range k.next() {
				if t.At >= to {
					return
				}
				if t.At >= from && !yield(t) {
					return
				}
			}
		}
	}
}

// Events yields the transactions and the reports from one instant up to, not
// including, another, in time order. Reports come before the transactions of
// the same instant: what is known at an instant is known to a decision at it.
func (w *World) Events(from, to orrery.Instant) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		var due []Transaction
		report := func(until orrery.Instant) bool {
			for len(due) > 0 && due[0].At.Add(ReportDelay) < until {
				e := reportOf(due[0])
				due = due[1:]
				if e.At >= from && !yield(e) {
					return false
				}
			}
			return true
		}
		// What is reported from `from` on was bought as much earlier.
		for t := range w.Transactions(from.Add(-ReportDelay), to) {
			if !report(t.At + 1) {
				return
			}
			if t.At >= from && !yield(Event{Type: TransactionType, At: t.At, Transaction: t}) {
				return
			}
			if t.Fraud() {
				due = append(due, t)
			}
		}
		report(to)
	}
}

func reportOf(t Transaction) Event {
	return Event{Type: ReportType, At: t.At.Add(ReportDelay), Transaction: t}
}

// Live yields the events of the world from an instant on, without end, each
// with how long after the beginning it is due when the world runs at the given
// speed: at speed 60, an hour of the world takes a minute. The caller waits;
// Live reads no clock.
//
// The events keep the world's time. Above speed 1 that runs ahead of the
// caller's clock; a caller that wants the events to happen as they are sent
// restamps them, and then its customers spend as much faster: counts over a
// window grow with the speed. The error is of kind Invalid, for a speed that
// is not above 0.
func (w *World) Live(from orrery.Instant, speed float64) (iter.Seq2[time.Duration, Event], error) {
	if !(speed > 0) || math.IsInf(speed, 0) {
		return nil, orrery.Errorf(orrery.Invalid, "sample_speed", "the world cannot run at speed %v", speed).
			WithField("speed").WithNext("give a number above 0; 1 is real time")
	}
	return func(yield func(time.Duration, Event) bool) {
		for e := range w.Events(from, math.MaxInt64) {
			due := float64(e.At-from) * 1000 / speed
			if due >= math.MaxInt64 || !yield(time.Duration(due), e) {
				return
			}
		}
	}, nil
}
