package simhash

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slow is the hash by its definition, with a count for each bit.
func slow(text string) uint64 {
	text = text[:min(len(text), MaxBytes)]
	plain := " " + slowPlain(text)
	if plain == " " {
		plain += text
	}
	if !strings.HasSuffix(plain, " ") {
		plain += " "
	}
	var features []uint64
	for i := 0; i == 0 || i+gram <= len(plain); i++ {
		x := uint64(0)
		for _, b := range []byte(plain[i:min(i+gram, len(plain))]) {
			x = x<<8 | uint64(b)
		}
		features = append(features, mix(x))
	}
	var out uint64
	for bit := range 64 {
		n := 0
		for _, f := range features {
			n += int(f >> bit & 1)
		}
		if 2*n > len(features) {
			out |= 1 << bit
		}
	}
	return out
}

func slowPlain(text string) string {
	var out []rune
	last := ' '
	for _, r := range text {
		if p := plain(r); p != 0 && p != last {
			out = append(out, p)
			last = p
		}
	}
	return string(out)
}

func sum(text string) uint64 {
	hash, _ := Sum(text, nil)
	return hash
}

func TestSumIsThatOfItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-c !]{0,40}`), rapid.SampledFrom([]string{"", "!", "!!!!!!", "\xff\xfe", "\u200b"})).Draw(t, "text")
		if got, want := sum(text), slow(text); got != want {
			t.Fatalf("%q: %x, want %x", text, got, want)
		}
	})
}

// TestSumsDoNotChange pins hashes: they are in feature state.
func TestSumsDoNotChange(t *testing.T) {
	for text, want := range map[string]uint64{
		"":                          0xadfb1ebb497fad45,
		"gg":                        0x57fae63a5faea83a,
		"Join my server, free gold": 0xfb78787ae29c38c0,
		"ПРИВЕТ всем":               0xfaa81305bb85cebb,
	} {
		if got := sum(text); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

func TestWhatDoesNotCount(t *testing.T) {
	for _, pair := range [][2]string{
		{"free gold here", "FREE  gold... here!!!"},
		{"free gold here", "freeeee go\u200bld he\u00adre"},
		{"привет всем", "ПРИВЕТ, всем"},
		{"Ähnlich", "ähnlich"},
	} {
		if sum(pair[0]) != sum(pair[1]) {
			t.Errorf("%q and %q differ in %d bits", pair[0], pair[1], Distance(sum(pair[0]), sum(pair[1])))
		}
	}
	if sum("???") == sum("!!!") {
		t.Error("texts without letters are all alike")
	}
}

func TestSumIsBounded(t *testing.T) {
	long := strings.Repeat("ab ", MaxBytes)
	if sum(long) != sum(long[:MaxBytes]) {
		t.Error("more than MaxBytes was looked at")
	}
	if n := testing.AllocsPerRun(10, func() { _, buffer = Sum(long, buffer) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

var buffer []byte

var words = strings.Fields(`the a to and i you it is that of in this for on my we are was but not have be so just like with what at
do all me no your get can go if now he they up good game play team one how see know time think out here there who really come back
want when stream chat win today look new need still right never last first next best better people love wait why more make too much
night day watch level boss map round lost down from about would could should because them then than some any very music video song
live great nice stop start help please thanks sorry check link server code free drop gift rules host follow friend group party
weekend tomorrow yesterday always every thing something nothing everyone maybe actually run jump hide heal build craft farm quest
dungeon island castle bridge forest river desert winter summer coffee pizza dinner school work home family phone computer keyboard`)

// word is a common word more often than a rare one.
func word(r *rand.Rand) string {
	x := r.Float64()
	return words[int(x*x*float64(len(words)))]
}

func message(r *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = word(r)
	}
	return out
}

// edited is a message with one or two of the changes by which floods are varied.
func edited(r *rand.Rand, message []string) string {
	w := slices.Clone(message)
	head, tail := "", ""
	for range 1 + r.IntN(2) {
		i := r.IntN(len(w))
		switch r.IntN(9) {
		case 0:
			if b := []byte(w[i]); len(b) > 1 {
				j := r.IntN(len(b) - 1)
				b[j], b[j+1] = b[j+1], b[j]
				w[i] = string(b)
			}
		case 1:
			w[i] = strings.NewReplacer("e", "3", "o", "0", "i", "1").Replace(w[i])
		case 2:
			w[i] = strings.ToUpper(w[i])
		case 3:
			w[i] += strings.Repeat(w[i][len(w[i])-1:], 3)
		case 4:
			tail += fmt.Sprint(" ", r.IntN(1000))
		case 5:
			tail += "!!!"
		case 6:
			w[i] = word(r)
		case 7:
			head = "@" + word(r) + " "
		case 8:
			if len(w) > 3 {
				w = slices.Delete(w, i, i+1)
			}
		}
	}
	return head + strings.Join(w, " ") + tail
}

// TestNearRepeatsAreFound holds the default distance to what the package says of
// it, on messages made of common words.
func TestNearRepeatsAreFound(t *testing.T) {
	for _, test := range []struct {
		words int
		found float64
	}{{5, 0.55}, {8, 0.70}, {12, 0.84}, {20, 0.94}, {35, 0.98}} {
		r := rand.New(rand.NewPCG(1, uint64(test.words)))
		const n = 4000
		near, wrong, pairs := 0, 0, 0
		var before []uint64
		for range n {
			m := message(r, test.words-test.words/4+r.IntN(test.words/2+1))
			h := sum(strings.Join(m, " "))
			if Distance(h, sum(edited(r, m))) <= DefaultDistance {
				near++
			}
			for _, other := range before[max(len(before)-50, 0):] {
				pairs++
				if Distance(h, other) <= DefaultDistance {
					wrong++
				}
			}
			before = append(before, h)
		}
		t.Logf("%d words: %.3f of the edited found, %.6f of the unrelated", test.words, float64(near)/n, float64(wrong)/float64(pairs))
		if float64(near)/n < test.found || float64(wrong)/float64(pairs) > 4e-5 {
			t.Errorf("%d words: %d of %d edited, %d of %d unrelated", test.words, near, n, wrong, pairs)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	text := strings.Join(message(rand.New(rand.NewPCG(1, 1)), 60), " ")[:200]
	b.ReportAllocs()
	for b.Loop() {
		_, buffer = Sum(text, buffer)
	}
}
