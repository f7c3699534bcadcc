//go:build unix

package cli

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// processCPU gives the processor time that this process has used.
func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineCPU gives the processor time that has been used on the machine since it
// started, 0 where the system does not tell.
func machineCPU() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return usedTime(text)
}

// usedTime reads the first line of /proc/stat: after the name, hundredths of a
// second of user, nice, system, idle, iowait, irq, softirq and more, which are of
// other machines or counted before.
func usedTime(stat []byte) (used time.Duration) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	for i, field := range bytes.Fields(line) {
		switch i {
		case 1, 2, 3, 6, 7:
			n, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return 0
			}
			used += time.Duration(n) * time.Second / 100
		}
	}
	return used
}

// bytesWritten gives the bytes that this process has caused to be written to
// disks, -1 where the system does not tell.
func bytesWritten() int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return -1
	}
	for line := range bytes.Lines(text) {
		if value, found := bytes.CutPrefix(line, []byte("write_bytes: ")); found {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}
