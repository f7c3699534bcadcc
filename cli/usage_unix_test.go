//go:build unix

package cli

import (
	"testing"
	"time"
)

func TestUsedTime(t *testing.T) {
	const stat = "cpu  100 20 3 5000 70 4 5 900 11 12\ncpu0 1 2 3 4\n"
	if used := usedTime([]byte(stat)); used != (100+20+3+4+5)*10*time.Millisecond {
		t.Errorf("%v", used)
	}
	if used := usedTime([]byte("cpu  x")); used != 0 {
		t.Errorf("of what is no number: %v", used)
	}
}
