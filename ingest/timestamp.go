package ingest

import "orrery.dev"

const microsPerDay = int64(orrery.Day)

// The first and the last instant: the years 1 to 9999 in UTC.
const (
	firstDay = -719162
	lastDay  = 2932896
)

// dayCache remembers the last date read: events that follow one another mostly
// share theirs.
type dayCache struct {
	text string
	day  int64
}

// instant reads an RFC 3339 timestamp, and what databases and data frames write in
// place of it: a space for the T, lower-case letters, an offset without its colon
// or its minutes. None of these can be taken for another instant.
func (c *dayCache) instant(s string) (orrery.Instant, flaw) {
	if len(s) < len("2006-01-02T15:04:05Z") {
		return 0, shortTimestamp(s)
	}
	day := c.day
	if s[:10] != c.text {
		var wrong flaw
		if day, wrong = dateDay(s[:10]); wrong != fine {
			return 0, wrong
		}
		c.text, c.day = s[:10], day
	}
	if !between(s[10]) {
		return 0, flawTimeShape
	}
	of, wrong := clock(s[11:19])
	if wrong != fine {
		return 0, wrong
	}
	fraction, zone := fractionMicros(s[19:])
	if zone == "Z" && fraction >= 0 {
		return orrery.Instant(day*microsPerDay + of + fraction), fine
	}
	if fraction < 0 {
		return 0, flawTimeShape
	}
	offset, wrong := zoneMicros(zone)
	if wrong != fine {
		return 0, wrong
	}
	at := day*microsPerDay + of + fraction - offset
	if at < firstDay*microsPerDay || at >= (lastDay+1)*microsPerDay {
		return 0, flawTimeYear
	}
	return orrery.Instant(at), fine
}

// between reports whether a byte can stand between a day and its time.
func between(b byte) bool { return b == 'T' || b == ' ' || b == 't' }

func shortTimestamp(s string) flaw {
	if len(s) == len("2006-01-02T15:04:05") && between(s[10]) {
		return flawTimeZone
	}
	return flawTimeShape
}

// two reads two digits, -1 where they are none.
func two(s string) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// dateDay reads YYYY-MM-DD as days since 1970-01-01.
func dateDay(s string) (int64, flaw) {
	century, rest, month, day := two(s[0:2]), two(s[2:4]), two(s[5:7]), two(s[8:10])
	if century < 0 || rest < 0 || month < 0 || day < 0 || s[4] != '-' || s[7] != '-' {
		return 0, flawTimeShape
	}
	year := century*100 + rest
	if year == 0 {
		return 0, flawTimeYear
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, flawTimeDate
	}
	return civilDay(year, month, day), fine
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// civilDay counts days since 1970-01-01 in the proleptic Gregorian calendar, by
// Hinnant's days_from_civil: years begin in March, so that the leap day is last.
func civilDay(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era, yearOfEra := year/400, year%400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return int64(era*146097 + dayOfEra - 719468)
}

// clock reads HH:MM:SS in microseconds.
func clock(s string) (int64, flaw) {
	hour, minute, second := two(s[0:2]), two(s[3:5]), two(s[6:8])
	if hour < 0 || minute < 0 || second < 0 || s[2] != ':' || s[5] != ':' {
		return 0, flawTimeShape
	}
	switch {
	case hour == 24:
		return 0, flawTimeMidnight
	case second == 60:
		return 0, flawTimeLeap
	case hour > 23 || minute > 59 || second > 59:
		return 0, flawTimeClock
	}
	return int64(hour*3600+minute*60+second) * int64(orrery.Second), fine
}

// fractionMicros reads the digits after the seconds, if any, -1 where a point
// has none behind it, and gives the rest.
func fractionMicros(s string) (micros int64, rest string) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s
	}
	i, unit := 1, int64(100_000)
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		micros += int64(s[i]-'0') * unit
		unit /= 10
	}
	if i == 1 {
		return -1, s
	}
	return micros, s[i:]
}

// zoneMicros reads Z, or + or - with HH:MM, HHMM or HH behind it.
func zoneMicros(s string) (int64, flaw) {
	switch {
	case s == "Z" || s == "z":
		return 0, fine
	case s == "":
		return 0, flawTimeZone
	case s[0] != '+' && s[0] != '-':
		return 0, flawTimeShape
	}
	hour, minute := -1, 0
	switch {
	case len(s) == len("+00:00") && s[3] == ':':
		hour, minute = two(s[1:3]), two(s[4:6])
	case len(s) == len("+0000"):
		hour, minute = two(s[1:3]), two(s[3:5])
	case len(s) == len("+00"):
		hour = two(s[1:3])
	default:
		return 0, flawTimeShape
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, flawTimeClock
	}
	offset := int64(hour*60+minute) * int64(orrery.Minute)
	if s[0] == '-' {
		offset = -offset
	}
	return offset, fine
}
