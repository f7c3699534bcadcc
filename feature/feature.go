// Package feature keeps windowed aggregates of events by entity, exactly.
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
// An empty window gives 0 for count, sum and distinct, missing for the others;
// stddev, the sample standard deviation (n − 1), is missing below two events.
//
// # Exactness
//
// Ints and decimals are summed as integers, Σ, without any overflow. With n the
// count and s the field's scale, and every operation rounded correctly once:
//
//	sum            = float64(Σx) / 10^s
//	mean           = float64(Σx) / (float64(n) * 10^s)
//	stddev         = sqrt(float64(n·Σx² − (Σx)²) / float64(n·(n−1))) / 10^s
//	min, max, last = float64(x) / 10^s
//
// Sums are kept modulo 2^64 and squares modulo 2^128. Where n·max|x| is below
// 2^63 the difference of two of them is the true one; where it is not, the
// window's values are added up again as integers of any size. Both ways give the
// same integer, so no answer depends on which was taken.
//
// Floats are never subtracted: sum, mean and standard deviation (Welford's
// recurrence, Technometrics 4(3), 1962) are computed over the window's events in
// order. A result outside the range of a double is missing. A last timestamp is
// in seconds since 1970-01-01T00:00:00Z, a last bool is 0 or 1.
//
// # State
//
// Aggregates that read the same events of the same entity share a table, and a
// table keeps one series for each key: a time-ordered ring of (time, running sums
// of the fields used). Any window, lag and instant is two searches and a
// subtraction for count, sum, mean, stddev, last and time_since_last of ints and
// decimals. Min, max, distinct and whatever needs a float's sum walk the window:
// their cost grows with the number of events in it.
//
// A series keeps what lies at most retain = max(lag + window) + keep behind its
// newest event, where keep is how late an event may come, and the one event
// before that. What is older is dropped by an insert, once it is older by an
// eighth of retain, so what a series holds is a function of the table's
// definition and the log's prefix alone: never of clock, memory, flush or batch. An asker at most keep behind the
// key's newest event is answered exactly. One later than that is answered where
// everything its window needs is still there, and with missing where it is not;
// its event counts as far as its time is still kept, and always over all time.
// (Only there, floats are then added in the order of dropping.)
//
// Distinct over all time keeps every value once, for ever.
package feature
