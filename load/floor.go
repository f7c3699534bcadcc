package load

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Floor is the least that a durable answer can cost on a disk: records appended
// to one file by one writer, which syncs once for all that wait.
type Floor struct {
	// Appends has what came of the records: how many, and how long each waited
	// from when it was due, or was handed over, until it was on disk.
	Appends *Result
	// Syncs counts the calls of fsync; their durations are in Sync.
	Syncs int
	Sync  *Result
}

// Append writes records of size bytes to a new file in dir, which it removes at
// the end: at the instants of the schedule, or with a nil schedule from as many
// writers as o.Clients, each waiting for its record before it writes the next.
func Append(ctx context.Context, dir string, size int, o Options, schedule []time.Duration) (_ *Floor, err error) {
	path := filepath.Join(dir, "append-floor")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(path)) }()
	f := &Floor{Appends: &Result{}, Sync: &Result{}}
	w := &writer{file: file, record: make([]byte, size), floor: f, queue: make(chan appended, max(o.Clients, 1<<16))}
	begun := time.Now()
	var writing sync.WaitGroup
	writing.Go(w.run)
	if schedule != nil {
		dispatch(ctx, begun, 0, schedule, func(int) ([]byte, bool) { return nil, true }, func(due time.Time) {
			w.queue <- appended{due: due}
		})
	} else {
		w.closed(ctx, o, begun.Add(o.Duration))
	}
	close(w.queue)
	writing.Wait()
	f.Appends.Elapsed = time.Since(begun)
	f.Sync.Elapsed = f.Appends.Elapsed
	return f, w.err
}

// appended is one record handed to the writer; done, where it is not nil, gets a
// token when the record is on disk.
type appended struct {
	due  time.Time
	done chan struct{}
}

type writer struct {
	file   io.Writer
	record []byte
	floor  *Floor
	queue  chan appended
	err    error
}

func (w *writer) closed(ctx context.Context, o Options, end time.Time) {
	var clients sync.WaitGroup
	for range o.Clients {
		clients.Go(func() {
			done := make(chan struct{}, 1)
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; now = time.Now() {
				w.queue <- appended{due: now, done: done}
				<-done
			}
		})
	}
	clients.Wait()
}

// run appends whatever waits, syncs, and says so to all of it.
func (w *writer) run() {
	var waiting []appended
	var batch []byte
	for first := range w.queue {
		waiting, batch = append(waiting[:0], first), append(batch[:0], w.record...)
		for len(w.queue) > 0 {
			waiting, batch = append(waiting, <-w.queue), append(batch, w.record...)
		}
		begun := time.Now()
		if w.err == nil {
			_, w.err = w.file.Write(batch)
		}
		if syncer, ok := w.file.(interface{ Sync() error }); ok && w.err == nil {
			w.err = syncer.Sync()
		}
		ended := time.Now()
		w.floor.Syncs++
		w.floor.Sync.note(200, w.err, ended.Sub(begun), ended.Sub(begun))
		for _, a := range waiting {
			w.floor.Appends.note(200, w.err, ended.Sub(a.due), ended.Sub(a.due))
			if a.done != nil {
				a.done <- struct{}{}
			}
		}
	}
}
