package serve

import (
	"encoding/hex"
	"encoding/json"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/store"
)

// baseName is where Meta has the foundation of a log that was cut.
const baseName = "base"

// foundation says what the base of a cut log holds. It changes with the cut, in
// one batch.
type foundation struct {
	// Watermark is the latest event time of what was cut off.
	Watermark orrery.Instant `json:"watermark"`
	// Tables has each table of the base, in hex, and the watermark of what had been
	// cut off before it first counted: 0 for one that has counted every event.
	Tables map[string]orrery.Instant `json:"tables"`
}

func tableName(table store.TableID) string { return hex.EncodeToString(table[:]) }

func parseTable(name string) (table store.TableID) {
	// What is no hex names no table, and so none that is there.
	_, _ = hex.Decode(table[:], []byte(name))
	return table
}

func (r *Reader) foundation() (foundation, error) {
	f := foundation{Tables: map[string]orrery.Instant{}}
	text, ok, err := r.store.Meta().Get(baseName)
	if err != nil || !ok {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, orrery.Errorf(orrery.Damaged, "base_damaged", "the record of what was cut off the log cannot be read").Because(err).
			WithNext("restore the data directory from a copy")
	}
	return f, nil
}

// History reads the log as events of a contract, that in force or that of a spec
// from Fit. While it is open the log is not cut; it must be closed.
func (r *Reader) History(c *orrery.Contract) *replay.LogSource {
	r.cutting.RLock()
	return replay.FromLog(r.store.Log(), r.contracts.into(c), r.cutting.RUnlock)
}

// CompleteFrom gives the first event time from which a plan's features have all
// that they look back on, 0 while that is every one: a feature that no release
// had before the log was cut knows only what the log kept. A window over all
// time begins with what was kept.
func (r *Reader) CompleteFrom(p *plan.Plan) (orrery.Instant, error) {
	first, err := r.store.Log().First()
	if err != nil || first == 1 {
		return 0, err
	}
	f, err := r.foundation()
	if err != nil {
		return 0, err
	}
	complete := orrery.Instant(0)
	for _, reach := range p.Reaches() {
		since, counted := f.Tables[tableName(reach.Table)]
		if !counted {
			since = f.Watermark
		}
		if since > 0 {
			complete = max(complete, since.Add(reach.Back))
		}
	}
	return complete, nil
}

// Within leaves out of a span what a plan's features are not complete for. An
// empty span is an error of kind Invalid with code log_too_short.
func (r *Reader) Within(span replay.Range, p *plan.Plan) (replay.Range, error) {
	complete, err := r.CompleteFrom(p)
	if err != nil {
		return span, err
	}
	if span.From = max(span.From, complete); span.Empty() {
		return span, orrery.Errorf(orrery.Invalid, "log_too_short", "the log has been cut, and the features know all that they look back on from %s only", complete).
			WithNext("wait until then, choose a later range, or use shorter windows for new features")
	}
	return span, nil
}

func notKept(offset, first orrery.Offset) error {
	return orrery.Errorf(orrery.Gone, "decision_not_kept", "the decision %s is no longer kept: the log begins with %s now", DecisionID(offset), DecisionID(first)).
		WithNext("raise log.keep or log.keep_bytes in the spec to keep later ones for longer")
}
