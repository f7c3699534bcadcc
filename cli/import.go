package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// recorder is where an import goes: a data directory or a running server.
type recorder interface {
	// imported and setImported say how far the import of a name has come.
	imported(ctx context.Context, name string) (ingest.Position, error)
	setImported(ctx context.Context, name string, at ingest.Position) error
	// record makes events durable, in order; live ones are received now.
	record(ctx context.Context, events []orrery.Event, live bool) ([]serve.Result, error)
	// quarantine keeps refused input.
	quarantine(ctx context.Context, items []quarantine.Item, over int64) error
}

const (
	sendBatch   = 4096
	importEvery = 16 * sendBatch
	// firstKept is how many refusals a summary shows.
	firstKept = 20
)

// fileImport reads files in the order of received time and records their events.
//
// It remembers its position behind what is durable: first the refused lines of a
// batch are put in quarantine, then its events are recorded, then what the log
// refused is put in quarantine too, then the position may move. So wherever it is
// stopped, it goes on without leaving anything out.
type fileImport struct {
	app    *app
	spec   *spec.Spec
	inputs []ingest.Input
	live   bool
	to     recorder
	// step is how many events are recorded together; every is after how many the
	// position is remembered: what a killed import sends again at most, to be
	// recognised by their ids.
	step, every int64
	name        string

	summary *IngestSummary
	files   *replay.FileSource
	trail   *ingest.Trail
	// before is where an earlier run stopped; saved is the position last remembered.
	before, saved ingest.Position
	// listed counts the refused lines that were listed one by one, over those
	// beyond that were counted only.
	listed, over int64
}

// errChanged says that the files do not begin as what an earlier run recorded.
var errChanged = errors.New("the files have changed")

// run imports the files, from where an earlier run of the same import stopped.
func (im *fileImport) run(ctx context.Context) (*IngestSummary, error) {
	var err error
	if im.name, err = ingest.ImportName(im.inputs, im.live); err != nil {
		return nil, err
	}
	if im.before, err = im.to.imported(ctx, im.name); err != nil {
		return nil, err
	}
	summary, err := im.pass(ctx)
	if !errors.Is(err, errChanged) {
		return summary, err
	}
	notice := fmt.Sprintf("an earlier run recorded %d events of files that began like these, but other ones; all are read again, and what is recorded is recognised by its id", im.before.Events)
	im.before = ingest.Position{}
	if summary, err = im.pass(ctx); summary != nil {
		summary.Notices = append([]string{notice}, summary.Notices...)
	}
	return summary, err
}

// pass reads the files once.
func (im *fileImport) pass(ctx context.Context) (*IngestSummary, error) {
	files, err := replay.FromFiles(ctx, im.spec, im.inputs, replay.FileOptions{Raw: true, CheckOrder: true, Sort: true, MaxRejections: quarantine.MaxItems})
	if err != nil {
		return nil, err
	}
	defer files.Close()
	im.files, im.trail, im.saved, im.listed, im.over = files, ingest.NewTrail(), im.before, 0, 0
	im.summary = &IngestSummary{Reasons: map[string]int64{}}
	begun := time.Now()
	bar := im.app.bar("ingest", "events", 0)
	for err == nil {
		bar.Set(im.trail.Events())
		err = im.batch(ctx)
	}
	if errors.Is(err, io.EOF) {
		if err = im.finish(ctx); err == nil {
			bar.Done("")
			return im.summary.finish(files, begun), nil
		}
	}
	bar.Stop()
	if errors.Is(err, errChanged) {
		return nil, err
	}
	// What was recorded stays so; the next run begins behind it.
	if im.trail.Events() >= im.before.Events {
		err = errors.Join(err, im.save(context.WithoutCancel(ctx)))
	}
	return im.summary.finish(files, begun), err
}

// finish checks that all of what was recorded before has been seen, and
// remembers that nothing is left.
func (im *fileImport) finish(ctx context.Context) error {
	if im.trail.Events() < im.before.Events {
		return errChanged
	}
	return im.save(ctx)
}

// batch deals with the next batch of the files.
func (im *fileImport) batch(ctx context.Context) error {
	b, err := im.files.Next()
	if err != nil {
		return err
	}
	if err := im.refused(ctx); err != nil {
		return err
	}
	events := b.Events
	if ahead := im.before.Events - im.trail.Events(); ahead > 0 {
		n := min(ahead, int64(len(events)))
		im.trail.Add(events[:n])
		im.summary.Skipped += n
		if n == ahead && im.trail.Position() != im.before {
			return errChanged
		}
		events = events[n:]
	}
	for len(events) > 0 {
		n := min(len(events), int(im.step))
		if err := im.send(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// refused puts the lines refused on the way to the batch in quarantine. Those
// of batches that an earlier run began to record are there.
func (im *fileImport) refused(ctx context.Context) error {
	rejected := im.files.Rejected()
	im.listed += int64(len(rejected))
	more := im.files.Stats().Refused - im.listed - im.over
	im.over += more
	if im.trail.Events() < im.before.Events {
		im.summary.RefusedBefore += int64(len(rejected)) + more
		return nil
	}
	im.summary.list(rejected)
	now := orrery.InstantOf(time.Now())
	items := make([]quarantine.Item, len(rejected))
	for i := range rejected {
		items[i] = quarantine.OfRejection(&rejected[i], now)
	}
	if len(items) == 0 && more == 0 {
		return nil
	}
	return im.to.quarantine(ctx, items, more)
}

// send records events and remembers the position from time to time.
func (im *fileImport) send(ctx context.Context, events []orrery.Event) error {
	results, err := im.to.record(ctx, events, im.live)
	if err != nil {
		return err
	}
	if err := im.misplaced(results); err != nil {
		return err
	}
	items := im.summary.add(events, results, im.source)
	if len(items) > 0 {
		if err := im.to.quarantine(ctx, items, 0); err != nil {
			return err
		}
	}
	im.trail.Add(events)
	if im.trail.Events()-im.saved.Events >= im.every {
		return im.save(ctx)
	}
	return nil
}

// misplaced tells, by the first events of an import, that all of it comes before
// what the log has. Then nothing is put in quarantine: the files are right, and
// it is of no use to refuse their events one by one.
func (im *fileImport) misplaced(results []serve.Result) error {
	if im.summary.Recorded+im.summary.Repeated+im.summary.Skipped > 0 || len(results) <= firstKept {
		return nil
	}
	var first *orrery.Error
	before := 0
	for i := range results {
		switch err := results[i].Err; {
		case err == nil && !results[i].Repeated:
			return nil
		case orrery.CodeOf(err) == "import_out_of_order" || orrery.CodeOf(err) == "event_too_old":
			if before++; first == nil {
				errors.As(err, &first)
			}
		}
	}
	if 2*before <= len(results) {
		return nil
	}
	err := orrery.Errorf(orrery.Conflict, importTooLate, "the import ends here, since none of its first %d events can be recorded: %s", len(results), first.Message)
	switch {
	case im.live:
		return err.WithNext("%s", first.Next)
	case first.Code == "event_too_old":
		return err.WithNext("%s, into a new data directory (--data DIR)", historyFirst)
	}
	return err.WithNext("%s, into a new data directory (--data DIR); or have the events count as received now (--received now)", historyFirst)
}

const (
	importTooLate = "import_too_late"
	historyFirst  = "history comes before live events: import it in one command, all files together"
)

// source names the files that an event may be of.
func (im *fileImport) source(e *orrery.Event) string {
	var paths []string
	for _, in := range im.inputs {
		if in.Type == e.Type {
			paths = append(paths, in.Path)
		}
	}
	return strings.Join(paths, ", ")
}

func (im *fileImport) save(ctx context.Context) error {
	at := im.trail.Position()
	if at == im.saved {
		return nil
	}
	im.saved = at
	return im.to.setImported(ctx, im.name, at)
}

// directRecorder records in a data directory that this process has open.
type directRecorder struct {
	engine  *serve.Engine
	refused *quarantine.Store
}

func (d directRecorder) imported(_ context.Context, name string) (ingest.Position, error) {
	return d.engine.Imported(name)
}

func (d directRecorder) setImported(_ context.Context, name string, at ingest.Position) error {
	return d.engine.SetImported(name, at)
}

func (d directRecorder) record(ctx context.Context, events []orrery.Event, live bool) ([]serve.Result, error) {
	return d.engine.Ingest(ctx, events, !live)
}

func (d directRecorder) quarantine(_ context.Context, items []quarantine.Item, over int64) error {
	_, err := d.refused.Put(items, over)
	return err
}
