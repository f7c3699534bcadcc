package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"orrery.dev"
	"orrery.dev/ingest"
)

// unknownCode is that of a correction of what is not known.
const unknownCode = "corrected_event_unknown"

// standingEvent is an event as it counts by now.
type standingEvent struct {
	event     orrery.Event
	withdrawn bool
}

func standingKey(event, id string) string { return event + "\x00" + id }

// findNamed reads the files of corrections once before, for the ids of the
// events that they name: only those are kept when they come.
func (f *FileSource) findNamed(ctx context.Context, inputs []ingest.Input) error {
	inputs = slices.DeleteFunc(slices.Clone(inputs), func(in ingest.Input) bool { return in.Type.Corrects == nil })
	if len(inputs) == 0 {
		return nil
	}
	for _, in := range inputs {
		if info, err := os.Stat(in.Path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return orrery.Errorf(orrery.Invalid, "corrections_read_once", "%s has corrections, which are read twice, and can be read only once", in.Path).
				WithNext("write them to a file first")
		}
	}
	stream, err := ingest.Open(ctx, inputs, ingest.Options{Sort: true})
	if err != nil {
		return err
	}
	defer stream.Close()
	f.named = map[string]*standingEvent{}
	for {
		batch, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range batch.Events {
			e := &batch.Events[i]
			f.named[standingKey(e.Type.Corrects.Event, e.NamedID())] = nil
		}
		batch.Release()
	}
}

// resolve finds what a correction corrects; it refuses one that names nothing.
func (f *FileSource) resolve(e *orrery.Event) bool {
	if f.raw || e.Type.Corrects == nil {
		return true
	}
	st := f.named[standingKey(e.Type.Corrects.Event, e.NamedID())]
	if st == nil {
		f.refuse(e)
		return false
	}
	e.Corrected = orrery.Correct(e, st.event, st.withdrawn)
	return true
}

func (f *FileSource) refuse(e *orrery.Event) {
	f.unresolved++
	of := e.Type.Corrects
	if len(f.stats.First) < firstKept {
		f.stats.First = append(f.stats.First, ingest.Rejection{Path: e.Type.Name, Event: e.Type.Name, Faults: []ingest.Fault{{
			Field: e.Type.Fields[of.Names].Name, Code: unknownCode,
			Message: fmt.Sprintf("%q corrects the %s %q, which is not known before it", e.ID, of.Event, e.NamedID())}}})
	}
}

// stand notes how an event counts from now on, where a correction names it.
func (f *FileSource) stand(e *orrery.Event) {
	if len(f.named) == 0 {
		return
	}
	if c := e.Corrected; c != nil {
		f.named[standingKey(c.Before.Type.Name, c.Before.ID)] = &standingEvent{event: c.After, withdrawn: c.Withdraws}
		return
	}
	key := standingKey(e.Type.Name, e.ID)
	if _, ok := f.named[key]; ok {
		st := &standingEvent{event: *e}
		st.event.Values = slices.Clone(e.Values)
		f.named[key] = st
	}
}
