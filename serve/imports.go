package serve

import (
	"encoding/json"
	"slices"

	"orrery.dev"
	"orrery.dev/ingest"
)

// importsKept is how many imports are remembered, the latest. One that is
// forgotten starts over, and its events are recognised by their ids.
const importsKept = 64

const importsName = "imports"

// namedPosition is how far an import has come.
type namedPosition struct {
	Import string `json:"import"`
	ingest.Position
}

// Imported gives how far the import of a name has come, the zero Position where
// it is not known. Every event before it is durable.
func (e *Engine) Imported(name string) (ingest.Position, error) {
	e.imports.Lock()
	defer e.imports.Unlock()
	all, err := e.positions()
	if err != nil {
		return ingest.Position{}, err
	}
	for _, p := range all {
		if p.Import == name {
			return p.Position, nil
		}
	}
	return ingest.Position{}, nil
}

// SetImported remembers, durably, how far an import has come. It may only be
// told of events that Ingest has dealt with, and whose refusals are kept
// elsewhere by now: a position is behind the log or at it, never ahead.
func (e *Engine) SetImported(name string, at ingest.Position) error {
	e.imports.Lock()
	defer e.imports.Unlock()
	all, err := e.positions()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(p namedPosition) bool { return p.Import == name })
	all = append(all, namedPosition{name, at})
	text, err := json.Marshal(all[max(0, len(all)-importsKept):])
	if err != nil {
		return err
	}
	return e.store.Meta().Put(map[string][]byte{importsName: text})
}

func (e *Engine) positions() ([]namedPosition, error) {
	text, ok, err := e.store.Meta().Get(importsName)
	if err != nil || !ok {
		return nil, err
	}
	var all []namedPosition
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, orrery.Errorf(orrery.Damaged, "imports_damaged", "the positions of imports cannot be read").Because(err)
	}
	return all, nil
}

// Now is the engine's clock.
func (e *Engine) Now() orrery.Instant { return e.options.Clock() }
