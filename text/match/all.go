package match

import "orrery.dev/text"

// All appends to found every match, in no order: also those of terms that allow
// something, what they cover, and what lies within another. It is for whoever
// brings the matches of several Matchers together.
func (m *Matcher) All(n *text.Normal, found []Match) []Match {
	w := walker{m: m, n: n, found: found}
	w.run()
	return w.found
}
