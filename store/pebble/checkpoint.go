package pebble

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
)

// checkpointName is the folder of the data directory in which a checkpoint
// stands while it is used.
const checkpointName = "checkpoint"

// Checkpoint has a function use a copy of the data as it is at one moment: a data
// directory of its own, gone when the function returns. The store serves
// meanwhile; what is immutable is linked, so the copy costs little time and room.
// State is taken before the log, and is therefore never ahead of it. The error is
// of kind Conflict with code checkpoint_under_way while another one is used.
func (s *Store) Checkpoint(use func(dir string) error) error {
	if !s.checkpointing.TryLock() {
		return orrery.Errorf(orrery.Conflict, "checkpoint_under_way", "another copy of %s is being made", s.dir.path).WithNext("wait until it is done")
	}
	defer s.checkpointing.Unlock()
	dir := s.dir.join(checkpointName)
	if err := s.dir.fs.RemoveAll(dir); err != nil {
		return explain(dir, err)
	}
	err := s.checkpoint(dir)
	if err == nil {
		err = use(dir)
	}
	// What cannot be removed now is removed by the next checkpoint or Open.
	_ = s.dir.fs.RemoveAll(dir)
	return err
}

func (s *Store) checkpoint(dir string) error {
	disk := s.dir.fs
	if err := s.dir.makeDir(dir); err != nil {
		return explain(dir, err)
	}
	// Between the two copies the log may grow, but its beginning has to stay: the
	// state that is copied goes on from it.
	s.records.cutting.Lock()
	defer s.records.cutting.Unlock()
	if err := s.state.copyTo(disk.PathJoin(dir, "state")); err != nil {
		return err
	}
	if err := s.log.copyTo(disk.PathJoin(dir, "log"), pebble.WithFlushedWAL()); err != nil {
		return err
	}
	// Content comes before what names it, so all that the log names is there.
	if err := s.blobs.linkTo(disk.PathJoin(dir, "blobs")); err != nil {
		return explain(dir, err)
	}
	from, to := directory{fs: disk, path: s.dir.path}, directory{fs: disk, path: dir}
	if err := from.checkFormat(); err != nil {
		return err
	}
	return explain(dir, to.writeFormat(from.format))
}

// copyTo makes a checkpoint of the instance. A failure to write it is not a
// fault of the instance: see frozenFS.
func (e *engine) copyTo(dir string, options ...pebble.CheckpointOption) (err error) {
	if err := e.err(); err != nil {
		return err
	}
	defer func() {
		// Pebble panics where a directory cannot be synced; it holds no lock then.
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok {
				cause = fmt.Errorf("%v", p)
			}
			err = explain(dir, cause)
		}
	}()
	return explain(dir, e.db.Checkpoint(dir, options...))
}

// linkTo puts every content under its name into another folder too.
func (b *blobPort) linkTo(dir string) error {
	digests, err := b.List()
	if err == nil {
		err = b.fs.MkdirAll(dir, 0o755)
	}
	for _, digest := range digests {
		if err == nil {
			err = vfs.LinkOrCopy(b.fs, b.fs.PathJoin(b.dir, digest), b.fs.PathJoin(dir, digest))
		}
	}
	return err
}
