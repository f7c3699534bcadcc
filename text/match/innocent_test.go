package match_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"orrery.dev/text"
)

// innocent gives the lines of testdata/innocent.txt.
func innocent(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/innocent.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			lines = append(lines, strings.TrimPrefix(line, `\`))
		}
	}
	return lines
}

// stems gives the terms of testdata/stems.rot13.
func stems(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/stems.rot13")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return 'a' + (r-'a'+13)%26
		}
		return r
	}, string(content)))
}

// TestInnocent looks for every stem in every innocent line, in any case, in a
// sentence, beside any other, with its hyphens and in look-alikes: nothing is
// found, and words and names are not altered.
func TestInnocent(t *testing.T) {
	lines := innocent(t)
	if len(lines) < 3000 {
		t.Fatalf("%d lines", len(lines))
	}
	m, terms := compile(t, stems(t)...)
	touched := 0
	for _, line := range lines {
		for _, message := range []string{line, strings.ToUpper(line), "the " + line + ", is", "(" + line + ")", line + "!", "#" + line, line + "'s", "x " + line + " 1"} {
			if got := find(t, m, terms, message); got != "" {
				t.Errorf("%q: found %s", message, got)
				touched++
			}
		}
	}
	for round := range uint64(20) {
		random := rand.New(rand.NewPCG(round, 0))
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		if got := find(t, m, terms, strings.Join(lines, " ")); got != "" {
			t.Errorf("round %d: found %s", round, got)
		}
	}
	t.Logf("%d lines, %d touched", len(lines), touched)
}

// TestInnocentUnaltered: the normal form of a word or name is the word in small
// letters without marks, and has no other reading, but for a hyphen.
func TestInnocentUnaltered(t *testing.T) {
	words := 0
	for _, line := range innocent(t) {
		if strings.IndexFunc(line, func(r rune) bool {
			return r >= 0x80 || !(r|0x20 >= 'a' && r|0x20 <= 'z') && r != '-' && r != '\'' && r != ' '
		}) >= 0 {
			continue
		}
		words++
		var n text.Normal
		if err := n.Reset(line); err != nil {
			t.Fatal(err)
		}
		if got := string(n.Text); got != strings.ToLower(line) {
			t.Errorf("%q became %q", line, got)
		}
		for i, f := range n.Flags {
			if f&text.Optional != 0 && n.Text[i] != '-' || f.Others() != "" || f.Hides() {
				t.Errorf("%q has another reading at %d", line, i)
			}
		}
	}
	if words < 2500 {
		t.Errorf("%d words", words)
	}
}

// TestStemsFound: what the stems are written as to get past a list is found, each
// in full.
func TestStemsFound(t *testing.T) {
	all := stems(t)
	m, terms := compile(t, all...)
	leet := strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0")
	tricks := []struct {
		name string
		do   func(string) string
	}{
		{"upper case", strings.ToUpper},
		{"full width", func(s string) string { return strings.Map(func(r rune) rune { return r - 'a' + 'ａ' }, s) }},
		{"mathematical", func(s string) string { return strings.Map(func(r rune) rune { return r - 'a' + '𝒂' }, s) }},
		{"zero width", func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") }},
		{"marks", func(s string) string { return strings.Join(strings.Split(s, ""), "\u0336\u0301") + "\u0336" }},
		{"Cyrillic", strings.NewReplacer("a", "а", "e", "е", "o", "о", "c", "с", "p", "р", "x", "х").Replace},
		{"spaces", func(s string) string { return strings.Join(strings.Split(s, ""), " ") }},
		{"points", func(s string) string { return strings.Join(strings.Split(s, ""), ".") }},
		{"hyphens", func(s string) string { return strings.Join(strings.Split(s, ""), "-") }},
		{"repeats", func(s string) string { return s[:1] + strings.Repeat(s[1:2], 5) + s[2:] }},
		{"percent", func(s string) string {
			return hex(s)
		}},
		{"star", func(s string) string {
			if len(s) < 4 {
				return s
			}
			return s[:1] + "*" + s[2:]
		}},
		{"leet", func(s string) string {
			inner := leet.Replace(s[1 : len(s)-1])
			if strings.IndexFunc(inner, func(r rune) bool { return r >= 'a' }) < 0 && len(s) < 5 {
				return s // too few letters are left to tell it from a code
			}
			return s[:1] + inner + s[len(s)-1:]
		}},
	}
	for _, trick := range tricks {
		for number, stem := range all {
			message := "so " + trick.do(stem) + ", no"
			if got := find(t, m, terms, message); !strings.HasSuffix(got, "="+stem) {
				t.Errorf("%s: stem %d written as %q is not found but %q", trick.name, number, trick.do(stem), got)
			}
		}
	}
}

// hex writes text in percent-encoding.
func hex(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
	}
	return b.String()
}
