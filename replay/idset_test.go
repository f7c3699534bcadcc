package replay

import (
	"strconv"
	"testing"
)

func TestIDSetAgreesWithMap(t *testing.T) {
	set, oracle := newIDSet(), map[string]bool{}
	for i := range 200_000 {
		kind, id := i%2, strconv.Itoa(i*7919%120_000)
		key := strconv.Itoa(kind) + "/" + id
		if got, want := set.add(kind, id), !oracle[key]; got != want {
			t.Fatalf("add(%d, %q) = %v after %d, want %v", kind, id, got, i, want)
		}
		oracle[key] = true
	}
}
