//go:build !unix

package cli

import "time"

func processCPU() time.Duration { return 0 }

func machineCPU() time.Duration { return 0 }

func bytesWritten() int64 { return -1 }
