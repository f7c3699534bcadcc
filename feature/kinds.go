package feature

import (
	"strconv"

	"orrery.dev/declare"
	"orrery.dev/text/simhash"
)

// kind is an aggregate's kind, the index of its declaration in Kinds.
type kind uint8

const (
	countKind kind = iota
	sumKind
	meanKind
	minKind
	maxKind
	stddevKind
	varianceKind
	quantileKind
	distinctKind
	topKind
	firstKind
	lastKind
	timeSinceLastKind
	repeatsKind
	decayedCountKind // and those after it are kept in tiles of a half-life from the first event on
	decayedSumKind
)

var (
	ordered  = []string{"int", "decimal", "float"}
	anyTyped = []string{"int", "decimal", "float", "bool", "timestamp", "string", "entity"}
	eventOf  = &declare.Field{Name: "of", Type: declare.EventRef, Required: true,
		Doc: "The event type whose events are counted.", Example: "transaction"}
	fieldOf = &declare.Field{Name: "of", Type: declare.FieldRef, Required: true,
		Doc: "The field of the event type that is aggregated. An event without the field does not count.", Example: "transaction.amount"}
	halfLife = declare.Field{Name: "half_life", Type: declare.Duration, Required: true, Above: declare.Bound(0), Example: "7d",
		Doc: "The age at which an event counts for half, at most 3,650 days."}
)

const (
	atZero    = "The event that asks counts. 0 when there is none."
	orMissing = "The event that asks counts. Missing when there is none."
	notYet    = "The event that asks does not count unless `current: true`. Missing when there is none."
	typed     = "A bool is 0 or 1, a timestamp is in seconds since 1970-01-01T00:00:00Z, and a string or an entity is a category: " +
		"the number of its text, which a model can take and from which the text cannot be had back. "
	decays = "An event counts for 2^(−age / half_life), its age being that at the end of the window, which is the event that asks, less `lag`; " +
		"what is more than 63 half-lives old may not count at all. There is no window. " +
		"Weights are whole numbers of 2^−52 and are summed exactly, so the order of arrival makes no difference; the relative error is below 10^−14 for values of one sign. " +
		"The event that asks counts. 0 when there is none. " +
		"Tiles are one half-life wide; only an asker that is itself, or with its `lag`, older than the events told apart gets the value as of the end of a tile."
)

var kinds = []declare.Kind{
	countKind: {Name: "count", Operand: eventOf,
		Doc: "How many events there are in the window. " + atZero},
	sumKind: {Name: "sum", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The sum of a field over the window's events, in the field's unit. It is exact and rounded once, so order makes no difference. " + atZero},
	meanKind: {Name: "mean", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The mean of a field over the window's events, in the field's unit, of the exact sum. " + orMissing},
	minKind: {Name: "min", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The smallest value of a field over the window's events, in the field's unit. " + orMissing},
	maxKind: {Name: "max", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The largest value of a field over the window's events, in the field's unit. " + orMissing},
	stddevKind: {Name: "stddev", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The sample standard deviation (divided by n − 1) of a field over the window's events, in the field's unit, from exact sums. " +
			"The event that asks counts. Missing when there are fewer than two."},
	varianceKind: {Name: "variance", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The sample variance (divided by n − 1) of a field over the window's events, in the square of the field's unit, from exact sums. " +
			"The event that asks counts. Missing when there are fewer than two."},
	quantileKind: {Name: "quantile", Operand: fieldOf, FieldTypes: ordered, NeedsWindow: true,
		Doc: "A quantile of a field over the window's events, in the field's unit: the smallest value that at least the share `q` of the values do not exceed " +
			"(the nearest rank), so always a value that occurs. " + orMissing + " " +
			"In a window answered from tiles it comes from buckets and is within 0.8 % of the value of that rank.",
		Fields: []declare.Field{{Name: "q", Type: declare.Number, Required: true, Min: declare.Bound(0), Max: declare.Bound(1), Example: "0.9",
			Doc: "Which quantile, from 0, the smallest value, to 1, the largest, to a millionth. 0.5 is the median."}}},
	distinctKind: {Name: "distinct", Operand: fieldOf,
		Doc: "How many different values a field takes over the window's events. " + atZero + " " +
			"It is exact, but in a window answered from tiles, and over all time (`window: ever`) once more different values have been seen than events are told apart, " +
			"it is a HyperLogLog estimate with a relative standard error of 2.3 %."},
	topKind: {Name: "top", Operand: fieldOf, GivesValue: true, FieldTypes: []string{"string", "entity", "int", "decimal", "bool"}, NeedsWindow: true,
		Doc: "The `k` most frequent values of a field over the window's events, the most frequent first; of equally frequent ones, the one whose latest event is later comes first. " +
			"Each place makes two scalars, `name_1` with the value and `name_1_share` with the share of the window's events that have it. " + typed +
			"The event that asks counts. Missing where there are fewer values. " +
			"Of a window with more events than are told apart, only the newest so many are looked at.",
		Fields: []declare.Field{{Name: "k", Type: declare.Int, Required: true, Min: declare.Bound(1), Max: declare.Bound(10), Example: "3",
			Doc: "How many values."}}},
	firstKind: {Name: "first", Operand: fieldOf, GivesValue: true, FieldTypes: anyTyped, WithoutCurrent: true,
		Doc: "The value of a field in the earliest event of the window, in the field's unit. " + typed + notYet},
	lastKind: {Name: "last", Operand: fieldOf, GivesValue: true, FieldTypes: anyTyped, WithoutCurrent: true,
		Doc: "The value of a field in the latest event of the window, in the field's unit. " + typed +
			"With `n`, the values in the latest n events, in one scalar each: `name_1` is the latest, `name_2` the one before. " + notYet +
			" Missing, too, where that event is not among those told apart.",
		Fields: []declare.Field{{Name: "n", Type: declare.Int, Min: declare.Bound(1), Max: declare.Bound(MaxRank), Example: "3",
			Doc: "How many of the latest events, each in a scalar of its own."}}},
	timeSinceLastKind: {Name: "time_since_last", Operand: eventOf, WithoutCurrent: true,
		Doc: "The seconds from the latest event of the window to the event that asks. " + notYet + " Missing, too, where that event is not among those told apart."},
	repeatsKind: {Name: "repeats", Operand: &declare.Field{Name: "of", Type: declare.FieldRef, Required: true,
		Doc: "The text that is compared: a string field of the event decided on.", Example: "message.text"},
		FieldTypes: []string{"string"}, NeedsWindow: true, OfAsker: true, WithoutCurrent: true,
		Doc: "How many events of the window have nearly the text of the event that asks, or the very same. " +
			"By an author it finds who repeats themselves; by a channel, many who post one text. " +
			"Texts are compared by 64-bit similarity hashes of their runs of five bytes (SimHash), without regard to case, punctuation, spacing, invisible characters and repeated letters; of a text, the first 16 KiB count. " +
			"The event that asks does not count unless `current: true`. 0 when there is none, missing when the event that asks has no such text. " +
			"Of a window with more events than are told apart, only the newest so many are looked at, so the cost of an event is bounded; missing where the window ends before them.",
		Fields: []declare.Field{{Name: "distance", Type: declare.Int, Default: strconv.Itoa(simhash.DefaultDistance), Min: declare.Bound(0), Max: declare.Bound(simhash.MaxDistance), Example: "12",
			Doc: "In how many of the 64 bits the hashes may differ. Unrelated texts differ in about 32, and one pair in 100,000 is within 12. " +
				"Of messages with one or two edits (a word replaced, letters swapped, a number behind it), within 12 are 58 % of those of five words, 87 % of those of twelve and 96 % of those of twenty. 0 is for texts that differ in nothing that counts."}}},
	decayedCountKind: {Name: "decayed_count", Operand: eventOf, WithoutWindow: true, Fields: []declare.Field{halfLife},
		Doc: "The number of events, older ones counting for less. " + decays},
	decayedSumKind: {Name: "decayed_sum", Operand: fieldOf, FieldTypes: ordered, WithoutWindow: true, Fields: []declare.Field{halfLife},
		Doc: "The sum of a field, in its unit, older events counting for less. " + decays},
}

// Kinds declares the kinds of aggregate that a spec can name, in the order of
// the reference page.
func Kinds() []declare.Kind { return append([]declare.Kind(nil), kinds...) }

func kindOf(name string) (kind, bool) {
	for i := range kinds {
		if kinds[i].Name == name {
			return kind(i), true
		}
	}
	return 0, false
}
