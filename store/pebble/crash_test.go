package pebble_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/store/storetest"
)

// machine is a computer whose disk forgets what was not synced.
type machine struct {
	disk    *vfs.MemFS
	onWrite func() error
}

func newMachine() storetest.Machine { return &machine{disk: vfs.NewCrashableMem()} }

func (m *machine) OnWrite(f func() error) { m.onWrite = f }

func (m *machine) Open() (store.Store, error) {
	o := small
	o.FS = m.disk
	if m.onWrite != nil {
		o.FS = errorfs.Wrap(m.disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpLock || op.Kind == errorfs.OpFilePreallocate {
				return nil
			}
			return m.onWrite()
		}))
	}
	return pebble.Open("/data", o)
}

func (m *machine) Crash(seed uint64, keep int) storetest.Machine {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &machine{disk: m.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rng})}
}

func TestCrash(t *testing.T) { storetest.RunCrash(t, newMachine) }
