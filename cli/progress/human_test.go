package progress

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1169723: "1,169,723", -12345: "-12,345", -999: "-999",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808"} {
		got := Count(n)
		if got != want || strings.ReplaceAll(got, ",", "") != strconv.FormatInt(n, 10) {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for x, want := range map[float64]string{0: "0/s", 0.25: "0.2/s", 7: "7/s", 7.34: "7.3/s", 9.97: "10/s", 812: "812/s", 999.6: "1.0k/s",
		812_345: "812k/s", 1_234_000: "1.2M/s", 5e15: "5000T/s"} {
		if got := Rate(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestByteCount(t *testing.T) {
	for x, want := range map[float64]string{0: "0 B", 120: "120 B", 1200: "1.2 kB", 13_200_000: "13 MB", 9.3e18: "9.3 EB"} {
		if got := byteCount(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0 s", 0: "0 ms", 12 * time.Millisecond: "12 ms", 340 * time.Millisecond: "0.3 s",
		3400 * time.Millisecond: "3.4 s", 9960 * time.Millisecond: "10 s", 48 * time.Second: "48 s",
		59600 * time.Millisecond: "1 min 00 s", 125 * time.Second: "2 min 05 s", 62 * time.Minute: "1 h 02 min", 76 * time.Hour: "3 d 4 h"} {
		if got := Elapsed(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
