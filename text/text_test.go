package text_test

import (
	"errors"
	"strings"
	"testing"

	orrery "orrery.dev"
	"orrery.dev/text"
)

// TestNormal shows what each trick becomes. Bytes that may be left out are in
// parentheses, other letters that a byte may stand for in brackets.
func TestNormal(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Hello World", "hello world"},
		{"spaces", "  a \t\n big  dog ", "a big dog"},
		{"full width", "ＢＡＤＷＯＲＤ", "badword"},
		{"mathematical", "𝓫𝓪𝓭𝔀𝓸𝓻𝓭 𝐁𝐀𝐃", "badword bad"},
		{"circles and squares", "ⓑⓐⓓ 🅱🅰🅳 🄱🄰🄳", "bad bad bad"},
		{"small capitals", "ʙᴀᴅᴡᴏʀᴅ", "badword"},
		{"regional indicators", "🇧 🇦 🇩 🇩🇪", "bad 🇩🇪"},
		{"ligature, sharp s", "ﬂag straße", "flag strasse"},
		{"Cyrillic letters", "bаdwоrd", "badword"},
		{"Cyrillic word that looks Latin", "the соре is", "the cope is"},
		{"Cyrillic word in Russian", "наш хор поёт", "наш хор поёт"},
		{"Latin letter in a Russian word", "мoлoкo", "молоко"},
		{"Greek letters", "Βαδ word, voοdοo οf", "βαδ word, voodoo of"},
		{"Greek capital", "ΗELL", "hell"},
		{"Greek", "Ὀδυσσεύς", "οδυσσευσ"},
		{"zero width", "b\u200ba\u200dd\ufeff", "bad"},
		{"soft hyphen, bidi", "b\u00ada\u202ed", "bad"},
		{"marks", "b̷̡̛a̴d̵ naïve Ångström", "bad naive angstrom"},
		{"Hindi keeps its vowels", "क्या", "क्या"},
		{"Japanese composes", "か\u3099ｶﾞ", "\u304c\u30ac"},
		{"Hangul composes", "\u1112\u1161\u11ab", "한"},
		{"Arabic digits", "٣ ۴", "3 4"},
		{"Arabic harakat, tatweel", "مُحَـمَّد", "محمد"},
		{"percent-encoding", "%62%61d+%D0%B0", "bad+а"},
		{"per cent", "100%fat 5%20 50%", "100%fat 5%20 50%"},
		{"references", "&#98;&#x61;d &amp; &#8220;x&#8221; &unknown; &#; &#1114112;", `bad & "x" &unknown; &#; &#1114112;`},
		{"leet", "h4te w0m3n b4dw0rd", "hate women badword"},
		{"one is i or l", "k1ll k1ng", "ki[l]ll ki[l]ng"},
		{"leet at the ends", "1diot hell0 $hit @ss a$$ sh!t 5hit", "1[il]diot hell0[o] $[s]hit @[a]ss a$[s]$[s] sh![il]t 5[s]hit"},
		{"numbers", "4x4 b2b mp3 covid19 1st 22nd 10am 3d 1 2 3 4ss a55 $5 1,000,000 2026-11-24", ""},
		{"words with digits", "best4you Me1st vote5sos ret4rd b1st", "best4[a]you me1[il]st vote5[s]sos retard bi[l]st"},
		{"mentions and mail", "@someone joe@site.com #tag wow!!!", ""},
		{"letters apart", "b a d w o r d", "badword"},
		{"words apart", "b a d   w o r d !", "bad word !"},
		{"points", "b.a.d.w.o.r.d U.S.A. J. R. R. Tolkien", "badword usa. jrr. tolkien"},
		{"hyphens", "b - a - d b-a-d", "bad bad"},
		{"stars between", "b*a*d*w*o*r*d", "badword"},
		{"not apart", "I a house, plan b i think, a b, u r a star, r u a y", ""},
		{"numbers apart", "1 2 3 4 a 5", ""},
		{"leet apart", "b 4 d w 0 r d", "badword"},
		{"repeats", "heeeello soooo cool", "he(e)llo so(o) cool"},
		{"no repeats", "www xxx viii aaa", ""},
		{"repeated signs", "what?!?! nooo!!!!!! ......", "what?!?! no(o)!!! ..."},
		{"hyphen", "bad-word ba_d", "bad(-)word ba(_)d"},
		{"stars", "b**word f**k b*d n****r fu** f--k oh--never", "b*[*]*[*]word f*[*]*[*]k b*[*]d n*[*]*[*]*[*]*[*]r fu*[*]*[*] f-[*]-[*]k oh--never"},
		{"bold", "**bold** star* 5*3", "**bold*[*]*[*] star* 5*[*]3"},
		{"emoji", "👍🏽 👨‍👩‍👧 😀😀😀😀😀", "👍 👨👩👧 😀😀😀"},
		{"quotes", "“it’s” – well…", `"it's" - well...`},
		{"empty", "", ""},
		{"nothing visible", "\u200b\u0301", ""},
	} {
		want := c.want
		if want == "" && c.name != "empty" && c.name != "nothing visible" {
			want = strings.ToLower(c.in)
		}
		var n text.Normal
		if err := n.Reset(c.in); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := readings(&n); got != want {
			t.Errorf("%s: %q became\n%q, want\n%q", c.name, c.in, got, want)
		}
	}
}

// readings writes the text with its flags.
func readings(n *text.Normal) string {
	var b strings.Builder
	for i, c := range n.Text {
		if n.Flags[i]&text.Optional != 0 {
			b.WriteString("(" + string(c) + ")")
		} else {
			b.WriteByte(c)
		}
		if n.Flags[i].Hides() {
			b.WriteString("[*]")
		}
		if o := n.Flags[i].Others(); o != "" {
			b.WriteString("[" + o + "]")
		}
	}
	return b.String()
}

func TestRefused(t *testing.T) {
	var n text.Normal
	if err := n.Reset("was here"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in, code string
		kind     orrery.ErrorKind
	}{
		{"abc\xff", "text_not_utf8", orrery.Invalid},
		{"\xed\xa0\x80", "text_not_utf8", orrery.Invalid},
		{"abc\xe2\x82", "text_not_utf8", orrery.Invalid},
		{strings.Repeat("x", text.MaxBytes+1), "text_too_long", orrery.TooLarge},
	} {
		err := n.Reset(c.in)
		var e *orrery.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.code || e.Next == "" {
			t.Errorf("%.20q: %v, want %s", c.in, err, c.code)
		}
		if len(n.Text) != 0 || len(n.Flags) != 0 {
			t.Errorf("%.20q left %q", c.in, n.Text)
		}
	}
}
