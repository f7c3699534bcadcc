package serve

import (
	"sync"

	"orrery.dev"
	"orrery.dev/store"
)

const (
	contractName   = "contract"  // the fingerprint in force
	contractPrefix = "contract/" // each contract by fingerprint
)

// contracts gives the contract of a fingerprint, for records written under it.
type contracts struct {
	meta  store.Meta
	mutex sync.Mutex
	known map[orrery.Fingerprint]*orrery.Contract
}

func newContracts(meta store.Meta) *contracts {
	return &contracts{meta: meta, known: map[orrery.Fingerprint]*orrery.Contract{}}
}

// agree makes c the store's contract if it has none, and refuses a store that
// was written under another.
func (k *contracts) agree(c *orrery.Contract) error {
	fingerprint := c.Fingerprint()
	recorded, ok, err := k.meta.Get(contractName)
	if err != nil {
		return err
	}
	if ok && string(recorded) != fingerprint.String() {
		return orrery.Errorf(orrery.Conflict, "contract_changed", "the data was written under contract %s, and the spec's entities and events make contract %s",
			recorded, fingerprint).WithNext("restore the spec's entities and events, or start a new data directory")
	}
	k.known[fingerprint] = c
	if ok {
		return nil
	}
	return k.meta.Put(map[string][]byte{contractName: []byte(fingerprint.String()), contractPrefix + fingerprint.String(): c.Encode()})
}

// find gives the contract of a fingerprint, nil when the store has none.
func (k *contracts) find(f orrery.Fingerprint) *orrery.Contract {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if c, ok := k.known[f]; ok {
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
	k.known[f] = c
	return c
}
