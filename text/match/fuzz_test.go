package match_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"orrery.dev/text"
	"orrery.dev/text/match"
)

// FuzzFind reads any list, finds it in any message and masks what is found:
// twice the same, in order, within the message, at whole characters.
func FuzzFind(f *testing.F) {
	f.Add("badword\nblor*\n*zark\nf*ck\n/b[ae]d+/\n!good bad,x,3", "a b4dword, b a d w o r d b*dword youareabadword")
	f.Add("\"a, b\"\n//\n***\n/a*/", "a, b")
	f.Add("а\u0301к\n你好", "ак 你好吗")
	f.Fuzz(func(t *testing.T, list, message string) {
		terms, faults, err := match.Read(strings.NewReader(list), match.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			if fault.Code == "" || fault.Line == 0 || fault.Message == "" {
				t.Fatalf("a fault says too little: %+v", fault)
			}
		}
		m := match.Compile([]match.List{{Terms: terms}})
		var n text.Normal
		if n.Reset(message) != nil {
			return
		}
		found := m.Find(&n, nil)
		var spans []text.Span
		for i, a := range found {
			if a.Span.Start >= a.Span.End || a.Span.End > len(message) || a.Normal.Start >= a.Normal.End || a.Normal.End > len(n.Text) ||
				i > 0 && a.Normal.Start < found[i-1].Normal.Start || a.Term >= len(terms) {
				t.Fatalf("%q in %q: %+v", list, message, found)
			}
			spans = append(spans, a.Span)
		}
		if again := m.Find(&n, nil); !reflect.DeepEqual(found, again) {
			t.Fatalf("%q in %q: %+v, then %+v", list, message, found, again)
		}
		if masked := match.Mask(message, spans, '*'); !utf8.ValidString(masked) || len(masked) > len(message) {
			t.Fatalf("%q became %q", message, masked)
		}
	})
}
