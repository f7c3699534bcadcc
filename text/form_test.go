package text_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"orrery.dev/text"
	"orrery.dev/text/match"
	"orrery.dev/text/ngram"
)

// formDigests has what each version of the normal form makes of formCorpus. A
// version is for ever: models have learned from it and logs were decided on it.
// Whoever alters what a message reads as counts text.Form up and adds a line.
var formDigests = map[int]string{
	1: "62c2e788d38d207d0f519b72002eef64942f2e555f9cbc217800b9859065550f",
}

// fragments are what the messages of formCorpus are put together from: ordinary
// words of some languages, and what each kind of trick is made of.
var fragments = []string{
	"the", "people", "who", "live", "there", "are not", "what they were", "and", "but", "it's", "isn't", "never", "good", "class", "assess",
	"Scunthorpe", "grape", "therapist", "die Leute", "und das ist", "nicht", "no sé por qué", "están", "c'est très", "pour nous", "я не знаю", "что они",
	"для нас", "для вас і", "هذا من كل", "و این را", "यह क्या है", "그들이", "彼らが何を", "ฉันไม่รู้", "Ὀδυσσεύς", "straße", "ﬂag", "naïve", "İstanbul",
	"badword", "b4dw0rd", "b a d w o r d", "b.a.d.w.o.r.d", "b-a-d", "b*d", "f**k", "bаdwоrd", "ｂａｄ", "𝓫𝓪𝓭", "ⓑⓐⓓ", "🅱🅰🅳", "🇧 🇦 🇩", "🇩🇪", "ʙᴀᴅ",
	"b\u200ba\u200dd", "b\u00ada\u202ed", "b̷̡̛a̴d̵", "%62%61d", "&#98;&#x61;d", "&amp;", "%D0%B0", "baaaaad", "heeeello", "nooo!!!!!!", "?!?!", "bad-word", "ba_d",
	"1diot", "$hit", "@ss", "a$$", "5hit", "h4te", "k1ll", "mp3", "1,000", "2026-11-24", "10am", "4x4", "a55", "b!d", "()", "|-|", "\\/\\/", "ph",
	"youareabadword", "badwordbadword", "@someone", "#badword", "http://t.co/x1", "joe@site.com", "😂😂", "👍🏽", "❤️", "\"so", "they say\"", "'", "’", "...",
}

// formTerms are looked for in every message.
var formTerms = []string{"badword,rude,3", "bad word", "idiot", "kill*", "*ass", "b*d", "fuck", "shit", "ass", "bad,mild,1", "/b[aeiou]d+word/", "наш", "彼ら"}

// formCorpus gives messages that never change: every character, alone and within a
// word, and mixtures of fragments.
func formCorpus() iter.Seq[string] {
	return func(yield func(string) bool) {
		var b strings.Builder
		for from := rune(0); from <= utf8.MaxRune; from += 32 {
			if from == 0x33480 { // planes without characters
				from = 0xE0000
			}
			if from == 0xE0200 {
				break
			}
			for _, pattern := range []string{"%c ", "a%cb ", "%[1]c%[1]cd %[1]c4%[1]c "} {
				b.Reset()
				for r := from; r < from+32; r++ {
					if utf8.ValidRune(r) {
						fmt.Fprintf(&b, pattern, r)
					}
				}
				if !yield(b.String()) {
					return
				}
			}
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 10_000 {
			b.Reset()
			for range 1 + random.IntN(12) {
				b.WriteString(fragments[random.IntN(len(fragments))])
				b.WriteString([]string{" ", " ", " ", ", ", ". ", "", "\n", "-"}[random.IntN(8)])
			}
			if !yield(b.String()) {
				return
			}
		}
	}
}

// TestForm holds what the program reads in messages to the version of the normal
// form: of nearly 30,000 messages the normal form, its flags and origins, what was undone,
// the languages, the n-grams, and the terms found.
func TestForm(t *testing.T) {
	digest := sha256.New()
	add := func(parts ...any) {
		for _, p := range parts {
			if err := binary.Write(digest, binary.LittleEndian, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	var list match.List
	for _, line := range formTerms {
		term, err := match.Parse(line, match.Defaults{Category: "c"})
		if err != nil {
			t.Fatal(err)
		}
		list.Terms = append(list.Terms, term)
	}
	matcher := match.Compile([]match.List{list})
	lexicon, unusable := ngram.NewLexicon([]string{"people", "die leute", "they"}, []string{"not", "never", "isn't"})
	if len(unusable) > 0 {
		t.Fatal(unusable)
	}
	grams := ngram.New(ngram.Options{MaxWords: 2, MinChars: 2, MaxChars: 5, Skip: true}, lexicon)
	languages := slices.Sorted(slices.Values(text.Languages()))
	var n text.Normal
	var found []match.Match
	var numbers []int32
	messages := 0
	for message := range formCorpus() {
		messages++
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers[:0], int32(len(n.Text)))
		for i := range n.Text {
			at := n.Origin(i, i+1)
			numbers = append(numbers, int32(n.Flags[i]), int32(at.Start), int32(at.End))
		}
		for _, count := range []int{n.Tricks.Lookalikes, n.Tricks.Invisible, n.Tricks.Leet, n.Tricks.Spaced, n.Tricks.Repeated, n.Tricks.Masked, n.Tricks.Escaped} {
			numbers = append(numbers, int32(count))
		}
		found = matcher.Find(&n, found[:0])
		for _, m := range found {
			numbers = append(numbers, int32(m.Term), int32(m.Span.Start), int32(m.Span.End))
		}
		add(n.Text, numbers, []byte(n.Language()))
		for _, code := range languages {
			add(n.MayBe(code))
		}
		add(grams.Extract(n.Text))
	}
	if messages < 29_000 {
		t.Fatalf("%d messages", messages)
	}
	got := hex.EncodeToString(digest.Sum(nil))
	switch known, ok := formDigests[text.Form]; {
	case !ok:
		t.Errorf("version %d of the normal form has no digest: add %d: %q to formDigests", text.Form, text.Form, got)
	case got != known:
		t.Errorf("messages are no longer read as version %d of the normal form says: undo that, or make text.Form %d and add the digest %q to formDigests", text.Form, text.Form+1, got)
	}
}
