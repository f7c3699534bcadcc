//go:build linux

package load

import (
	"syscall"
	"time"
)

// nap sleeps in the kernel: the runtime's own timers are as late as a
// millisecond when nothing else is going on.
func nap(d time.Duration) {
	spec := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&spec, nil)
}
