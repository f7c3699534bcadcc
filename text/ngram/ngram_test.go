package ngram

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var all = Options{MaxWords: 3, MinChars: 2, MaxChars: 5, Skip: true}

// texts gives the n-grams as what they cover, by block.
func texts(o Options, text string) (words, chars []string) {
	for _, g := range New(o, nil).Extract([]byte(text)) {
		if g.Block == Words {
			words = append(words, text[g.Start:g.End])
		} else {
			chars = append(chars, text[g.Start:g.End])
		}
	}
	return words, chars
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // the words, parted by spaces
	}{
		{"", ""},
		{"one two", "one two"},
		{"don't ' stop'", "don't ' stop '"},
		{"a,b", "a , b"},
		{"wow!! ok", "wow ! ! ok"},
		{"été naïve", "été naïve"},
		{"你好 x", "你 好 x"},
		{"see https://a.example/b?c now", "see https://a.example/b?c now"},
		{"@some_one: hi @ 3", "@some_one : hi @ 3"},
		{"#tag_1", "# tag_1"},
		{"a\xffb", "a \xff b"},
	} {
		got, _ := texts(Options{MaxWords: 1}, c.text)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q has the words %q, want %q", c.text, got, c.want)
		}
	}
}

// Names and addresses are each one word, whatever they are.
func TestNamesAndAddressesAreAlike(t *testing.T) {
	for _, pair := range [][2]string{{"@ab", "@cde"}, {"http://x", "www.example"}} {
		a, b := New(all, nil).Extract([]byte(pair[0])), New(all, nil).Extract([]byte(pair[1]))
		if len(a) != 1 || len(b) != 1 || a[0].Hash != b[0].Hash {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
}

// oracle lists what Extract should give, as strings that stand for the n-grams.
func oracle(o Options, text string) map[string]int {
	out := make(map[string]int)
	words := strings.Fields(text) // of plain letters only
	for i := range words {
		for n := 1; n <= o.MaxWords && i+n <= len(words); n++ {
			out["w:"+strings.Join(words[i:i+n], " ")]++
		}
		if o.Skip && i+2 < len(words) {
			out["s:"+words[i]+" "+words[i+2]]++
		}
		padded := []rune(" " + words[i] + " ")
		taken := 0
		for n := max(o.MinChars, 1); n <= o.MaxChars; n++ {
			for j := 0; j+n <= len(padded); j++ {
				if n == 1 && padded[j] == ' ' {
					continue
				}
				out["c:"+string(padded[j:j+n])]++
				taken++
			}
		}
		if taken == 0 && o.MaxChars > 0 {
			out["c:"+string(padded)]++
		}
	}
	return out
}

// Equal n-grams have equal hashes and different ones different hashes, and there
// are as many as a plain listing has.
func TestExtractAsOracle(t *testing.T) {
	text := "the cat sat on the mat and the cat sat still ü été a"
	for _, o := range []Options{all, {MaxWords: 2, MinChars: 1, MaxChars: 8}, {MaxWords: 1}, {MinChars: 4, MaxChars: 4}, {MinChars: 8, MaxChars: 8}} {
		counts := make(map[uint32]int)
		for _, g := range New(o, nil).Extract([]byte(text)) {
			counts[g.Hash]++
		}
		want := oracle(o, text)
		if len(counts) != len(want) {
			t.Fatalf("%+v: %d n-grams differ, want %d", o, len(counts), len(want))
		}
		var a, b []int
		for _, n := range counts {
			a = append(a, n)
		}
		for _, n := range want {
			b = append(b, n)
		}
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%+v: counts %v, want %v", o, a, b)
		}
	}
}

// Marks are found longest first; words beside them and behind negations are taken
// once more.
func TestLexicon(t *testing.T) {
	l, unusable := NewLexicon([]string{"red fox", "red", "", "a b c d e f g h i"}, []string{"don't", "not so"})
	if len(unusable) != 3 {
		t.Errorf("unusable are %q", unusable)
	}
	context := func(text string) (out []string) {
		for _, g := range New(Options{}, l).Extract([]byte(text)) {
			if g.Block != Context {
				t.Fatalf("block %d", g.Block)
			}
			out = append(out, text[g.Start:g.End])
		}
		slices.Sort(out)
		return out
	}
	for text, want := range map[string][]string{
		"no mark here":        nil,
		"one red fox ran off": {"off", "one", "one red fox", "one red fox ran", "ran", "red fox", "red fox ran", "red fox ran off"},
		"red":                 {"red"},
		"i don't go now. why": {".", "go", "now"},
	} {
		if got := context(text); !slices.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
	same := func(a, b string) bool {
		e := New(Options{}, l)
		x := slices.Clone(e.Extract([]byte(a)))
		y := e.Extract([]byte(b))
		return slices.EqualFunc(x, y, func(a, b Gram) bool { return a.Hash == b.Hash })
	}
	if !same("i saw red fox run", "i saw red run") {
		t.Error("two marks are read differently")
	}
	if none, _ := NewLexicon(nil, nil); none != nil {
		t.Error("there is a lexicon of nothing")
	}
}

// The hashes are part of the files of models: they must never change.
func TestHashesArePinned(t *testing.T) {
	want := "54099877"
	sum := uint32(0)
	for _, g := range New(all, nil).Extract([]byte("Don't go, été 你好 @name https://example.org 42!")) {
		sum = sum*31 + g.Hash
	}
	if got := fmt.Sprintf("%08x", sum); got != want {
		t.Errorf("the hashes come to %s, want %s", got, want)
	}
}

func TestExtractDoesNotAllocate(t *testing.T) {
	l, _ := NewLexicon([]string{"some words"}, []string{"of"})
	e, text := New(all, l), []byte(strings.Repeat("some words of a message ", 4))
	e.Extract(text)
	if n := testing.AllocsPerRun(100, func() { e.Extract(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{"", "one two", "don't", "@x:y", "www.x", "你好\xff", " \t\x00", "’’a’b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, _ := NewLexicon([]string{"one", "don't stop"}, []string{"don't", "a"})
		e := New(all, l)
		grams := slices.Clone(e.Extract([]byte(text)))
		for _, g := range grams {
			if g.Start < 0 || g.End < g.Start || int(g.End) > len(text) || g.Block >= Blocks {
				t.Fatalf("%+v of %d bytes", g, len(text))
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[g.Start:g.End]) {
				t.Fatalf("%+v cuts a character", g)
			}
		}
		end := int32(0)
		for _, w := range e.Words() {
			if w.Start < end || w.End <= w.Start {
				t.Fatalf("word %+v begins before %d", w, end)
			}
			end = w.End
		}
		if !slices.Equal(grams, e.Extract([]byte(text))) {
			t.Fatal("extracted again, the n-grams differ")
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	e, text := New(all, nil), []byte("some ordinary message of about ninety characters, which is what people write in a chat!!!")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		e.Extract(text)
	}
}
