package serve

import (
	"maps"
	"sync"
	"sync/atomic"

	"orrery.dev"
	"orrery.dev/spec"
	"orrery.dev/store"
)

const (
	contractName   = "contract"  // the fingerprint in force
	contractPrefix = "contract/" // each contract by fingerprint
)

// contracts knows the contract in force and those before it, each of which the
// next extends. It is safe for concurrent use.
type contracts struct {
	meta   store.Meta
	opener orrery.Opener
	mutex  sync.Mutex
	// written has each contract under which there are records.
	written map[orrery.Fingerprint]*orrery.Contract
	// views is how to read each into the one in force; it is replaced, never
	// changed, so that reading a record takes no lock.
	views   atomic.Pointer[map[orrery.Fingerprint]*orrery.View]
	current *orrery.Contract
}

func newContracts(st store.Store) *contracts {
	k := &contracts{meta: st.Meta(), opener: opener{st}, written: map[orrery.Fingerprint]*orrery.Contract{}}
	k.views.Store(&map[orrery.Fingerprint]*orrery.View{})
	return k
}

// inForce gives the contract of the data, nil where there is none yet.
func (k *contracts) inForce() (*orrery.Contract, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.load()
}

func (k *contracts) load() (*orrery.Contract, error) {
	if k.current != nil {
		return k.current, nil
	}
	name, ok, err := k.meta.Get(contractName)
	if err != nil || !ok {
		return nil, err
	}
	text, ok, err := k.meta.Get(contractPrefix + string(name))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, orrery.Errorf(orrery.Damaged, "contract_unknown", "the contract in force, %s, is not recorded", name).
			WithNext("restore the data directory from a copy")
	}
	c, err := orrery.DecodeContract(text)
	if err != nil {
		return nil, err
	}
	k.adopt(c)
	return c, nil
}

// adopt makes c the contract that records are read into.
func (k *contracts) adopt(c *orrery.Contract) {
	k.current = c
	k.written[c.Fingerprint()] = c
	views := make(map[orrery.Fingerprint]*orrery.View, len(k.written))
	for f, w := range k.written {
		views[f] = &orrery.View{Written: w, Current: c, Opener: k.opener}
	}
	k.views.Store(&views)
}

// extend makes c, which extends the contract in force, the one in force.
func (k *contracts) extend(c *orrery.Contract) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	fingerprint := c.Fingerprint()
	before, err := k.load()
	if err != nil {
		return err
	}
	if before == nil || before.Fingerprint() != fingerprint {
		if err := k.meta.Put(map[string][]byte{contractName: []byte(fingerprint.String()), contractPrefix + fingerprint.String(): c.Encode()}); err != nil {
			return err
		}
	}
	k.adopt(c)
	return nil
}

// find says how to read records written under a contract, nil when the store
// does not know it. What comes out is of the contract in force.
func (k *contracts) find(f orrery.Fingerprint) *orrery.View {
	if v := (*k.views.Load())[f]; v != nil {
		return v
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if c, err := k.load(); err != nil || c == nil {
		return nil
	}
	w := k.readWritten(f)
	if w == nil {
		return nil
	}
	v := &orrery.View{Written: w, Current: k.current, Opener: k.opener}
	views := maps.Clone(*k.views.Load())
	views[f] = v
	k.views.Store(&views)
	return v
}

func (k *contracts) readWritten(f orrery.Fingerprint) *orrery.Contract {
	if c := k.written[f]; c != nil {
		return c
	}
	text, ok, err := k.meta.Get(contractPrefix + f.String())
	if err != nil || !ok {
		return nil
	}
	c, err := orrery.DecodeContract(text)
	if err != nil {
		return nil
	}
	k.written[f] = c
	return c
}

// into reads records as events of c, which extends the contract in force.
func (k *contracts) into(c *orrery.Contract) func(orrery.Fingerprint) *orrery.View {
	var views sync.Map
	return func(f orrery.Fingerprint) *orrery.View {
		if v, ok := views.Load(f); ok {
			return v.(*orrery.View)
		}
		found := k.find(f)
		if found == nil {
			return nil
		}
		v := &orrery.View{Written: found.Written, Current: c, Opener: k.opener}
		views.Store(f, v)
		return v
	}
}

// Fit gives the spec as it works on the store's data: its contract is the data's
// with what the spec adds. A spec that changes more is refused with every fault
// of the change; one that merely lacks something only where strict.
func (r *Reader) Fit(s *spec.Spec, strict bool) (*spec.Spec, error) {
	base, err := r.contracts.inForce()
	if err != nil || base == nil {
		return s, err
	}
	merged, faults := base.Merge(s.Contract)
	if !strict {
		faults = faults.Contradictions()
	}
	if len(faults) > 0 {
		return nil, contractChanged(faults)
	}
	if merged.Fingerprint() == s.Contract.Fingerprint() {
		return s, nil
	}
	fitted, diagnostics := spec.CheckUnder(s.Path, s.Source, r.registry, merged)
	if fitted == nil {
		return nil, orrery.Errorf(orrery.Internal, "contract_mismatch", "the spec does not check under the data's contract: %s", diagnostics[0].Message)
	}
	return fitted, nil
}

func contractChanged(faults orrery.ContractFaults) error {
	return orrery.Errorf(orrery.Conflict, "contract_changed", "the data was recorded under entities and events that the spec changes").Because(faults).
		WithNext("mend each, or start a new data directory")
}
