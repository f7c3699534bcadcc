// Package feature keeps windowed aggregates of events by entity: exactly over
// the newest events of each, in tiles of a stated width over what is older.
//
// # What an aggregate answers
//
// An aggregate looks at the events of one type that name one entity in one
// field (Aggregate.By), as asked by an event at instant t that names the entity
// in a field of its own (Aggregate.Key). It counts the events whose time is in
//
//	(t − lag − window, t − lag]
//
// half-open on the left; a window of 0 reaches back over all time. Only the log
// up to and including the asking event exists: events of the same instant count
// if they come earlier in the log, an event whose time is after t does not count
// even when it came first (the asker is then late), and an event that came late
// counts, at its own time, for whoever asks after it. The order among events is
// by time and then by offset.
//
// The asking event itself counts when it is of the aggregate's event type and
// names the same key, unless Aggregate.Current is false. (With a lag it is
// outside the window anyway.)
//
// An event without the entity field touches nothing. An event without the
// aggregated optional field does not count for that aggregate. Where, if given,
// must hold for an event to count. An asker without the entity key gets missing
// for the aggregates of that key. Missing is NaN.
//
// Repeats compares texts by their similarity hashes (package simhash), with that
// of the asker's own; without such a text, as in Read, it is missing.
//
// An empty window gives 0 for count, sum, distinct, repeats and the decayed kinds,
// missing for the others; stddev and variance, of the sample (n − 1), are missing below
// two events.
//
// # Exactness
//
// Numbers are summed exactly, Σ: ints and decimals as integers, floats in an
// accumulator that holds every double (exactSum). So no order of addition shows.
// With n the count and s the field's scale, and every operation rounded once:
//
//	sum              = float64(Σx) / 10^s
//	mean             = float64(Σx) / (float64(n) * 10^s)
//	variance         = float64(n·Σx² − (Σx)²) / float64(n·(n−1)) / (10^s)²
//	stddev           = sqrt(float64(n·Σx² − (Σx)²) / float64(n·(n−1))) / 10^s
//	min, max, first, last, top, quantile = float64(x) / 10^s
//
// In a series' rows the sums of ints are kept modulo 2^64 and squares modulo
// 2^128. Where n·max|x| is below 2^63 the difference of two of them is the true
// one; where it is not, the window's values are added up again. Both ways give
// the same integer, so no answer depends on which was taken. A result outside the
// range of a double is missing. A timestamp is in seconds since
// 1970-01-01T00:00:00Z, a bool is 0 or 1, a text is orrery.CategoryOf it.
//
// A decayed kind (forward decay: Cormode, Shkapenyuk, Srivastava and Xu, ICDE
// 2009) adds up x·2^(−age), age being that at the end of the event's half-life,
// half-lives counted from 1970. That weight is rounded to a whole number of 2^−52,
// so each half-life has an exact sum S. With E the end of the half-life in which
// the window's end t lies, the answer is Σ float64(S)·2^−k, k half-lives back, newest
// first, at most 64 of them, times 2^((E−t)/half-life).
//
// # State
//
// Aggregates that read the same events of the same entity share a table, and a
// table keeps one series for each key: a time-ordered ring of (time, running sums
// of the fields used). Any window, lag and instant is two searches and a
// subtraction for count, sum, mean, stddev, variance, first, last and
// time_since_last of ints and decimals. Min, max, distinct, quantile, top and
// whatever needs a float's sum, and repeats, walk the window's rows.
//
// A series keeps what lies at most retain = max(lag + window + tile) + keep behind
// its newest event, where keep is how late an event may come, and the few events
// before that which a last over all time needs. What is older is dropped by an
// insert, once it is older by an eighth of retain, so what a series holds is a
// function of the table's definition and the log's prefix alone: never of clock,
// memory, flush or batch. An asker at most keep behind the key's newest event is
// answered from whatever its window needs. One later than that is answered where
// all of it is still there, and with missing where it is not; its event counts as
// far as its time is still kept, and always over all time.
//
// # Dense series
//
// Of a series with more than exact events only those rows stay, and an eighth more
// at times; all of it is added up in tiles. Tile k of a width w has the events
// whose time is in (k·w, (k+1)·w]. With T the time of the event that is the
// exact-th newest by the time of asking, a bound x of a window (start, end] stays
// where it is if x ≥ T, and else becomes ⌊x/w⌋·w. That is all: it holds for the
// start and for the end, which lies before T where there is a lag or the asker is
// late. (An asker that does not count itself then has the end rounded from a
// microsecond before.) Since it is told by T and not by what has been dropped, the
// answer is a function of the aggregate's own definition and the log's prefix.
//
// The width goes at least twelve times into the window (widthFor), so such a
// window is longer by less than a twelfth. What a tile has of a column (cell) can
// be added in any order: exact sums, the least and the greatest, the earliest, a
// HyperLogLog sketch (hll) for distinct, buckets for a quantile. An asker keeps the
// sum of its tiles from one event to the next (fold), so the cost of an event does
// not depend on how many there are. Last, time_since_last, top and repeats look at
// the exact newest events and no further.
//
// At most 1,024 widths of tiles are kept: an asker whose window begins before
// them, which on time none does, gets missing.
//
// Distinct over all time keeps every value while there are at most exact, and a
// sketch of those dropped after that.
package feature
