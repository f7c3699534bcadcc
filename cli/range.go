package cli

import (
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/replay"
)

// parseRange reads FROM..TO, each a day in the system's zone or an instant in
// RFC 3339; half-open.
func parseRange(text string, zone *time.Location) (replay.Range, error) {
	from, to, ok := strings.Cut(text, "..")
	if !ok {
		return replay.Range{}, rangeError(text, "it needs two ends")
	}
	var r replay.Range
	var err error
	if r.From, err = parseInstant(from, zone); err != nil {
		return r, rangeError(text, "%q is neither a day nor an instant", from)
	}
	if r.To, err = parseInstant(to, zone); err != nil {
		return r, rangeError(text, "%q is neither a day nor an instant", to)
	}
	if r.Empty() {
		return r, rangeError(text, "it ends where it begins or before")
	}
	return r, nil
}

func rangeError(text, format string, args ...any) error {
	return orrery.Errorf(orrery.Invalid, "range_invalid", "the range %q is not one: "+format, append([]any{text}, args...)...).
		WithNext("write it as in 2018-07-04..2018-07-11, or with instants such as 2018-07-04T12:00:00Z; the end is not included")
}

func parseInstant(text string, zone *time.Location) (orrery.Instant, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return orrery.InstantOf(t), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return orrery.InstantOf(t), err
}
