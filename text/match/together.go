package match

import "strings"

// Words written together, as in "youareabadword": a term within a word is found
// if what stands before and behind it are common words, at least two of them. One
// alone is in ordinary words too (therapist, assassin).

// common are the words that are looked for around a term.
var common = func() (byFirst ['z' - 'a' + 1][]string) {
	for _, w := range strings.Fields("a i u you your youre ur he his she her they them their we our it its my me im is are am was be been " +
		"being an the all and or of to on this that these those do dont does not no never just only like love hate want need stop kill " +
		"should must will can cant go get with for from by but what who why how when where every more most such so very always have has") {
		byFirst[w[0]-'a'] = append(byFirst[w[0]-'a'], w)
	}
	return byFirst
}()

const (
	leastTogether = 9  // letters of a word that is looked into
	mostTogether  = 64 // letters of the longest
	leastCommon   = 2  // common words around a term
	leastLetters  = 5  // of them together
)

// around counts the common words, and their letters, with which the letters up to
// a place, or from it on, are said in full.
type around struct{ words, letters int8 }

// together is what is known of the word that is looked into.
type together struct {
	start  int // of the word in the normal form
	before [mostTogether + 1]around
	behind [mostTogether + 1]around
}

// lookInto finds the terms in a word of several.
func (w *walker) lookInto(start, end int) {
	length := end - start
	if length < leastTogether || length > mostTogether {
		return
	}
	word := w.n.Text[start:end]
	g := &w.joined
	clear(g.before[:length+1])
	clear(g.behind[:length+1])
	found := false
	for i := 0; i < length; i++ {
		if i > 0 && g.before[i].words == 0 || word[i] < 'a' || word[i] > 'z' {
			continue
		}
		for _, c := range common[word[i]-'a'] {
			if j := i + len(c); j <= length && string(word[i:j]) == c {
				g.before[j].best(g.before[i], len(c))
				found = true
			}
		}
	}
	for i := length - 1; i > 0; i-- {
		if word[i] < 'a' || word[i] > 'z' {
			continue
		}
		for _, c := range common[word[i]-'a'] {
			if j := i + len(c); j <= length && string(word[i:j]) == c && (j == length || g.behind[j].words > 0) {
				g.behind[i].best(g.behind[j], len(c))
				found = true
			}
		}
	}
	if !found {
		return
	}
	g.start = start
	w.inWord = true
	for i := 0; i < length; i++ {
		if i == 0 || g.before[i].words > 0 {
			w.steps = maxSteps
			w.walk(&w.m.anchored, 0, start+i, start+i)
		}
	}
	w.inWord = false
}

// best takes over a way of saying the letters that has more words.
func (a *around) best(b around, letters int) {
	if c := (around{b.words + 1, b.letters + int8(letters)}); c.words > a.words {
		*a = c
	}
}

// endsWithin records terms that end within a word, if common words stand around
// them.
func (w *walker) endsWithin(terms []int32, start, end int) {
	g := &w.joined
	i, j := start-g.start, end-g.start
	if j > mostTogether || end-start < fewest {
		return
	}
	if g.behind[j].words == 0 && !w.n.Boundary(end) {
		return
	}
	if g.before[i].words+g.behind[j].words < leastCommon || g.before[i].letters+g.behind[j].letters < leastLetters {
		return
	}
	for _, number := range terms {
		if number >= 0 && w.m.terms[number].form == whole && !w.m.terms[number].allow {
			w.add(number, start, end)
		}
	}
}
