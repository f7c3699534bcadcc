package replay

import (
	"context"
	"errors"
	"fmt"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/spec"
)

// FileSource reads files of events as a Source: merged in time order, numbered,
// and each event once.
type FileSource struct {
	stream *ingest.Stream
	// lent is the stream's batch that the last Next gave out.
	lent *ingest.Batch
	seen *idSet
	// named has the events that corrections name, as they stand; nil before they
	// come. With raw, corrections are left as they are.
	named map[string]*standingEvent
	raw   bool
	// unresolved are the corrections of what is not known.
	unresolved int64
	last       orrery.Offset
	stats      FileStats
	batch      Batch
	// rejected are the lines refused on the way to the last batch.
	rejected []ingest.Rejection
}

// firstKept is how many refused lines FileStats lists.
const firstKept = 20

// FileStats counts what files held beside good events.
type FileStats struct {
	// Repeated events had an id that came before.
	Repeated int64
	// Refused lines by the code of their first fault; First lists some.
	Refused int64
	Reasons map[string]int64
	First   []ingest.Rejection
}

// FileOptions say how to read files.
type FileOptions struct {
	// Sort has files that are not in time order sorted, in memory. Without it,
	// such a file is an error that Unsorted recognises.
	Sort bool
	// CheckOrder reads files once before, so that only those that need it are
	// sorted and nothing is delivered from a file that is refused.
	CheckOrder bool
	// Raw leaves corrections to whoever records the events: the log may have what
	// they correct. Otherwise each says what it does to the event that it names,
	// and one that names none before it is refused.
	Raw bool
	// MaxRejections bounds how many refused lines Rejected lists in all; 0 is a
	// thousand.
	MaxRejections int
}

// FromFiles opens files of events. The source must be closed.
func FromFiles(ctx context.Context, s *spec.Spec, inputs []ingest.Input, o FileOptions) (*FileSource, error) {
	f := &FileSource{seen: newIDSet(), raw: o.Raw, stats: FileStats{Reasons: map[string]int64{}}}
	if !o.Raw {
		if err := f.findNamed(ctx, inputs); err != nil {
			return nil, err
		}
	}
	stream, err := ingest.Open(ctx, inputs, ingest.Options{DecideOn: s.DecideOn, Sort: o.Sort, CheckOrder: o.CheckOrder, MaxRejections: o.MaxRejections})
	if err != nil {
		return nil, err
	}
	f.stream = stream
	return f, nil
}

// Unsorted reports whether an error says that a file is not in time order.
func Unsorted(err error) bool {
	var unsorted *ingest.UnsortedError
	return errors.As(err, &unsorted)
}

// Next gives the next events, without repeats.
func (f *FileSource) Next() (*Batch, error) {
	if f.lent != nil {
		f.lent.Release()
		f.lent = nil
	}
	in, err := f.stream.Next()
	if err != nil {
		return nil, err
	}
	f.rejected = in.Rejected
	f.stats.First = append(f.stats.First, in.Rejected[:min(len(in.Rejected), firstKept-len(f.stats.First))]...)
	f.lent = in
	kept := in.Events[:0]
	for i := range in.Events {
		e := &in.Events[i]
		if !f.resolve(e) {
			continue
		}
		if !f.seen.add(e.Type.Index, e.ID) {
			f.stats.Repeated++
			continue
		}
		f.last++
		e.Offset = f.last
		f.stand(e)
		if kept = kept[:len(kept)+1]; len(kept) <= i {
			kept[len(kept)-1] = *e
		}
	}
	f.batch.Events = kept
	return &f.batch, nil
}

// Rejected gives the lines refused on the way to the last batch, as many as
// FileOptions allow.
func (f *FileSource) Rejected() []ingest.Rejection { return f.rejected }

// Stats gives the counts so far.
func (f *FileSource) Stats() FileStats {
	stats := f.stats
	counts := f.stream.Stats()
	stats.Refused, stats.Reasons = counts.Rejected+f.unresolved, counts.Codes
	if f.unresolved > 0 {
		stats.Reasons[unknownCode] = f.unresolved
	}
	return stats
}

// Notices says in sentences what a person should know about the files.
func (f *FileSource) Notices() []string {
	notices := f.stream.Notices()
	stats := f.Stats()
	if stats.Refused > 0 {
		notices = append(notices, fmt.Sprintf("%d lines were refused; the first: %s", stats.Refused, first(stats.First)))
	}
	if stats.Repeated > 0 {
		notices = append(notices, fmt.Sprintf("%d events were left out because their id came before", stats.Repeated))
	}
	return notices
}

func first(rejections []ingest.Rejection) string {
	if len(rejections) == 0 {
		return "not listed"
	}
	return rejections[0].String()
}

// Close ends the reading.
func (f *FileSource) Close() { f.stream.Close() }

// Progress gives how much of the files has been read, in bytes as they lie on
// disk; total is 0 when it is not known.
func (f *FileSource) Progress() (read, total int64) {
	p := f.stream.Progress()
	return p.Read, p.Total
}
