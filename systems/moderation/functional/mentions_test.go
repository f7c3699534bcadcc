package functional

import (
	"slices"
	"strings"
	"testing"

	"orrery.dev"
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

func TestMentionsOfTheUsersTerms(t *testing.T) {
	more, err := ReadIdentities(strings.NewReader("# ours\nwomen: womxn\n\ngoths: goth | black-clad folk\ngoths: Goths\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := Builtin().Mentions(more...)
	for text, want := range map[string][]string{
		"the womxn here":              {"women"},
		"a Goth and his sister":       {"goths"},
		"black clad folk and goths":   {"goths"},
		"women and goths, and women.": {"women", "goths"},
	} {
		var got []string
		for _, g := range m.In(text) {
			got = append(got, m.Groups[g])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", text, got, want)
		}
	}
	_, err = ReadIdentities(strings.NewReader("goths\n: goth\nfine: a\npunks: punk | ...\n"))
	for _, want := range []string{"line 1", "line 2", "line 4", `"..." has no word`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if orrery.CodeOf(err) != "identities_invalid" {
		t.Error(err)
	}
}
