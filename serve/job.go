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
// that submitted it, and committed in the order of sequencing.
type job struct {
	items    []item
	decide   bool
	imported bool
	decode   time.Duration
	// arrived is when the request's bytes had come; a deadline counts from then.
	arrived time.Time
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
	// aside is why the sequencer gave the job back once.
	aside     aside
	sequenced chan struct{}
	scored    chan struct{}
	done      chan struct{}
	err       error
}

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
	return &job{items: make([]item, items), sequenced: make(chan struct{}), scored: make(chan struct{}), done: make(chan struct{}),
		aside: aside{ready: make(chan struct{}, 1)}}
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
	close(j.sequenced)
	close(j.scored)
	return j
}

// async reports whether the job's replies may leave before they are durable. The
// engine's own jobs have no replies; nor may a verdict be lost.
func (j *job) async() bool { return j.follow == nil && j.runtime != nil && j.runtime.plan.Spec.Async }

// answered reports whether they have left.
func (j *job) answered() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}
