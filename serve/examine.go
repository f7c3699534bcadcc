package serve

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/record"
	"orrery.dev/release"
	"orrery.dev/review"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// Finding is one thing that was looked at in a store.
type Finding struct {
	// Check is stable: log, contract, releases, state.
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	// Detail says what was found, Next what to do about a problem.
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`
}

// restore is what to do about damage that nothing here can mend.
const restore = "restore the data directory from a backup: orrery restore"

// found makes the finding of one check from what is wrong, if anything.
func found(check, fine string, problem error) Finding {
	if problem == nil {
		return Finding{Check: check, OK: true, Detail: fine}
	}
	known, ok := problem.(*orrery.Error)
	if !ok {
		return Finding{Check: check, Detail: problem.Error(), Next: restore}
	}
	f := Finding{Check: check, Detail: known.Message, Next: known.Next}
	if known.Err != nil {
		f.Detail += ": " + known.Err.Error()
	}
	if f.Next == "" {
		f.Next = restore
	}
	return f
}

// Examine looks at everything that a store holds, and changes nothing. With a
// spec, which may be nil, it says whether that fits the data; now is the time by
// this machine. tick, which may be nil, hears how many records have been read.
// The error is that of the context alone.
func Examine(ctx context.Context, st store.Store, reg *spec.Registry, s *spec.Spec, now orrery.Instant, tick func(records int64)) ([]Finding, error) {
	x := &examination{store: st, reader: NewReader(st, reg), releases: map[orrery.ReleaseID]int64{}, now: now}
	if err := x.walk(ctx, tick); err != nil {
		return nil, err
	}
	contract, problem := x.reader.contracts.inForce()
	fine := "no contract yet: nothing was recorded"
	if contract != nil {
		fine = fmt.Sprintf("contract %s of %d entities and %d events", contract.Fingerprint(), len(contract.Entities), len(contract.Events))
	}
	out := []Finding{found("contract", fine, problem)}
	if s != nil {
		_, problem := x.reader.Fit(s, true)
		out = append(out, found("spec", s.Path+" fits the data", problem))
	}
	if x.sealed > 0 {
		f := found("vault", "", x.vault)
		f.Detail += fmt.Sprintf("; %d records cannot be read for want of it", x.sealed)
		out = append(out, f)
	}
	return append(out, x.log(), x.identities(), x.clock(), found("releases", fmt.Sprintf("%d releases made what is kept; each can be read and compiled", len(x.releases)), x.compileReleases()),
		found("state", x.stateWords, x.state())), nil
}

type examination struct {
	store    store.Store
	reader   *Reader
	now      orrery.Instant
	releases map[orrery.ReleaseID]int64

	first, last        orrery.Offset
	events, decisions  int64
	controls, unsorted int64
	// received is of events, given of controls.
	received, newest, given orrery.Instant
	// faults of the log, of identities and of releases, the first few each.
	faults, strangers []string
	faulty, strange   int64
	stateWords        string
	// vault is why sealed events cannot be read, one reason for all.
	vault  error
	sealed int64
}

// keptFaults is how many faults of a sort are told.
const keptFaults = 5

func (x *examination) fault(format string, args ...any) {
	if x.faulty++; len(x.faults) < keptFaults {
		x.faults = append(x.faults, fmt.Sprintf(format, args...))
	}
}

// walk reads the log once.
func (x *examination) walk(ctx context.Context, tick func(int64)) error {
	log := x.store.Log()
	var err error
	if x.first, err = log.First(); err == nil {
		x.last, err = log.Last()
	}
	if err != nil {
		x.fault("its ends cannot be read: %v", err)
		return nil
	}
	next, event, records := x.first, orrery.Offset(0), int64(0)
	for r, err := range log.Scan(x.first) {
		if err != nil {
			x.fault("it cannot be read beyond offset %d: %v", max(next, 1)-1, err)
			return nil
		}
		if records++; records%4096 == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if tick != nil {
				tick(records)
			}
		}
		switch {
		case r.Kind == store.DecisionRecord && r.Offset != event:
			x.fault("the decision %s has no event", DecisionID(r.Offset))
		case r.Kind != store.DecisionRecord && r.Offset != next:
			x.fault("offset %d is followed by %d", max(next, 1)-1, r.Offset)
		}
		if r.Kind == store.EventRecord {
			event = r.Offset
		}
		next = r.Offset + 1
		x.look(r)
	}
	if x.last > 0 && next != x.last+1 {
		x.fault("it ends at offset %d and not at %d", next-1, x.last)
	}
	return nil
}

// look decodes one record.
func (x *examination) look(r store.Record) {
	head, err := record.Header(r.Data)
	if err == nil && int(head.Kind) != int(r.Kind) {
		err = fmt.Errorf("it says kind %d and is kept as kind %d", head.Kind, r.Kind)
	}
	if err == nil && x.reader.Contract(head.Contract) == nil {
		err = fmt.Errorf("its contract %s is not recorded", head.Contract)
	}
	if err == nil {
		switch r.Kind {
		case store.EventRecord:
			err = x.event(r)
		case store.DecisionRecord:
			var d orrery.Decision
			if d, err = record.DecodeDecision(r.Data, r.Offset, x.reader.Contract); err == nil && !d.Erased {
				x.decisions++
				x.releases[d.Release]++
			}
		case store.ControlRecord:
			var c record.Control
			if c, err = record.DecodeControl(r.Data); err == nil {
				x.controls++
				x.given = max(x.given, c.At)
			}
		}
	}
	if code := orrery.CodeOf(err); code == "vault_missing" || code == "vault_other" {
		x.vault = err
		x.sealed++
		return
	}
	if err != nil {
		x.fault("record %d of kind %d cannot be read: %v", r.Offset, r.Kind, err)
	}
}

func (x *examination) event(r store.Record) error {
	e, err := record.DecodeEvent(r.Data, x.reader.Contract)
	if err != nil {
		return err
	}
	x.events++
	x.newest = max(x.newest, e.Time)
	if e.Received < x.received {
		x.unsorted++
	}
	x.received = max(x.received, e.Received)
	at, ok, err := x.store.Log().Lookup(identity(&e))
	if err == nil && (!ok || at != r.Offset) {
		if x.strange++; len(x.strangers) < keptFaults {
			x.strangers = append(x.strangers, fmt.Sprintf("%s %q of offset %d is looked up at %d", e.Type.Name, e.ID, r.Offset, at))
		}
	}
	return err
}

func listed(faults []string, n int64) string {
	text := ""
	for _, f := range faults {
		text += "\n    " + f
	}
	if more := n - int64(len(faults)); more > 0 {
		text += fmt.Sprintf("\n    and %d more", more)
	}
	return text
}

func (x *examination) log() Finding {
	if x.faulty > 0 {
		return Finding{Check: "log", Detail: fmt.Sprintf("%d faults:", x.faulty) + listed(x.faults, x.faulty), Next: restore}
	}
	if x.last == 0 {
		return Finding{Check: "log", OK: true, Detail: "empty"}
	}
	return Finding{Check: "log", OK: true, Detail: fmt.Sprintf("offsets %d to %d without a gap: %d events, %d decisions, %d controls, every one readable",
		x.first, x.last, x.events, x.decisions, x.controls)}
}

func (x *examination) identities() Finding {
	if x.strange > 0 {
		return Finding{Check: "identities", Detail: fmt.Sprintf("%d events would not be recognised if they were sent again:", x.strange) + listed(x.strangers, x.strange), Next: restore}
	}
	return Finding{Check: "identities", OK: true, Detail: fmt.Sprintf("%d events are recognised when they are sent again", x.events)}
}

// clock looks for times that cannot be.
func (x *examination) clock() Finding {
	switch last := max(x.received, x.given); {
	case last > x.now.Add(orrery.Minute):
		return Finding{Check: "clock", Detail: fmt.Sprintf("the log's last record was received at %s, and it is %s by this machine", last, x.now),
			Next: "set this machine's clock; what comes in is taken to be no older than the last record"}
	case x.newest > x.now.Add(AheadTolerance):
		return Finding{Check: "clock", Detail: fmt.Sprintf("an event says that it happened at %s, and it is %s by this machine", x.newest, x.now),
			Next: "set this machine's clock, or the sender's: events before that time less dedupe.within are refused as too old"}
	case x.unsorted > 0:
		return Finding{Check: "clock", Detail: fmt.Sprintf("%d events say that they were received before the one they follow", x.unsorted),
			Next: "train on a range that is free of them, and report this: it must not happen"}
	}
	return Finding{Check: "clock", OK: true, Detail: fmt.Sprintf("events were received up to %s, in order", x.received)}
}

// compileReleases reads the releases that are needed: those that made decisions,
// and the one in force.
func (x *examination) compileReleases() error {
	known, err := x.reader.checkpointed()
	if err != nil {
		return err
	}
	if known.Release != "" {
		x.releases[known.Release] += 0
	}
	for _, id := range slices.Sorted(maps.Keys(x.releases)) {
		if _, err := release.Load(x.store.Blob(), id); err != nil {
			return orrery.Errorf(orrery.Damaged, "release_damaged", "release %s, which made %d of the decisions, cannot be read", id.Short(), x.releases[id]).Because(err).
				WithNext(restore)
		}
		if _, err := x.reader.Plan(id); err != nil {
			return orrery.Errorf(orrery.Damaged, "release_damaged", "release %s, which made %d of the decisions, does not compile", id.Short(), x.releases[id]).Because(err).
				WithNext("use the program version that it was made with, or %s", restore)
		}
	}
	return nil
}

// state looks at how far the state has come, and at the base of a cut log.
func (x *examination) state() error {
	known, err := x.reader.checkpointed()
	if err != nil {
		return err
	}
	if known.Offset > x.last {
		return orrery.Errorf(orrery.Damaged, "log_behind_state", "a checkpoint was made at offset %d, and the log ends at %d", known.Offset, x.last).
			WithNext("the log has lost its end: %s", restore)
	}
	base, err := x.reader.foundation()
	if err != nil {
		return err
	}
	if x.first > 1 && len(base.Tables) == 0 {
		return orrery.Errorf(orrery.Damaged, "base_damaged", "the log begins at offset %d, and what stands for the records before is gone", x.first).WithNext(restore)
	}
	x.stateWords = "none yet"
	if known.Release == "" {
		return nil
	}
	p, err := x.reader.Plan(known.Release)
	if err != nil {
		x.stateWords = "not looked at, since the release in force cannot be read"
		return nil
	}
	behind := known.Offset
	tables := append(p.Tables(), control.Table)
	if p.Spec.Review != nil {
		tables = append(tables, review.OpenTable, review.EndedTable)
	}
	for _, table := range tables {
		marked, err := x.store.State().Marked(table)
		if err != nil {
			return err
		}
		if marked > x.last {
			return orrery.Errorf(orrery.Damaged, "log_behind_state", "state was written at offset %d, and the log ends at %d", marked, x.last).
				WithNext("the log has lost its end: %s", restore)
		}
		behind = min(behind, marked)
	}
	x.stateWords = fmt.Sprintf("%d tables, written up to offset %d; the next start replays %d", len(p.Tables()), behind, x.last-max(behind, x.first-1))
	return nil
}
