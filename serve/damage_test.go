package serve_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// files gives the files below a directory, with their sizes.
func files(t *testing.T, disk vfs.FS, dir string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		full := disk.PathJoin(dir, name)
		info, err := disk.Stat(full)
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() {
			found[full] = info.Size()
			continue
		}
		for name, size := range files(t, disk, full) {
			found[name] = size
		}
	}
	return found
}

// flip changes one bit of a file.
func flip(t *testing.T, disk vfs.FS, name string, at int64, bit int) {
	t.Helper()
	file, err := disk.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	one := []byte{0}
	if _, err := file.ReadAt(one, at); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	one[0] ^= 1 << bit
	if _, err := file.WriteAt(one, at); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// sort gives the sort of a file of a data directory: log/*.sst, blobs/*.
func sortOf(name string) string {
	name = strings.TrimPrefix(name, "/data/")
	dir, base := path.Split(name)
	switch {
	case dir == "blobs/":
		return "blobs/*"
	case strings.HasPrefix(base, "MANIFEST"), strings.HasPrefix(base, "OPTIONS"), strings.HasPrefix(base, "marker."):
		return dir + base[:strings.IndexAny(base, "-.")]
	}
	return dir + "*" + path.Ext(base)
}

// life is a data directory with all sorts of files in it, of a machine that went
// down without notice, and what its clients were told.
func life(t *testing.T, s *spec.Spec) (*vfs.MemFS, *acknowledgements) {
	t.Helper()
	events := sample(t, s, 16)
	machine := vfs.NewCrashableMem()
	told := &acknowledgements{byID: map[string]orrery.Decision{}}
	d := openOn(t, machine, s)
	sys := &system{t: t, spec: s, store: d.store, engine: d.engine}
	third := len(events) / 3
	told.add(sys.send(events[:2*third]))
	if err := d.engine.Install(t.Context(), sys.learn(20)); err != nil {
		t.Fatal(err)
	}
	told.add(sys.send(events[2*third : 2*third+third/2]))
	d.close(t)
	d = openOn(t, machine, s)
	sys.engine, sys.store = d.engine, d.store
	told.add(sys.send(events[2*third+third/2:]))
	if err := d.engine.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := machine.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	d.close(t)
	return after, told
}

func (a *acknowledgements) add(results []serve.Result) {
	for _, r := range results {
		if r.Decision != nil {
			a.byID[r.Event.ID] = *r.Decision
		}
	}
}

// TestFlippedBits flips bits of every sort of file of a data directory. Either
// somebody is told (at the start, by an answer, or by the verification), by a
// sentence that says what to do; or it does no harm: every acknowledged decision
// is as it was. Nothing is altered or lost in silence.
func TestFlippedBits(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	whole, told := life(t, s)
	random := rand.New(rand.NewPCG(*faultSeed, 3))
	detected, harmless := map[string]int{}, map[string]int{}
	for name, size := range files(t, whole, "/data") {
		for range min(*faultRounds/2, int(size)) {
			at, bit := random.Int64N(size), random.IntN(8)
			disk := whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			flip(t, disk, name, at, bit)
			what := fmt.Sprintf("bit %d of byte %d of %d in %s", bit, at, size, name)
			err := answersAsBefore(t, disk, s, told)
			if errors.Is(err, errSilent) {
				t.Errorf("%s: %v", what, err)
				continue
			}
			if err == nil {
				harmless[sortOf(name)]++
				continue
			}
			detected[sortOf(name)]++
			mustSayWhatToDo(t, err)
			if t.Failed() {
				t.Fatal(what)
			}
		}
	}
	t.Log("detected", detected)
	t.Log("harmless", harmless)
}

// errSilent says that damage was not noticed where it had to be.
var errSilent = errors.New("in silence")

// answersAsBefore opens a data directory and looks at everything that was
// acknowledged. The error is what a user was told, or errSilent.
func answersAsBefore(t *testing.T, disk vfs.FS, s *spec.Spec, told *acknowledgements) error {
	d, err := tryOpenOn(t, disk, s)
	if err != nil {
		return err
	}
	defer func() {
		// What cannot be read may not be written either.
		_ = d.engine.Close()
		_ = d.store.Close()
	}()
	for id, want := range told.byID {
		event, got, err := d.engine.Reader().Recorded(want.Offset)
		if orrery.CodeOf(err) == "decision_not_found" || err == nil && (got == nil || event.ID != id || !sameDecision(got, &want)) {
			return fmt.Errorf("%w: %s was %+v and is %+v %v", errSilent, id, want, got, err)
		}
		if err != nil {
			return err
		}
	}
	var v *replay.Verification
	if v, err = d.engine.Reader().Verify(t.Context(), nil); err != nil {
		return err
	}
	if v.Different > 0 {
		return orrery.Errorf(orrery.Damaged, "verification", "%d differ", v.Different).WithNext("said by the verification")
	}
	return nil
}
