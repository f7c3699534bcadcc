package functional

import (
	"slices"
	"testing"
)

func TestMentions(t *testing.T) {
	s := Builtin()
	m := s.Mentions()
	for text, want := range map[string][]string{
		"Trans women, and women.":            {"women", "trans people"},
		"only trans women":                   {"trans people"},
		"a MUSLIM's view of the Jews’ house": {"Muslims", "Jews"},
		"black shoes and a white shirt":      nil,
		"Black people; white-people":         {"Black people", "white people"},
		"womens":                             nil,
		"":                                   nil,
		"''":                                 nil,
	} {
		var got []string
		for _, g := range m.In(text) {
			got = append(got, s.Groups[g].Name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", text, got, want)
		}
	}
}

// Every case names its group, whatever the words around it.
func TestCasesMentionTheirGroup(t *testing.T) {
	s := Builtin()
	m := s.Mentions()
	missed := map[string]bool{}
	for _, c := range s.Cases(nil) {
		if c.Trick != "" || missed[c.Template] {
			continue
		}
		named := slices.ContainsFunc(m.In(c.Text), func(g int) bool { return s.Groups[g].Name == c.Group })
		if c.Group != "" && !named {
			missed[c.Template] = true
			t.Errorf("%q is found to name %v, not %s", c.Text, m.In(c.Text), c.Group)
		}
	}
}
