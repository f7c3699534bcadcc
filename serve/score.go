package serve

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/store"
)

// maxAbandoned bounds the scorers that run on past their deadline. While so many
// do, the model is taken to be stuck, and no more are begun.
const maxAbandoned = 64

// score decides on the fresh items and encodes the records of the job.
func (e *Engine) score(j *job) {
	defer e.scoringFailed()
	micros := orrery.StageMicros{Decode: j.decode.Microseconds(), Sequence: time.Since(j.submitted).Microseconds()}
	defer func() { j.decided = time.Now() }()
	if j.decide {
		e.decide(j)
	}
	j.encoded = roomToEncode(len(j.items))
	for i := range j.items {
		it := &j.items[i]
		if !it.fresh() {
			continue
		}
		j.records = append(j.records, store.Record{Offset: it.event.Offset, Kind: store.EventRecord,
			Data: j.encode(it.appendEvent)})
		j.entries = append(j.entries, store.Entry{Key: it.key, Offset: it.event.Offset})
		if it.event.Corrected != nil {
			j.entries = append(j.entries, store.Entry{Key: correctionKey(named(&it.event)), Offset: it.event.Offset})
		}
		if !j.decide {
			continue
		}
		micros.Score = it.decision.Micros.Score
		it.decision.Micros = micros
		j.records = append(j.records, store.Record{Offset: it.event.Offset, Kind: store.DecisionRecord,
			Data: j.encode(it.appendDecision)})
	}
	j.records = append(j.records, j.behind...)
	e.ask(j)
	e.emit(j)
}

// recordsSize is room for the records of most events and their decisions.
const recordsSize = 512

// encodings are pieces of memory for the records of one event and of the decision on
// it, which are needed until the log has taken them.
var encodings = sync.Pool{New: func() any { return new([recordsSize]byte) }}

// roomToEncode gives empty memory for the records of so many events.
func roomToEncode(items int) []byte {
	if items == 1 {
		return encodings.Get().(*[recordsSize]byte)[:0]
	}
	return make([]byte, 0, items*recordsSize)
}

// recorded gives back where the job's records were encoded: the log has copied them.
func (j *job) recorded() {
	if cap(j.encoded) == recordsSize && len(j.items) == 1 {
		encodings.Put((*[recordsSize]byte)(j.encoded[:recordsSize]))
	}
	j.encoded, j.records = nil, nil
}

// encode appends a record to what the job has encoded, and gives it.
func (j *job) encode(record func(b []byte, contract orrery.Fingerprint) []byte) []byte {
	from := len(j.encoded)
	j.encoded = record(j.encoded, j.runtime.fingerprint)
	return j.encoded[from:len(j.encoded):len(j.encoded)]
}

func (it *item) appendEvent(b []byte, contract orrery.Fingerprint) []byte {
	if it.subject != nil {
		return record.AppendSealedEvent(b, contract, &it.event, it.subject)
	}
	return record.AppendEvent(b, contract, &it.event)
}

func (it *item) appendDecision(b []byte, contract orrery.Fingerprint) []byte {
	if it.subject != nil {
		return record.AppendSealedDecision(b, contract, it.event.Received, &it.decision, it.subject)
	}
	return record.AppendDecision(b, contract, it.event.Received, &it.decision)
}

// scoringFailed stops the engine after a fault that no fallback could answer: it
// must not leave the committer waiting.
func (e *Engine) scoringFailed() {
	if fault := recover(); fault != nil {
		e.fail(fmt.Errorf("scoring: %v", fault))
	}
}

// decide decides on the fresh items of a job: with a deadline, only while there
// is time. The rest is answered by the fallback.
func (e *Engine) decide(j *job) {
	within := j.runtime.plan.Spec.Answer.Deadline
	if within == 0 {
		ahead := nothingAhead
		if j.runtime.plan.Encodes() {
			ahead = j.runtime.ahead(j.items, func(i int) *orrery.Decision { return &j.items[i].decision })
		}
		for i := range j.items {
			if it := &j.items[i]; it.fresh() {
				e.decideOn(j.runtime, &it.event, &it.decision, ahead(i))
			}
		}
		return
	}
	decided := 0
	if left := time.Until(j.arrived.Add(within.Std())); left > 0 && e.abandoned.Load() < maxAbandoned {
		decided = e.decideWithin(j, left)
	}
	for i := decided; i < len(j.items); i++ {
		it := &j.items[i]
		if !it.fresh() {
			continue
		}
		if it.decision.Fallback == "" {
			it.decision.Fallback = plan.FallbackDeadline
		}
		e.decideOn(j.runtime, &it.event, &it.decision, nil)
	}
}

// The states of a scorer that has a deadline.
const (
	scorerRuns int32 = iota
	scorerEnded
	scorerAbandoned
)

// decideWithin decides on items in order until the time is up, and gives how
// many it came to. A scorer that is then still at work is abandoned: it ends
// after the item at hand, whose copy nobody looks at.
func (e *Engine) decideWithin(j *job, left time.Duration) int {
	copies := make([]orrery.Decision, len(j.items))
	for i := range j.items {
		copies[i] = j.items[i].decision
		copies[i].Vector = slices.Clone(copies[i].Vector)
	}
	var complete atomic.Int64
	var state atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer e.scoringFailed()
		ahead := nothingAhead
		if j.runtime.plan.Encodes() {
			ahead = j.runtime.ahead(j.items, func(i int) *orrery.Decision { return &copies[i] })
		}
		for i := range copies {
			if it := &j.items[i]; it.fresh() {
				e.decideOn(j.runtime, &it.event, &copies[i], ahead(i))
			}
			complete.Add(1)
			if state.Load() == scorerAbandoned {
				break
			}
		}
		if !state.CompareAndSwap(scorerRuns, scorerEnded) {
			e.abandoned.Add(-1)
		}
	}()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		if state.CompareAndSwap(scorerRuns, scorerAbandoned) {
			e.abandoned.Add(1)
		}
	}
	n := int(complete.Load())
	for i := range n {
		j.items[i].decision = copies[i]
	}
	return n
}

// aheadBlock is how many texts of a job are encoded together, at most. What has been
// decided before a deadline counts, so it is not the whole of a large one.
const aheadBlock = 32

// nothingAhead leaves the encoding of a text to the decision on it.
func nothingAhead(int) []float64 { return nil }

// ahead gives a function that gives for each item, asked in order, what the model's
// encoder makes of its text; nil where there is nothing to encode. It encodes the
// texts of the next items together.
func (rt *runtime) ahead(items []item, decision func(i int) *orrery.Decision) func(i int) []float64 {
	if len(items) == 1 {
		return nothingAhead
	}
	encoded, end := make([][]float64, len(items)), 0
	return func(i int) []float64 {
		if i >= end {
			var events []*orrery.Event
			var decisions []*orrery.Decision
			var of []int
			for end = i; end < len(items) && len(of) < aheadBlock; end++ {
				if items[end].fresh() {
					events, decisions, of = append(events, &items[end].event), append(decisions, decision(end)), append(of, end)
				}
			}
			s := rt.scratch.Get().(*plan.Scratch)
			for k, row := range rt.plan.Encode(events, decisions, s) {
				encoded[of[k]] = row
			}
			rt.scratch.Put(s)
		}
		return encoded[i]
	}
}

// decideOn decides on one event, whose text may have been encoded. A model that
// fails is answered for by the fallback; what fails without the model panics.
func (e *Engine) decideOn(rt *runtime, event *orrery.Event, d *orrery.Decision, encoded []float64) {
	begun := time.Now()
	fault, panicked := rt.try(event, d, encoded)
	if panicked && d.Fallback != "" {
		panic(fault)
	}
	if fault != nil {
		e.options.Logger.Error("the model failed, and the fallback answered", "offset", event.Offset, "release", rt.plan.Release, "fault", fault)
	}
	if panicked {
		d.Fallback = plan.FallbackFault
		rt.plan.Decide(event, rt.plan.NewScratch(), d)
	}
	d.Micros.Score = time.Since(begun).Microseconds()
}

// try decides, and gives what the model failed with: an error of its encoder, which
// the decision has a fallback for, or what it panicked with. Scratch memory that a
// panic left is not used again.
func (rt *runtime) try(event *orrery.Event, d *orrery.Decision, encoded []float64) (fault any, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			fault, panicked = p, true
		}
	}()
	s := rt.scratch.Get().(*plan.Scratch)
	rt.plan.DecideEncoded(event, s, d, encoded)
	if err := s.Fault(); err != nil {
		fault = err
	}
	rt.scratch.Put(s)
	return fault, false
}
