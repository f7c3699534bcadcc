package pebble

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"orrery.dev"
	"orrery.dev/store"
)

// OpenReadOnly opens a data directory to look at it: nothing in it changes, and
// every write is refused with code read_only. It holds the directory's lock where
// that can be had. State that is not there, or cannot be opened, counts as none;
// ReadAll says what is wrong with it. The errors are those of Open, and data_dir_missing.
func OpenReadOnly(dir string, options Options) (*Store, error) {
	o := options.withDefaults()
	path, err := resolve(o.FS, dir)
	if err != nil {
		return nil, explain(path, err)
	}
	d := &directory{fs: o.FS, path: path, lock: nothing{}}
	if err := d.inspect(); err != nil {
		return nil, err
	}
	if _, err := o.FS.Stat(d.join(formatName)); errors.Is(err, fs.ErrNotExist) {
		return nil, orrery.Errorf(orrery.NotFound, "data_dir_missing", "there is no data in %s", path).
			WithNext("name the directory that a system keeps its data in")
	}
	// A directory that this user may not write to has no writer of this user's.
	if err := d.acquire(); err != nil && orrery.CodeOf(err) != "data_dir_permission" {
		return nil, err
	}
	s := &Store{dir: d, lock: d.lock}
	if err := s.openReadOnly(d, o); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) openReadOnly(d *directory, o Options) (err error) {
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	p := logOptions(o, cache, true)
	p.ReadOnly = true
	if s.log, err = openEngine(d, "log", p); err != nil {
		return err
	}
	state, there, stateErr := openState(d, o, true)
	if s.stateErr = stateErr; there {
		s.state = state
	}
	s.values = metaPort{s.log}
	s.blobs = &blobPort{fs: d.fs, dir: d.join("blobs"), readOnly: true}
	s.records.engine = s.log
	s.records.raise = func() error { return errReadOnly }
	return s.records.findEnds()
}

var errReadOnly = orrery.Errorf(orrery.Internal, "read_only", "the data directory was opened to be read only")

// ReadAll reads every key and value of the log and the state once, so that their
// checksums are compared. tick, which may be nil, hears how many have been read.
// An error of ctx is given as both.
func (s *Store) ReadAll(ctx context.Context, tick func(keys int64)) (log, state error) {
	r := &readings{ctx: ctx, tick: tick}
	if log = s.log.readAll(r); ctx.Err() != nil {
		return context.Cause(ctx), context.Cause(ctx)
	}
	if s.state == nil {
		return log, s.stateErr
	}
	if state = s.state.explain(s.state.runs.readAll(r.one)); ctx.Err() != nil {
		return context.Cause(ctx), context.Cause(ctx)
	}
	return log, state
}

const tickKeys = 1 << 14

// readings counts the keys that have been read.
type readings struct {
	ctx  context.Context
	tick func(int64)
	keys int64
}

// one counts a key, and gives an error where reading is to end.
func (r *readings) one() error {
	if r.keys++; r.keys%tickKeys != 0 {
		return nil
	}
	if r.tick != nil {
		r.tick(r.keys)
	}
	return context.Cause(r.ctx)
}

func (e *engine) readAll(r *readings) error {
	it, err := e.db.NewIter(nil)
	if err != nil {
		return explain(e.dir, err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if _, err = it.ValueAndErr(); err == nil {
			err = r.one()
		}
	}
	return explain(e.dir, errors.Join(err, it.Close()))
}

// noState is a state store with nothing in it.
type noState struct{}

var _ store.State = noState{}

func (noState) Get(store.TableID, string) ([]byte, bool, error) { return nil, false, nil }
func (noState) Write([]store.StateItem) error                   { return errReadOnly }
func (noState) Mark(orrery.Offset, []store.TableID) error       { return errReadOnly }
func (noState) Marked(store.TableID) (orrery.Offset, error)     { return 0, nil }
func (noState) Drop(store.TableID) error                        { return errReadOnly }
func (noState) Scan(store.TableID) iter.Seq2[store.StateItem, error] {
	return func(func(store.StateItem, error) bool) {}
}
