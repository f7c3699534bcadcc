package spelling

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	long := strings.Repeat("a", longest)
	for _, c := range []struct {
		name  string
		names []string
		slips int
		want  string
	}{
		{"amuont", []string{"customer", "amount"}, 2, "amount"},
		{"Amount", []string{"amount"}, 0, "amount"},
		{"amount", []string{"amount", "amounts"}, 1, "amounts"},
		{"amoun", []string{"amounx", "amouny"}, 1, "amounx"},
		{"x", []string{"y"}, 0, ""},
		{"größe", []string{"grösse", "große"}, 1, "große"},
		{"abc", []string{"abcdef"}, 2, ""},
		{long + "a", []string{long}, 3, ""},
		{"a", nil, 3, ""},
	} {
		if got := Nearest(c.name, c.names, c.slips); got != c.want {
			t.Errorf("%q among %q, %d slips: %q, want %q", c.name, c.names, c.slips, got, c.want)
		}
	}
}

// TestDistance holds the table to the recursion that it tabulates.
func TestDistance(t *testing.T) {
	var slow func(a, b []rune) int
	slow = func(a, b []rune) int {
		if len(a) == 0 || len(b) == 0 {
			return len(a) + len(b)
		}
		n, m, cost := len(a)-1, len(b)-1, 1
		if a[n] == b[m] {
			cost = 0
		}
		d := min(slow(a[:n], b)+1, slow(a, b[:m])+1, slow(a[:n], b[:m])+cost)
		if n > 0 && m > 0 && a[n] == b[m-1] && a[n-1] == b[m] {
			d = min(d, slow(a[:n-1], b[:m-1])+1)
		}
		return d
	}
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abß")), 0, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		if got, ok := distance(a, b, longest); !ok || got != slow(a, b) {
			t.Fatalf("%q and %q are %d, %v apart, want %d", string(a), string(b), got, ok, slow(a, b))
		}
	})
}
