package serve

import (
	"context"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
)

// Quarantine is what a resubmission needs of one.
type Quarantine interface {
	List(sel quarantine.Selection, limit int) (*quarantine.Listing, error)
	Drop(ids []string) (int, error)
}

// Fix says how refused input is changed before it is read again.
type Fix struct {
	// Set has other values for fields, as text; an empty one leaves the field out.
	Set map[string]string `json:"set,omitempty"`
	// Text replaces the input of a single item: a JSON object, a CloudEvent or,
	// where the item was one, a record of CSV.
	Text string `json:"text,omitempty"`
}

// Resubmitted is what became of one item.
type Resubmitted struct {
	ID string `json:"id"`
	// EventID and Offset are those of the event that was recorded, or, where it is
	// repeated, had been before.
	EventID  string        `json:"event_id,omitempty"`
	Offset   orrery.Offset `json:"offset,omitempty"`
	Repeated bool          `json:"repeated,omitempty"`
	// Faults say why the item stays in quarantine.
	Faults []ingest.Fault `json:"faults,omitempty"`
}

// resubmitBatch is how many items are recorded together.
const resubmitBatch = 1024

// Resubmit reads the selected items again by the contract in force, records what
// is good by now without deciding on it, and takes it out of quarantine. An
// event becomes known when it is accepted, so it is received now.
func (e *Engine) Resubmit(ctx context.Context, q Quarantine, sel quarantine.Selection, fix Fix) ([]Resubmitted, error) {
	listing, err := q.List(sel, 0)
	if err != nil {
		return nil, err
	}
	if fix.Text != "" && len(listing.Items) != 1 {
		return nil, orrery.Errorf(orrery.Invalid, "fix_of_many", "a text is the input of one event, and %d are selected", len(listing.Items)).
			WithNext("name the one it is for")
	}
	out := make([]Resubmitted, 0, len(listing.Items))
	for items := listing.Items; len(items) > 0; {
		n := min(len(items), resubmitBatch)
		some, err := e.resubmit(ctx, q, items[:n], fix)
		if err != nil {
			return out, err
		}
		out, items = append(out, some...), items[n:]
	}
	return out, nil
}

func (e *Engine) resubmit(ctx context.Context, q Quarantine, items []quarantine.Item, fix Fix) ([]Resubmitted, error) {
	out := make([]Resubmitted, len(items))
	var events []orrery.Event
	var places []int
	contract := e.Plan().Spec.Contract
	for i := range items {
		out[i].ID = items[i].ID
		event, err := fix.reread(&items[i], contract)
		if err != nil {
			out[i].Faults = ingest.FaultsOf(err)
			continue
		}
		events, places = append(events, event), append(places, i)
	}
	if len(events) == 0 {
		return out, nil
	}
	results, err := e.Ingest(ctx, events, false)
	if err != nil {
		return nil, err
	}
	var done []string
	for k := range results {
		r, o := &results[k], &out[places[k]]
		if r.Err != nil {
			o.Faults = ingest.FaultsOf(r.Err)
			continue
		}
		o.EventID, o.Offset, o.Repeated = r.Event.ID, r.Event.Offset, r.Repeated
		done = append(done, o.ID)
	}
	// A crash before the drop leaves items that are recognised as recorded.
	_, err = q.Drop(done)
	return out, err
}

// reread decodes an item with the fix applied.
func (f Fix) reread(it *quarantine.Item, contract *orrery.Contract) (orrery.Event, error) {
	in := it.Input()
	if f.Text != "" {
		in.Text, in.Length = f.Text, int64(len(f.Text))
		if in.Format == ingest.InputCSV && f.Text[0] == '{' {
			in.Format = ingest.InputJSON
		}
	}
	if t := contract.Event(it.Event); t != nil && in.Whole() {
		var err error
		if in, err = in.With(t, f.Set); err != nil {
			return orrery.Event{}, err
		}
	}
	return in.Reread(contract, it.Event)
}
