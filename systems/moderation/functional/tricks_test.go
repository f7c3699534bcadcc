package functional

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func sorted(text string) string {
	r := []rune(text)
	slices.Sort(r)
	return string(r)
}

func noSpaces(text string) string { return strings.ReplaceAll(text, " ", "") }

// Each trick does what it says and nothing else, to any text.
func TestTricks(t *testing.T) {
	kept := map[string]func(before, after string) bool{
		"swap":   func(a, b string) bool { return sorted(a) == sorted(b) },
		"delete": func(a, b string) bool { n := len([]rune(a)) - len([]rune(b)); return 0 <= n && n <= 2 },
		"space":  func(a, b string) bool { return noSpaces(a) == noSpaces(b) && len(a) <= len(b) },
		"join": func(a, b string) bool {
			return noSpaces(a) == noSpaces(b) && (len(b) < len(a) || !strings.Contains(a, " "))
		},
		"leet": func(a, b string) bool { return len([]rune(a)) == len([]rune(b)) },
	}
	for _, trick := range Tricks {
		rapid.Check(t, func(t *rapid.T) {
			text := strings.Join(strings.Fields(rapid.OneOf(rapid.StringMatching(`[a-zA-Z',.!]{1,12}( [a-zA-Z',.!]{1,12}){0,12}`), rapid.String()).Draw(t, "text")), " ")
			seed := rapid.Uint64().Draw(t, "seed")
			got := trick.Apply(text, seeded("x", seed))
			if !kept[trick.Name](text, got) {
				t.Errorf("%s makes %q of %q", trick.Name, got, text)
			}
			if again := trick.Apply(text, seeded("x", seed)); again != got {
				t.Errorf("%s makes %q and %q of %q", trick.Name, got, again, text)
			}
		})
	}
}

func TestTricksByExample(t *testing.T) {
	const text = "they are wonderful neighbours"
	for _, c := range []struct{ trick, want string }{
		{"swap", "they are wonderful neihgbours"},
		{"delete", "they are wonderful neigbours"},
		{"space", "they are wonderful n e i g h b o u r s"},
	} {
		i := slices.IndexFunc(Tricks, func(t Trick) bool { return t.Name == c.trick })
		found := false
		for seed := range uint64(200) {
			found = found || Tricks[i].Apply(text, seeded("", seed)) == c.want
		}
		if !found {
			t.Errorf("%s never makes %q", c.trick, c.want)
		}
	}
}
