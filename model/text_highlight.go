package model

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev/text/ngram"
)

// Highlights gives the words of a text that added most to the margin of a class,
// or took most from it; see TextModel. What an n-gram adds is shared among its occurrences, and
// of each among the words that it covers, so that the words of a text together
// give what the text did.
func (m *textOutputs) Highlights(text string, row []float64, class, n int) []Highlight {
	if class < 0 || class >= len(m.parts.Rest) || n <= 0 {
		return nil
	}
	s := textScratches.Get().(*textScratch)
	defer s.free()
	grams := s.read(m, text)
	s.add(m)
	of := make(map[int32]*term, len(s.terms))
	for i := range s.terms {
		of[s.terms[i].index] = &s.terms[i]
	}
	words := s.grams.Words()
	out := make([]Highlight, len(words))
	for i, w := range words {
		at := s.normal.Origin(int(w.Start), int(w.End))
		out[i].Start, out[i].End = at.Start, at.End
	}
	for i := range grams {
		index := m.table.find(grams[i].Hash)
		if index < 0 {
			continue
		}
		t := of[index]
		x := m.worth(t) / math.Sqrt(s.squares[t.block]) / float64(t.count)
		covered := covers(words, grams[i])
		for j := covered.first; j < covered.end; j++ {
			weight := float64(m.table.values[int(index)*m.table.stride+1+class])
			out[j].Contribution += float64(x*weight) / float64(covered.end-covered.first)
		}
	}
	out = slices.DeleteFunc(out, func(h Highlight) bool { return h.Contribution == 0 || h.Start == h.End })
	slices.SortStableFunc(out, func(a, b Highlight) int {
		return cmp.Compare(math.Abs(b.Contribution), math.Abs(a.Contribution))
	})
	return out[:min(n, len(out))]
}

type wordRange struct{ first, end int }

// covers gives the words that an n-gram has a part of.
func covers(words []ngram.Word, g ngram.Gram) wordRange {
	first, _ := slices.BinarySearchFunc(words, g.Start, func(w ngram.Word, at int32) int { return cmp.Compare(w.End, at+1) })
	end := first
	for end < len(words) && words[end].Start < g.End {
		end++
	}
	return wordRange{first, end}
}
