package serve

import (
	"time"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/store"
	"orrery.dev/vault"
)

// Result is what one submitted event came to.
type Result struct {
	// Event is the event as recorded, with its offset.
	Event orrery.Event
	// Decision is the recorded decision; nil when none was asked for.
	Decision *orrery.Decision
	// Repeated says that the event had been recorded before, and that this is
	// the answer it got then.
	Repeated bool
	// CommitMicros is the time from score to durable, 0 for a repeat.
	CommitMicros int64
	// Err is why this event was refused; the others of its batch stand.
	Err error
}

// job is one request on its way: sequenced as a whole, scored by the goroutine
// that submitted it or, where that is little work, at once by the sequencer, and
// committed in the order of sequencing.
type job struct {
	items    []item
	decide   bool
	imported bool
	decode   time.Duration
	// arrived is when the request's bytes had come; a deadline counts from then.
	arrived time.Time
	// submitted is when the job was handed to the sequencer, and decided when it was
	// scored.
	submitted, decided time.Time
	// looked is the offset through which the log had been searched for repeats
	// when the items' earlier fields were filled.
	looked  orrery.Offset
	runtime *runtime
	// last is the highest offset that the job was given, or that was given
	// before it.
	last orrery.Offset
	// flushed is what the job, once its turn to commit comes, lets the state
	// store have: it may not be ahead of the log.
	flushed *flushed
	records []store.Record
	entries []store.Entry
	// follow, which may be nil, makes the control that goes behind the job's one
	// event, if that is new; behind is its record.
	follow func(*orrery.Event) (*record.Control, error)
	behind []store.Record
	// asked are the decisions that people are asked about, act what somebody did
	// about one, by the control at actedAt.
	asked   []review.Item
	act     *review.Act
	actedAt orrery.Offset
	// emits are the events that its decisions call for.
	emits []emission
	// encoded is where records have their data.
	encoded []byte
	// aside is why the sequencer gave the job back once.
	aside aside
	// steps tells the goroutine that submitted the job what comes next. There is
	// room for all of them, so that nobody waits for a goroutine that has gone.
	steps chan step
	// scored is closed when that goroutine has scored the job; nil where it was
	// scored before the committer got it.
	scored chan struct{}
	// answered says that stepDone was sent.
	answered bool
	err      error
	// Most jobs are of one event.
	one        [1]item
	oneRecords [2]store.Record
	oneEntries [1]store.Entry
}

// step is what the goroutine that submitted a job is to do next.
type step int

const (
	// stepRead is to read state that is missing from memory, and to submit again.
	stepRead step = iota
	// stepScore is to score the job, which has its place in the log.
	stepScore
	// stepDone is to answer: the job is durable, or has an error.
	stepDone
)

// item is one event of a job.
type item struct {
	event    orrery.Event
	key      []byte
	decision orrery.Decision
	// earlier is the offset of the same event recorded before, 0 for a new one.
	earlier orrery.Offset
	// names is what a correction names, as the log had it when it was looked up.
	names   *standing
	refused error
	// subject seals what is personal of the event, and pseudonyms are all that
	// stand in it; nil for an event of a type without personal fields.
	subject    *vault.Subject
	pseudonyms []orrery.Pseudonym
}

func newJob(items int) *job {
	j := &job{steps: make(chan step, 3)}
	if items == len(j.one) {
		j.items, j.records, j.entries = j.one[:], j.oneRecords[:0], j.oneEntries[:0]
	} else {
		j.items = make([]item, items)
	}
	return j
}

// finish tells the submitter that the job is done.
func (j *job) finish(err error) {
	j.err, j.answered = err, true
	j.steps <- stepDone
}

// fresh reports whether the item is new and goes into the log.
func (it *item) fresh() bool { return it.earlier == 0 && it.refused == nil }

// identity is the key under which the log remembers an event: no event type
// has a zero byte in its name.
func identity(e *orrery.Event) []byte { return identityOf(e.Type.Name, e.ID) }

func identityOf(event, id string) []byte {
	key := make([]byte, 0, len(event)+1+len(id))
	key = append(key, event...)
	key = append(key, 0)
	return append(key, id...)
}

// internalJob makes a job that needs no scoring: records of the engine's own,
// or a piece of a checkpoint.
func internalJob(last orrery.Offset) *job {
	j := newJob(0)
	j.last = last
	return j
}

// async reports whether the job's replies may leave before they are durable. The
// engine's own jobs have no replies; nor may a verdict be lost.
func (j *job) async() bool { return j.follow == nil && j.runtime != nil && j.runtime.plan.Spec.Async }
