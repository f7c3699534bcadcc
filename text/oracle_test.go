package text_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"orrery.dev/text"
)

// TestFoldsAsUnicode compares, for every letter of scripts without look-alikes to
// undo or marks to drop, with NFKC and case folding by golang.org/x/text.
func TestFoldsAsUnicode(t *testing.T) {
	fold := cases.Fold()
	var n text.Normal
	n.KeepScript = true
	compared := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Common) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point) || r == 0x0640 {
			continue
		}
		want := norm.NFKC.String(fold.String(norm.NFKC.String(string(r))))
		if strings.IndexFunc(want, func(q rune) bool { return unicode.In(q, unicode.M, unicode.Common, unicode.Latin) || q == 0x0640 }) >= 0 {
			continue // compatibility forms with marks of their own
		}
		if err := n.Reset(string(r)); err != nil {
			t.Fatal(err)
		}
		if got := string(n.Text); got != want {
			t.Errorf("%U %c became %q, want %q", r, r, got, want)
		}
		compared++
	}
	if compared < 100_000 {
		t.Errorf("%d letters compared", compared)
	}
}

// alphabet has what the normaliser treats in its own ways.
var alphabet = []string{"a", "b", "d", "o", "r", "w", "B", "D", "1", "0", "4", "7", " ", "  ", "\n", ".", "-", "*", "_", "!", "@", "$", "#", "/",
	"а", "о", "ж", "я", "é", "e\u0301", "\u0327", "\u200b", "\u00ad", "ａ", "𝐛", "ﬃ", "ß", "🇦", "👍🏽", "か", "\u3099", "한", "\u1112", "\u1161", "क", "्", "%62",
	"%D0%B0", "&#98;", "&amp;", "ا", "ً", "你", "€", "…", "½", "\u00a0", "©"}

// TestOrigins holds for every message: the normal form is valid, its bytes point
// in order at whole characters of the original, and normalising what is normal
// and has no readings changes nothing.
func TestOrigins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 40).Draw(t, "message"), "")
		checkNormal(t, message)
	})
}

type failer interface{ Fatalf(string, ...any) }

func checkNormal(t failer, message string) {
	var n text.Normal
	if err := n.Reset(message); err != nil {
		if utf8.ValidString(message) && len(message) <= text.MaxBytes {
			t.Fatalf("%q: %v", message, err)
		}
		return
	}
	if !utf8.Valid(n.Text) || len(n.Flags) != len(n.Text) {
		t.Fatalf("%q became %q with %d flags", message, n.Text, len(n.Flags))
	}
	if bytes.Contains(n.Text, []byte("  ")) || bytes.HasPrefix(n.Text, []byte(" ")) {
		t.Fatalf("%q became %q", message, n.Text)
	}
	before := text.Span{}
	for i := range n.Text {
		s := n.Origin(i, i+1)
		if s.Start >= s.End || s.Start < before.Start || s.End < before.End && s.Start != before.Start || s.End > len(message) {
			t.Fatalf("%q: byte %d of %q is from %v, after %v", message, i, n.Text, s, before)
		}
		if !utf8.RuneStart(message[s.Start]) || s.End < len(message) && !utf8.RuneStart(message[s.End]) {
			t.Fatalf("%q: byte %d of %q is from part of a character, %v", message, i, n.Text, s)
		}
		before = s
	}
	first, flags := string(n.Text), string(flagBytes(n.Flags))
	if err := n.Reset(message); err != nil || string(n.Text) != first || string(flagBytes(n.Flags)) != flags {
		t.Fatalf("%q became %q and then %q", message, first, n.Text)
	}
}

func flagBytes(flags []text.Flag) []byte {
	out := make([]byte, len(flags))
	for i, f := range flags {
		out[i] = byte(f)
	}
	return out
}

func FuzzNormal(f *testing.F) {
	for _, s := range alphabet {
		f.Add(s + "bad" + s + s + " w o r d" + s)
	}
	f.Add("b\xff")
	f.Fuzz(func(t *testing.T, message string) { checkNormal(t, message) })
}

// TestUTF16 compares with the standard library's encoding of the bytes before.
func TestUTF16(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 1, 30).Draw(t, "message"), "")
		places := []int{}
		for i := range message {
			places = append(places, i)
		}
		places = append(places, len(message))
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) text.Span {
			a, b := rapid.SampledFrom(places).Draw(t, "a"), rapid.SampledFrom(places).Draw(t, "b")
			return text.Span{Start: min(a, b), End: max(a, b)}
		}), 0, 5).Draw(t, "spans")
		units := func(i int) int { return len(utf16.Encode([]rune(message[:i]))) }
		got := text.UTF16(message, spans)
		for i, s := range spans {
			if want := (text.Span{Start: units(s.Start), End: units(s.End)}); got[i] != want {
				t.Fatalf("%q %v: %v, want %v", message, s, got[i], want)
			}
		}
	})
}

// TestLongRows has the messages for which a careless reader takes quadratic time.
func TestLongRows(t *testing.T) {
	const count = 100_000
	for _, part := range []string{"\u0301", "a\u0301", "क्", "a ", "a a 1 ", "1 ", ".", "a.", "*", "a*", "a*-", "-*", "@", "a@", "$", "!", "1", "a1", "ж", "жa",
		"%", "&", "&#", "🇦", "\u1161", "か\u3099", " ", "a  ", "_", "a_", "a__"} {
		message := "bad" + strings.Repeat(part, count)
		var n text.Normal
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		if len(n.Text) > 2*len(message) {
			t.Errorf("%q: %d bytes became %d", part, len(message), len(n.Text))
		}
	}
	var n text.Normal
	if err := n.Reset(strings.Repeat("\u0301", text.MaxBytes/2)); err != nil || len(n.Text) != 0 {
		t.Errorf("marks alone: %q %v", n.Text, err)
	}
}

func TestNoAllocation(t *testing.T) {
	var n text.Normal
	for name, message := range messages {
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		if allocated := testing.AllocsPerRun(10, func() { _ = n.Reset(message) }); allocated != 0 && !raced {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}
