// Package serve is the live driver: it takes events from the network through
// the plan, one request at a time, durably. Requests are decoded and scored in
// parallel; between, one goroutine sequences them, so that the order of the log
// is the order in which they were applied; after, one goroutine commits them in
// that order, with one sync for all who wait.
package serve

import (
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// AheadTolerance is how far in the future of this machine's clock an event may
// say that it happened. Beyond it the sender's clock is taken to be wrong.
const AheadTolerance = orrery.Day

// Options says how to run a system.
type Options struct {
	Registry *spec.Registry
	// Clock gives the time at which events are received; nil is the machine's.
	Clock func() orrery.Instant
	// Logger is for what an operator should know; nil discards.
	Logger *slog.Logger
	// CheckpointEvery is how often feature state is written out; 0 is 5 s.
	CheckpointEvery time.Duration
	// StateBytes is about how much memory feature state may take; the rest is on
	// disk, and read when it is asked for. 0 is 512 MiB.
	StateBytes int64
	// Observer, which may be nil, is told what the engine does.
	Observer Observer
	// RetainEvery is how often the log is looked at for what is no longer kept; 0
	// is a minute.
	RetainEvery time.Duration
	// Whole makes the model of a spec that is complete in its files, for a start with
	// a spec that has no release yet; it is given no rows. nil leaves that to Learn.
	Whole replay.Trainer
	// Progress, which may be nil, hears how far the recovery at start has come.
	Progress func(done, total int64)
}

// StateShare gives how much of a process's memory feature state may take: what
// is counted of it is about half of what it costs.
func StateShare(bytes int64) int64 { return bytes / 8 }

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = func() orrery.Instant { return orrery.InstantOf(time.Now()) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = 5 * time.Second
	}
	if o.StateBytes == 0 {
		o.StateBytes = 512 << 20
	}
	if o.RetainEvery == 0 {
		o.RetainEvery = time.Minute
	}
	return o
}

// Engine runs one system on one store.
type Engine struct {
	options   Options
	store     store.Store
	contracts *contracts
	reader    *Reader
	releases  *releases
	reviews   *reviews
	emissions *emissions

	jobs     chan *job
	commands chan func()
	queue    chan *job
	// committed is the highest offset known to be durable.
	committed atomic.Uint64
	// syncs counts the batches that were made durable.
	syncs atomic.Int64
	// forgotten is the instant behind every event that was cut off the log.
	forgotten atomic.Int64
	// current is the release in force, written by the sequencer alone.
	current atomic.Pointer[runtime]

	// few says that there are few processors.
	few bool
	// abandoned counts the scorers that run on past their deadline.
	abandoned atomic.Int64

	// What follows belongs to the sequencer's goroutine.
	state   *plan.State
	repeats *recent[orrery.Offset]
	// standings has events that can be corrected, as they stand.
	standings *recent[*standing]
	last      orrery.Offset
	received  orrery.Instant
	// watermark is the latest event time in the log.
	watermark orrery.Instant
	// ahead is working memory for bringNear.
	ahead      []*orrery.Event
	checkpoint *checkpoint
	// writing says that a piece of a checkpoint is on its way to the state store.
	writing bool
	// rested fires when the next piece may follow.
	rested *time.Timer

	// imports guards the positions of imports.
	imports sync.Mutex

	flush chan flushed
	// written has a token when the piece on its way has been written.
	written chan struct{}
	marks   *marks
	// stateBytes is what the sequencer saw last.
	stateBytes atomic.Int64
	stopping   chan struct{}
	stopOnce   sync.Once
	running    sync.WaitGroup
	failure    atomic.Pointer[error]
	failed     chan struct{}
	// over is closed when nothing more will be sequenced or committed: at the end,
	// or after a failure.
	over     chan struct{}
	overOnce sync.Once
}

// runtime is a release in force: its plan, the fingerprint of its contract, and
// the scratch memory for it.
type runtime struct {
	plan        *plan.Plan
	fingerprint orrery.Fingerprint
	// correctable has for each event type whether another corrects it.
	correctable []bool
	scratch     sync.Pool
}

func newRuntime(p *plan.Plan) *runtime {
	r := &runtime{plan: p, fingerprint: p.Spec.Contract.Fingerprint()}
	for _, t := range p.Spec.Contract.Events {
		r.correctable = append(r.correctable, correctable(p.Spec.Contract, t))
	}
	r.scratch.New = func() any { return p.NewScratch() }
	return r
}

// Open starts a system on a store: it checks the contract, finds or makes the
// release for the spec, brings feature state up to the end of the log, and
// begins to take requests. The engine does not close the store.
func Open(ctx context.Context, st store.Store, s *spec.Spec, o Options) (*Engine, error) {
	reader := NewReader(st, o.Registry)
	e := &Engine{
		options: o.withDefaults(), store: st, reader: reader, releases: &releases{store: st}, contracts: reader.contracts,
		jobs: make(chan *job, 256), commands: make(chan func()), queue: make(chan *job, 1024), flush: make(chan flushed, 4), written: make(chan struct{}, 1),
		stopping: make(chan struct{}), failed: make(chan struct{}), over: make(chan struct{}), marks: newMarks(), rested: time.NewTimer(0),
		few: goruntime.GOMAXPROCS(0) <= fewProcessors,
	}
	e.reviews, e.emissions = newReviews(e), newEmissions(e)
	s, err := reader.Fit(s, true)
	if err != nil {
		return nil, err
	}
	if err := e.contracts.extend(s.Contract); err != nil {
		return nil, err
	}
	if err := e.recover(ctx, s); err != nil {
		return nil, err
	}
	e.running.Go(e.sequence)
	e.running.Go(e.commit)
	e.running.Go(e.flushLoop)
	e.running.Go(e.retainLoop)
	e.running.Go(e.emissions.run)
	if err := e.resumeForgetting(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Close finishes what was accepted, writes feature state out and stops. The
// store stays open.
func (e *Engine) Close() error {
	e.stopOnce.Do(func() { close(e.stopping) })
	e.running.Wait()
	if err := e.Err(); err != nil && !errors.Is(err, errStopped) {
		return err
	}
	return nil
}

var errStopped = orrery.Errorf(orrery.Unavailable, "stopping", "the server is stopping").WithNext("try again in a moment")

// fail stops the engine for good: memory may be ahead of the disk.
func (e *Engine) fail(cause error) {
	err := error(orrery.Errorf(orrery.Unavailable, "storage_failed", "the server has stopped taking events because it could not record one").
		Because(cause).WithNext("mend the disk and restart; nothing that was acknowledged is lost"))
	if e.failure.CompareAndSwap(nil, &err) {
		e.options.Logger.Error("stopped taking events", "cause", cause)
		close(e.failed)
		e.end()
	}
}

// end lets those go that wait for what will not come.
func (e *Engine) end() { e.overOnce.Do(func() { close(e.over) }) }

// Err gives what stopped the engine, nil while it runs.
func (e *Engine) Err() error {
	if p := e.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Plan gives the release in force.
func (e *Engine) Plan() *plan.Plan { return e.current.Load().plan }

// Syncs gives how many batches have been made durable, each with one sync.
func (e *Engine) Syncs() int64 { return e.syncs.Load() }

// Last gives the offset up to which the log is durable.
func (e *Engine) Last() orrery.Offset { return orrery.Offset(e.committed.Load()) }
