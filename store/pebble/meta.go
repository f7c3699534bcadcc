package pebble

import "github.com/cockroachdb/pebble/v2"

// metaPort is the store's Meta, in the log instance.
type metaPort struct{ *engine }

func metaKey(name string) []byte { return append([]byte{metaPrefix}, name...) }

func (m metaPort) Put(values map[string][]byte) error {
	if err := m.err(); err != nil || len(values) == 0 {
		return err
	}
	batch := m.db.NewBatch()
	for name, value := range values {
		if err := batch.Set(metaKey(name), value, nil); err != nil {
			return m.set(err)
		}
	}
	return m.commit(batch, pebble.Sync)
}

func (m metaPort) Get(name string) ([]byte, bool, error) { return m.get(metaKey(name)) }

func (m metaPort) List(prefix string) ([]string, error) {
	start := metaKey(prefix)
	it, err := m.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: after(start)})
	if err != nil {
		return nil, explain(m.dir, err)
	}
	var names []string
	for ok := it.First(); ok; ok = it.Next() {
		names = append(names, string(it.Key()[1:]))
	}
	if err := it.Close(); err != nil {
		return nil, explain(m.dir, err)
	}
	return names, nil
}
