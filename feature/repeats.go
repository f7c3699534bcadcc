package feature

import (
	"orrery.dev"
	"orrery.dev/text/simhash"
)

// hasher gives the similarity hashes of texts. It remembers the last, since an
// event is counted for several keys and asks about them.
type hasher struct {
	text  []byte // a copy, since that of an event may be read into anew
	hash  uint64
	known bool
	buf   []byte
}

// sum gives the hash as a row holds it.
func (h *hasher) sum(text string) int64 {
	if !h.known || string(h.text) != text {
		h.hash, h.buf = simhash.Sum(text, h.buf)
		h.text, h.known = append(h.text[:0], text...), true
	}
	return int64(h.hash)
}

// comparable reports whether the asker, nil for one that is not in the log, has
// a text to compare others with.
func (it *item) comparable(asker *orrery.Event) bool {
	return asker != nil && !asker.Values[it.column.field].IsMissing()
}

// noneFor is what the aggregate gives an asker for no event.
func (it *item) noneFor(asker *orrery.Event) float64 {
	if it.kind == repeatsKind && it.comparable(asker) {
		return 0
	}
	return it.none()
}

// repeats counts the rows whose text is nearly that of the asker, who has one.
func (it *item) repeats(r *rows, w *scratch) float64 {
	text := &w.asker.Values[it.column.field]
	if r.to <= r.from {
		return 0
	}
	own, n := uint64(w.hasher.sum(text.Text())), 0
	for i := r.from*r.stride + it.column.word; i < r.to*r.stride; i += r.stride {
		if simhash.Distance(own, uint64(r.s.buf[i])) <= it.distance {
			n++
		}
	}
	return float64(n)
}
