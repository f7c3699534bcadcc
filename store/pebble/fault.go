package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"orrery.dev"
)

// fault is the first thing that went wrong under an instance; there is no
// second.
type fault struct {
	// dir is the instance's directory, for messages.
	dir    string
	once   sync.Once
	failed chan struct{}
	cause  error
}

func newFault(dir string) *fault { return &fault{dir: dir, failed: make(chan struct{})} }

// set records the fault unless there is one, and gives the one recorded.
func (f *fault) set(cause error) error {
	f.once.Do(func() {
		f.cause = explain(f.dir, cause)
		close(f.failed)
	})
	return f.cause
}

// err gives the fault, nil while there is none.
func (f *fault) err() error {
	select {
	case <-f.failed:
		return f.cause
	default:
		return nil
	}
}

// run does work that writes, and waits for its end or for a fault, whichever
// comes first. Work that meets a fault never ends: see frozenFS.
func (f *fault) run(work func() error) error {
	_, err := f.runInSteps(work, nil)
	return err
}

// runInSteps is run for work whose second step, where there is one, need not be
// waited for at once: wait does that.
func (f *fault) runInSteps(first, second func() error) (wait func() error, err error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	ended, secondEnded := make(chan error, 1), make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				_ = f.set(fmt.Errorf("%v", p))
			}
		}()
		err := first()
		ended <- err
		if err == nil && second != nil {
			secondEnded <- second()
		}
	}()
	if err := f.await(ended); err != nil {
		return nil, err
	}
	return func() error { return f.await(secondEnded) }, nil
}

// await waits for the end of a step, or for a fault.
func (f *fault) await(ended <-chan error) error {
	select {
	case err := <-ended:
		if err != nil {
			return f.set(err)
		}
		return nil
	case <-f.failed:
		return f.cause
	}
}

// explain makes an error of the disk or of Pebble one that a person can act on.
func explain(path string, cause error) error {
	var known *orrery.Error
	switch {
	case cause == nil:
		return nil
	case errors.As(cause, &known):
		return cause
	case errors.Is(cause, syscall.ENOSPC), errors.Is(cause, syscall.EDQUOT):
		return orrery.Errorf(orrery.Unavailable, "disk_full", "the disk that holds %s is full", path).Because(cause).
			WithNext("make room on it and start again; nothing acknowledged is lost")
	case errors.Is(cause, fs.ErrPermission), errors.Is(cause, syscall.EROFS):
		return orrery.Errorf(orrery.Invalid, "data_dir_permission", "%s cannot be read and written by this user", path).Because(cause).
			WithNext("give the user access to it, or choose another directory")
	case pebble.IsCorruptionError(cause):
		return damaged(path, cause)
	}
	return orrery.Errorf(orrery.Unavailable, "disk_failed", "reading or writing %s failed", path).Because(cause).
		WithNext("look after the disk and start again; nothing acknowledged is lost")
}

func damaged(path string, cause error) *orrery.Error {
	e := orrery.Errorf(orrery.Damaged, "data_dir_damaged", "%s cannot be read as it was written", path).Because(cause)
	if filepath.Base(path) == "state" {
		return e.WithNext("stop the server and remove %s, which is rebuilt from the log", path)
	}
	return e.WithNext("restore the data directory from a backup")
}
