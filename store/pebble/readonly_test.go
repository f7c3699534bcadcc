package pebble_test

import (
	"maps"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// TestReadOnly looks at a directory that a crash left with records in its
// write-ahead log only: all is there, nothing changes, and nothing can be written.
func TestReadOnly(t *testing.T) {
	dir := filled(t)
	before := tree(t, dir)
	s, err := pebble.OpenReadOnly(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.Log().Last()
	if err != nil || last == 0 {
		t.Fatalf("the log ends at %d, %v", last, err)
	}
	if logErr, stateErr := s.ReadAll(t.Context(), nil); logErr != nil || stateErr != nil {
		t.Errorf("reading all: %v, %v", logErr, stateErr)
	}
	_, blobErr := s.Blob().Put([]byte("x"))
	_, startErr := s.Log().Start(&store.Batch{Records: []store.Record{{Offset: last + 1, Kind: 1}}})
	for i, err := range []error{
		s.Log().Append(&store.Batch{Records: []store.Record{{Offset: last + 1, Kind: 1}}}, true), startErr,
		s.Log().Cut(&store.Cut{Before: 1}), s.Meta().Put(map[string][]byte{"a": nil}), blobErr,
		s.State().Write([]store.StateItem{{Key: "k"}}), s.State().Mark(1, []store.TableID{{1}}), s.State().Drop(store.TableID{1}),
	} {
		if orrery.CodeOf(err) != "read_only" {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if _, err := pebble.Open(dir, small); orrery.CodeOf(err) != "data_dir_in_use" {
		t.Errorf("open beside it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !maps.Equal(before, tree(t, dir)) {
		t.Error("looking changed the directory")
	}
	if _, err := pebble.OpenReadOnly(t.TempDir(), small); orrery.CodeOf(err) != "data_dir_missing" {
		t.Errorf("an empty directory: %v", err)
	}
}
