package functional

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"orrery.dev"
)

const (
	someGroups = "group elves\nplural: elves | elf folk\nsingular: elf\nadjective: elvish\n"
	someThings = "f hate it is hateful\n"
)

func files(with map[string]string) fstest.MapFS {
	out := fstest.MapFS{"groups.txt": {Data: []byte(someGroups)}, "functionalities.txt": {Data: []byte(someThings)}}
	for name, text := range with {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func mustLoad(t *testing.T, with map[string]string) *Suite {
	t.Helper()
	s, err := Load(files(with))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTemplates(t *testing.T) {
	for template, want := range map[string]string{
		"I see {groups}":                  "I see elves",
		"{a:group} and {a:big} {adj} hat": "An elf and an enormous elvish hat",
		"{groups}(| or not), (really)":    "Elves, really|Elves or not, really",
		"({groups}|{a:group})?":           "Elves?|An elf?",
		"what( a| the) day":               "What a day|What the day",
	} {
		s := mustLoad(t, map[string]string{"t.txt": "part test\nwords big: enormous\nfunctionality f\nfamily a\n" + template})
		got := map[string]bool{}
		for seed := range uint64(20) {
			got[s.Families[0].Templates[0].text(filler{group: s.Groups[0], usual: true, random: rand.New(rand.NewPCG(seed, 1))})] = true
		}
		for _, w := range strings.Split(want, "|") {
			if !got[w] {
				t.Errorf("%s gives %v, want %q", template, got, w)
			}
			delete(got, w)
		}
		if len(got) > 0 {
			t.Errorf("%s gives also %v", template, got)
		}
	}
}

func TestLoadFaults(t *testing.T) {
	head := "part train\nwords w: a | b\nfunctionality f\nfamily one\n"
	for name, c := range map[string]struct {
		with  map[string]string
		wants []string
	}{
		"no part":       {map[string]string{"t.txt": "family a\n"}, []string{`t.txt:1: a file of templates begins with "part train"`, "t.txt:1: a family belongs to a functionality"}},
		"wrong part":    {map[string]string{"t.txt": "part tests\n"}, []string{`t.txt:1: "tests" is no part`}},
		"placeholder":   {map[string]string{"t.txt": head + "I {x} and {y}\n"}, []string{"t.txt:5: {x} is neither", "t.txt:5: {y} is neither"}},
		"open brace":    {map[string]string{"t.txt": head + "I {w\n"}, []string{`t.txt:5: '{' stands alone`}},
		"open choice":   {map[string]string{"t.txt": head + "I (w|x\n"}, []string{`t.txt:5: '(' stands alone`}},
		"closed choice": {map[string]string{"t.txt": head + "I w) x\n"}, []string{`t.txt:5: ')' stands alone`}},
		"a bar":         {map[string]string{"t.txt": head + "I | x\n"}, []string{`t.txt:5: '|' stands alone`}},
		"nested":        {map[string]string{"t.txt": head + "I (a|(b|c)|d)\n"}, []string{`t.txt:5: '(' stands alone`}},
		"twice":         {map[string]string{"t.txt": head + "words w: c\nfamily one\n"}, []string{"t.txt:5: words w are declared twice", "t.txt:6: family one is declared twice"}},
		"empty word":    {map[string]string{"t.txt": "part test\nwords w: a || b\n"}, []string{"t.txt:2: the list has an empty word"}},
		"form as words": {map[string]string{"t.txt": "part test\nwords group: a\n"}, []string{"t.txt:2: {group} is filled in by the group"}},
		"long line":     {map[string]string{"t.txt": head + strings.Repeat("x", 1<<17)}, []string{"t.txt:5: the line is longer"}},
		"no colon":      {map[string]string{"t.txt": "part test\nwords w a\n"}, []string{"t.txt:2: want"}},
		"functionality": {map[string]string{"t.txt": "part test\nfunctionality g\n"}, []string{`t.txt:2: functionality "g" is not declared`}},
		"no family":     {map[string]string{"t.txt": "part test\nfunctionality f\nhello there\n"}, []string{"t.txt:3: a template belongs to a family"}},
		"two files":     {map[string]string{"a.txt": head, "b.txt": "part test\nfunctionality f\nfamily one\n"}, []string{"b.txt:3: family one is declared twice"}},
		"class":         {map[string]string{"functionalities.txt": "f bad it is\ng hate\n"}, []string{`functionalities.txt:1: the class "bad"`, "functionalities.txt:2: want NAME CLASS"}},
		"groups": {map[string]string{"groups.txt": "plural: x\ngroup a\nplurals: x\nsingular: x\nsingular: y\n"}, []string{
			"groups.txt:1: want", `groups.txt:3: "plurals" is none of`, `groups.txt:5: singular of "a" is declared twice`, `groups.txt: group "a" needs`}},
	} {
		_, err := Load(files(c.with))
		if orrery.CodeOf(err) != "functional_suite" {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
		}
	}
	if _, err := Load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "groups.txt is missing") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestReadSlurs(t *testing.T) {
	s := mustLoad(t, nil)
	got, err := s.ReadSlurs(strings.NewReader("# mine\n\nelves: pointy | pointies | reclaimed\nelves:x|y\n"))
	if err != nil || len(got) != 2 || got[0] != (Slur{"elves", "pointy", "pointies", true}) || got[1] != (Slur{"elves", "x", "y", false}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.ReadSlurs(strings.NewReader("# long\n" + strings.Repeat("x", 1<<17))); orrery.CodeOf(err) != "functional_slurs" || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a long line: %v", err)
	}
	_, err = s.ReadSlurs(strings.NewReader("orcs: a | b\nelves: a\nelves: a | b | c\nelves: a | \n"))
	if orrery.CodeOf(err) != "functional_slurs" {
		t.Fatal(err)
	}
	for _, want := range []string{`line 1: "orcs"`, "line 2: want", "line 3: want", "line 4: want"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v has no %q", err, want)
		}
	}
}

// Whatever a file of templates holds, it loads or is refused, and what loads makes
// texts.
func FuzzLoad(f *testing.F) {
	f.Add("part train\nwords w: a | b\nfunctionality f\nfamily one\nI {w} {a:group} (and {groups}|)\n")
	f.Add("part test\nfunctionality f\nfamily x\n({adj}|{slur}) {slurs}\n\n# c\n{a:}|")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(files(map[string]string{"t.txt": text}))
		if err != nil {
			if orrery.KindOf(err) != orrery.Invalid {
				t.Errorf("error %v", err)
			}
			return
		}
		slurs := []Slur{{Group: "elves", Singular: "x", Plural: "y"}}
		s.Cases(slurs)
		if _, err := s.Training(slurs, 10, 1); err != nil {
			t.Error(err)
		}
	})
}
