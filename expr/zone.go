package expr

import (
	"regexp"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/zones"
)

// zone gives how far the clocks of a time zone are ahead of UTC. What package
// time looks up for each instant is laid out once: a bucket of about 101 days
// names the period in force when it begins.
type zone struct {
	// fixed says that the clocks are always this far ahead, in microseconds.
	fixed bool
	ahead int64
	// periods are in the order of time; buckets index them.
	periods  []period
	buckets  []uint16
	location *time.Location
}

// period has one offset from its start to that of the next.
type period struct{ start, ahead int64 }

// The years 1900 to 2200 are laid out; the others are looked up.
const (
	bucketBits = 43
	laidFrom   = -2208988800 * int64(orrery.Second)
	laidTo     = 7258118400 * int64(orrery.Second)
)

func newZone(location *time.Location) *zone {
	if location == nil {
		location = time.UTC
	}
	z := &zone{location: location}
	if location == time.UTC || location.String() == "UTC" {
		z.fixed = true
		return z
	}
	z.layPeriods()
	p := uint16(0)
	for at := laidFrom; at < laidTo; at += 1 << bucketBits {
		for int(p)+1 < len(z.periods) && z.periods[p+1].start <= at {
			p++
		}
		z.buckets = append(z.buckets, p)
	}
	start, end := time.UnixMicro(laidFrom).In(location).ZoneBounds()
	if z.fixed = start.IsZero() && end.IsZero(); z.fixed {
		z.ahead = z.periods[0].ahead
	}
	return z
}

func (z *zone) layPeriods() {
	for at := laidFrom; at < laidTo; {
		ahead := z.lookUp(at)
		if last := len(z.periods) - 1; last < 0 || z.periods[last].ahead != ahead {
			z.periods = append(z.periods, period{at, ahead})
		}
		_, end := time.UnixMicro(at).In(z.location).ZoneBounds()
		if end.IsZero() {
			return
		}
		next := end.UnixMicro()
		if next <= at {
			// Where a rule stands for the years to come, package time takes a year
			// for 365 days: on the last day of a leap year, its end has passed.
			next = at + int64(orrery.Day)
		}
		at = next
	}
}

// lookUp asks package time.
func (z *zone) lookUp(micros int64) int64 {
	_, seconds := time.UnixMicro(micros).In(z.location).Zone()
	return int64(seconds) * int64(orrery.Second)
}

// aheadAt gives how many microseconds the clocks are ahead of UTC at an instant.
func (z *zone) aheadAt(micros int64) int64 {
	if micros < laidFrom || micros >= laidTo {
		return z.lookUp(micros)
	}
	p := int(z.buckets[(micros-laidFrom)>>bucketBits])
	for p+1 < len(z.periods) && z.periods[p+1].start <= micros {
		p++
	}
	return z.periods[p].ahead
}

var offsetPattern = regexp.MustCompile(`^([+-]?)([0-9]{2}):([0-9]{2})$`)

// location gives the zone of a name: one of the IANA's, or an offset such as
// +02:00.
func location(name string) (*time.Location, error) {
	m := offsetPattern.FindStringSubmatch(name)
	if m == nil {
		return zones.Load(name)
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi(m[3])
	if hours > 14 || minutes > 59 {
		return nil, zones.ErrUnknown
	}
	seconds := hours*3600 + minutes*60
	if m[1] == "-" {
		seconds = -seconds
	}
	return time.FixedZone(name, seconds), nil
}
