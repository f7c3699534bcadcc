package serve

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"orrery.dev"
	"orrery.dev/replay"
	"orrery.dev/store"
)

// releasesName is where Meta has the releases whose decisions the log may have.
const releasesName = "releases"

// releases knows which releases made the decisions of the log: verification
// needs the base of all of them. It is safe for concurrent use.
type releases struct {
	store store.Store
	mutex sync.Mutex
	// until has the offset up to which each may have decided, 0 for the one in
	// force; it is nil before the list was made, which the first cut does.
	until map[orrery.ReleaseID]orrery.Offset
	// written is what Meta has.
	written map[orrery.ReleaseID]orrery.Offset
}

// load reads the list. What was in force when the last process ended has decided
// up to the end of the log at most.
func (k *releases) load(last orrery.Offset) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	text, ok, err := k.store.Meta().Get(releasesName)
	if err != nil {
		return err
	}
	if !ok {
		if last == 0 {
			k.until = map[orrery.ReleaseID]orrery.Offset{}
		}
		return nil
	}
	if err := json.Unmarshal(text, &k.written); err != nil {
		return orrery.Errorf(orrery.Damaged, "releases_damaged", "the list of the releases that made decisions cannot be read").Because(err).
			WithNext("restore the data directory from a copy")
	}
	k.until = maps.Clone(k.written)
	for id, until := range k.until {
		if until == 0 {
			k.until[id] = last
		}
	}
	return nil
}

// begin notes, durably, that a release is about to decide.
func (k *releases) begin(id orrery.ReleaseID) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.until == nil {
		return nil
	}
	k.until[id] = 0
	if until, ok := k.written[id]; ok && until == 0 {
		return nil
	}
	return k.write()
}

// end notes that a release has made its last decision before an offset.
func (k *releases) end(id orrery.ReleaseID, at orrery.Offset) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.until != nil {
		k.until[id] = at
	}
}

// make lists the releases of a log that was written before there was a list.
func (k *releases) make(ctx context.Context, current orrery.ReleaseID) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.until != nil {
		return nil
	}
	last, err := k.store.Log().Last()
	if err != nil {
		return err
	}
	found, err := replay.Releases(ctx, k.store.Log(), newContracts(k.store).find)
	if err != nil {
		return err
	}
	k.until = map[orrery.ReleaseID]orrery.Offset{}
	for _, id := range found {
		k.until[id] = last
	}
	k.until[current] = 0
	return k.write()
}

// split gives the releases that may have decided from an offset on, and drops
// the others from the list; the value to write says so.
func (k *releases) split(first orrery.Offset) (kept, dropped []orrery.ReleaseID, text []byte, err error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, id := range slices.Sorted(maps.Keys(k.until)) {
		if until := k.until[id]; until == 0 || until >= first {
			kept = append(kept, id)
		} else {
			dropped = append(dropped, id)
		}
	}
	for _, id := range dropped {
		delete(k.until, id)
	}
	text, err = json.Marshal(k.until)
	k.written = maps.Clone(k.until)
	return kept, dropped, text, err
}

func (k *releases) write() error {
	text, err := json.Marshal(k.until)
	if err != nil {
		return err
	}
	if err := k.store.Meta().Put(map[string][]byte{releasesName: text}); err != nil {
		return err
	}
	k.written = maps.Clone(k.until)
	return nil
}
