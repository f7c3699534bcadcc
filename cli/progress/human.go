package progress

import (
	"fmt"
	"strconv"
	"time"
)

// Count writes a whole number with its thousands apart: 1,169,723.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	text := make([]byte, 0, len(digits)+len(digits)/3)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			text = append(text, ',')
		}
		text = append(text, digits[i])
	}
	return sign + string(text)
}

// Rate writes how many a second: 7.3/s, 812k/s, 1.2M/s.
func Rate(perSecond float64) string { return scaled(perSecond, "", "k", "M", "G", "T") + "/s" }

// byteCount writes a size in decimal units: 120 B, 1.2 MB.
func byteCount(n float64) string { return scaled(n, " B", " kB", " MB", " GB", " TB", " PB", " EB") }

// scaled writes a number with two or three digits and the unit of its size.
func scaled(x float64, units ...string) string {
	i := 0
	// What would be rounded to 1000 belongs to the next unit.
	for ; x >= 999.5 && i < len(units)-1; i++ {
		x /= 1000
	}
	if x >= 9.95 || x == float64(int64(x)) && i == 0 {
		return strconv.FormatFloat(x, 'f', 0, 64) + units[i]
	}
	return strconv.FormatFloat(x, 'f', 1, 64) + units[i]
}

// Elapsed writes a span of time with as much detail as matters: 12 ms, 3.4 s,
// 48 s, 2 min 05 s, 1 h 02 min, 3 d 4 h.
func Elapsed(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 100*time.Millisecond:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	seconds := int64(d.Round(time.Second) / time.Second)
	minutes, hours := seconds/60, seconds/3600
	switch {
	case minutes < 1:
		return fmt.Sprintf("%d s", seconds)
	case hours < 1:
		return fmt.Sprintf("%d min %02d s", minutes, seconds%60)
	case hours < 24:
		return fmt.Sprintf("%d h %02d min", hours, minutes%60)
	}
	return fmt.Sprintf("%d d %d h", hours/24, hours%24)
}

// amount writes how many of a unit, with the name where there is one.
func amount(n int64, unit, name string) string {
	switch {
	case unit == Bytes:
		return byteCount(float64(n))
	case name == "":
		return Count(n)
	}
	return Count(n) + " " + name
}
