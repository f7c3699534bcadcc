package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/ingest"
	"orrery.dev/load"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/store"
)

// Bounds on the requests that are prepared, and the rate that they last for.
const (
	maxRequestBytes = 1 << 30
	plentyPerSecond = 60_000
	// plentyInBatches is the same for events that are not sent one by one.
	plentyInBatches = 250_000
)

// requests are prepared texts, one after another in one piece of memory.
type requests struct {
	text []byte
	ends []int
}

// source gives request i.
func (r *requests) source(i int) ([]byte, bool) {
	if i >= len(r.ends) {
		return nil, false
	}
	begin := 0
	if i > 0 {
		begin = r.ends[i-1]
	}
	return r.text[begin:r.ends[i]:r.ends[i]], true
}

// wanted is how many events the run may send.
func (b *bench) wanted() int {
	rate := float64(plentyPerSecond)
	switch {
	case b.flags.overload:
		rate *= 2
	case b.flags.rate > 0:
		rate = b.flags.rate * float64(max(b.flags.batch, 1)) * 1.1
	case b.flags.batch > 0 || b.flags.stream:
		rate = plentyInBatches
	}
	return int(rate*b.flags.duration.Seconds()) + plentyPerSecond*int(warmup/time.Second)*max(b.flags.batch, 1)
}

// prepare records the history, trains, and makes the requests of what follows.
func (b *bench) prepare(ctx context.Context) error {
	return withStore(b.dir, func(st store.Store) error {
		engine, err := serve.Open(ctx, st, b.spec, serve.Options{Registry: builtin.Registry()})
		if err != nil {
			return err
		}
		return errors.Join(b.fill(ctx, engine, st), engine.Close())
	})
}

func (b *bench) fill(ctx context.Context, engine *serve.Engine, st store.Store) error {
	b.requests = &requests{}
	batch, ahead := make([]orrery.Event, 0, sendBatch), b.writer()
	bar := b.app.bar("prepare", "events", 0)
	send := func() error {
		_, err := engine.Ingest(ctx, batch, true)
		bar.Add(int64(len(batch)))
		batch = batch[:0]
		return err
	}
	err := b.events(ctx, func(e *orrery.Event, history bool) (more bool, err error) {
		if !history {
			return ahead(e), nil
		}
		batch = append(batch, *e)
		if len(batch) == sendBatch {
			err = send()
		}
		return true, err
	})
	if err == nil {
		err = send()
	}
	if err != nil {
		return err
	}
	bar.Done("")
	if len(b.requests.ends) == 0 {
		return orrery.Errorf(orrery.Invalid, "bench_without_requests", "there is no %s to decide on behind the history", b.spec.DecideOn.Name).
			WithNext("give files with more of them")
	}
	if b.spec.Model == nil || b.spec.Label == nil {
		return nil
	}
	_, err = (&jobs{app: b.app, engine: engine, store: st, spec: b.spec}).Train(ctx, api.TrainRequest{})
	return err
}

// writer gives a function that makes requests of the events it is given, and
// reports whether more are wanted.
func (b *bench) writer() func(*orrery.Event) bool {
	head := "POST /v1/systems/" + b.spec.System + "/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
	wanted, events := b.wanted(), 0
	var body []byte
	return func(e *orrery.Event) bool {
		if !e.Type.Is(b.spec.DecideOn) {
			return true
		}
		r := b.requests
		switch {
		case b.flags.stream:
			r.text = append(ingest.AppendJSON(r.text, e), '\n')
			r.ends = append(r.ends, len(r.text))
		default:
			separator := byte(',')
			if len(body) == 0 {
				separator = '['
			}
			if b.flags.batch > 0 {
				body = append(body, separator)
			}
			body = ingest.AppendJSON(body, e)
			if b.flags.batch > 0 && (events+1)%b.flags.batch != 0 {
				break
			}
			if b.flags.batch > 0 {
				body = append(body, ']')
			}
			r.text = append(strconv.AppendInt(append(r.text, head...), int64(len(body)), 10), "\r\n\r\n"...)
			r.text = append(r.text, body...)
			r.ends, body = append(r.ends, len(r.text)), body[:0]
		}
		events++
		return events < wanted && len(r.text) < maxRequestBytes
	}
}

// lines says how a stream is sent and its answers are told apart.
func (b *bench) lines(to *benchServer) load.Lines {
	return load.Lines{URL: "http://" + to.address + "/v1/systems/" + b.spec.System + "/decisions", Type: "application/x-ndjson",
		Header: http.Header{}, Piece: 256, Window: 1024, Accepted: func(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"decision_id"`)) }}
}

// events yields the history and then what is to be decided on, until visit has
// enough.
func (b *bench) events(ctx context.Context, visit func(e *orrery.Event, history bool) (bool, error)) error {
	if len(b.flags.events) > 0 {
		return b.fileEvents(ctx, visit)
	}
	return b.sampleEvents(visit)
}

// benchPerDay is how many messages a day the community of the bench writes.
const benchPerDay = 20_000

// benchWorld is the sample world of the system that is measured.
type benchWorld struct {
	// perDay is how many of the events decided on it has a day.
	perDay int
	// days is how many days of it are history where nothing is said, least how many
	// it takes so that there are matured outcomes to train on.
	days, least int
	make        func(start time.Time, days int) sample
}

func (b *bench) world() (*benchWorld, error) {
	f := &b.flags
	switch b.spec.System {
	case "fraud":
		return &benchWorld{max(f.fraud.Customers*19/10, 1), 45, demoDaysLeast, func(start time.Time, days int) sample {
			o := f.fraud
			o.Start, o.Days, o.Seed = start, days, f.seed
			return &fraudSample{options: o}
		}}, nil
	case "moderation":
		return &benchWorld{f.community.PerDay, 14, communityDaysLeast, func(start time.Time, days int) sample {
			o := f.community
			o.Start, o.Days, o.Seed = start, days, f.seed
			return &communitySample{options: o}
		}}, nil
	}
	return nil, usagef("there is no sample world for the system %s: give its events with --events", b.spec.System)
}

// sampleEvents are of a world that ends in the past, so that no request says
// that it happens later than now.
func (b *bench) sampleEvents(visit func(*orrery.Event, bool) (bool, error)) error {
	world, err := b.world()
	if err != nil {
		return err
	}
	days := cmp.Or(b.flags.history, world.days)
	if days < world.least {
		return usagef("--history-days takes %d or more, so that there are matured outcomes to train on", world.least)
	}
	ahead := b.wanted()/world.perDay + 1
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days-ahead)
	now, end := start.AddDate(0, 0, days), start.AddDate(0, 0, days+ahead)
	sample := world.make(start, days+ahead)
	if err := sample.open(); err != nil {
		return err
	}
	events, err := sample.history(b.spec.Contract, orrery.InstantOf(end))
	if err != nil {
		return err
	}
	for event, err := range events {
		if err != nil {
			return err
		}
		if more, err := visit(&event, event.Time < orrery.InstantOf(now)); !more || err != nil {
			return err
		}
	}
	return nil
}

// historyShare is the part of the files' events that is history.
const historyShare = 0.6

// fileEvents reads the files twice: to count what is decided on, then to give
// it out.
func (b *bench) fileEvents(ctx context.Context, visit func(*orrery.Event, bool) (bool, error)) error {
	decided := 0
	if err := b.readFiles(ctx, func(e *orrery.Event) (bool, error) {
		if e.Type.Is(b.spec.DecideOn) {
			decided++
		}
		return true, nil
	}); err != nil {
		return err
	}
	history := int(historyShare * float64(decided))
	return b.readFiles(ctx, func(e *orrery.Event) (bool, error) {
		more, err := visit(e, history > 0)
		if e.Type.Is(b.spec.DecideOn) {
			history--
		}
		return more, err
	})
}

func (b *bench) readFiles(ctx context.Context, visit func(*orrery.Event) (bool, error)) error {
	inputs, err := parseInputs(b.flags.events, b.flags.received, b.spec)
	if err != nil {
		return err
	}
	files, err := replay.FromFiles(ctx, b.spec, inputs, replay.FileOptions{Raw: true, Sort: true, CheckOrder: true})
	if err != nil {
		return err
	}
	defer files.Close()
	for {
		batch, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range batch.Events {
			if more, err := visit(&batch.Events[i]); !more || err != nil {
				return err
			}
		}
	}
}

// recordSize gives the bytes that the records of an event and of the decision on
// it have, on average of the newest.
func (b *bench) recordSize() (size int, err error) {
	const sample = 10_000
	err = withStore(b.dir, func(st store.Store) error {
		last, err := st.Log().Last()
		if err != nil {
			return err
		}
		bytes, events := 0, 0
		for r, err := range st.Log().Scan(max(last, sample) - sample + 1) {
			if err != nil {
				return err
			}
			bytes += len(r.Data)
			if r.Kind == store.EventRecord {
				events++
			}
		}
		size = bytes / max(events, 1)
		return nil
	})
	return size, err
}
