package functional

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
)

// inventedSlurs stand for a user's list. They are no words of any language.
func inventedSlurs(t *testing.T) []Slur {
	t.Helper()
	var b strings.Builder
	for i, g := range Builtin().Groups {
		fmt.Fprintf(&b, "%s: blork%d | blorks%d\n%s: snurf%d | snurfs%d | reclaimed\n", g.Name, i, i, g.Name, i, i)
	}
	slurs, err := Builtin().ReadSlurs(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return slurs
}

func TestBuiltinCoversEveryFunctionality(t *testing.T) {
	s := Builtin()
	for _, f := range s.Functionalities {
		families := map[string]int{}
		for _, family := range s.Families {
			if family.Functionality == f.Name {
				families[family.Part]++
				if len(family.Templates) < 3 {
					t.Errorf("family %s has %d templates", family.Name, len(family.Templates))
				}
			}
		}
		if families[Train] == 0 || families[Test] == 0 {
			t.Errorf("%s has the families %v", f.Name, families)
		}
	}
}

func TestCases(t *testing.T) {
	s := Builtin()
	cases := s.Cases(inventedSlurs(t))
	if !reflect.DeepEqual(cases, s.Cases(inventedSlurs(t))) {
		t.Error("the suite is not the same twice")
	}
	ids, texts := map[string]string{}, map[string]string{}
	functionalities, groups, tricks := map[string]int{}, map[string][2]int{}, map[string]int{}
	hateful := 0
	for _, c := range cases {
		if ids[c.ID] != "" {
			t.Errorf("two cases are %s", c.ID)
		}
		ids[c.ID] = c.Text
		if other := texts[c.Text]; other != "" && c.Trick == "" {
			t.Errorf("%s and %s are both %q", other, c.ID, c.Text)
		}
		texts[c.Text] = c.ID
		if c.Text == "" || strings.ContainsAny(c.Text, "{}()|") || strings.Contains(c.Text, "  ") {
			t.Errorf("%s is %q", c.ID, c.Text)
		}
		if c.Hateful != (c.Class == Hate) {
			t.Errorf("%+v", c)
		}
		if c.Trick != "" {
			tricks[c.Trick]++
			if ids[c.Of] == "" {
				t.Errorf("%s is made of %q, which does not come before", c.ID, c.Of)
			}
			continue
		}
		functionalities[c.Functionality]++
		if c.Hateful {
			hateful++
		}
		if c.Group != "" {
			n := groups[c.Group]
			n[map[bool]int{true: 1}[c.Hateful]]++
			groups[c.Group] = n
		}
	}
	for _, f := range s.Functionalities {
		if functionalities[f.Name] < 20 {
			t.Errorf("%s has %d cases", f.Name, functionalities[f.Name])
		}
	}
	for _, g := range s.Groups {
		if groups[g.Name] != groups[s.Groups[0].Name] {
			t.Errorf("%s has %v cases, %s %v", g.Name, groups[g.Name], s.Groups[0].Name, groups[s.Groups[0].Name])
		}
	}
	for _, trick := range Tricks {
		if tricks[trick.Name] < 200 {
			t.Errorf("%s is done to %d cases", trick.Name, tricks[trick.Name])
		}
	}
	untouched := 0
	for _, n := range functionalities {
		untouched += n
	}
	if share := float64(hateful) / float64(untouched); untouched < 1000 || share < 0.5 || share > 0.75 {
		t.Errorf("%d cases, of which %.2f hateful", untouched, share)
	}
}

func TestNoSlursCome(t *testing.T) {
	for _, c := range Builtin().Cases(nil) {
		if strings.HasPrefix(c.Functionality, "slur_") {
			t.Errorf("%s is %q", c.ID, c.Text)
		}
	}
	for _, c := range Builtin().Cases(inventedSlurs(t)) {
		if named := strings.Contains(strings.ToLower(c.Text), "snurf"); c.Functionality == "slur_reclaimed" && c.Trick == "" && !named {
			t.Errorf("%s is %q, whose slur is not reclaimed", c.ID, c.Text)
		}
	}
}

// A text's words, those that name its group replaced by one mark: what two texts
// of the same wording have in common whatever their group.
func wording(text string, group Group) []string {
	text = " " + strings.Join(words(text), " ") + " "
	names := slices.Concat(group.Plural, group.Singular, group.Adjective)
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, n := range names {
		text = strings.ReplaceAll(text, " "+strings.Join(words(n), " ")+" ", " @ ")
	}
	return append(append([]string{"^"}, strings.Fields(text)...), "$")
}

func trigrams(words []string) map[string]bool {
	out := map[string]bool{}
	for i := 0; i+3 <= len(words); i++ {
		out[strings.Join(words[i:i+3], " ")] = true
	}
	return out
}

// No text of the test part is worded nearly as one of the training part.
func TestPartsAreApart(t *testing.T) {
	s := Builtin()
	groups := map[string]Group{}
	for _, g := range s.Groups {
		groups[g.Name] = g
	}
	training, err := s.Training(nil, 20_000, 1)
	if err != nil {
		t.Fatal(err)
	}
	index := map[string][]int{} // of training texts by trigram
	var sizes []int
	var kept []Case
	for _, c := range training {
		if c.Trick != "" {
			continue
		}
		g := trigrams(wording(c.Text, groups[c.Group]))
		for w := range g {
			index[w] = append(index[w], len(kept))
		}
		sizes, kept = append(sizes, len(g)), append(kept, c)
	}
	const most = 0.4
	near := map[string]bool{}
	for _, c := range s.Cases(nil) {
		if c.Trick != "" || near[c.Template] {
			continue
		}
		g := trigrams(wording(c.Text, groups[c.Group]))
		common := map[int]int{}
		for w := range g {
			for _, i := range index[w] {
				common[i]++
			}
		}
		for i, n := range common {
			if likeness := float64(n) / float64(len(g)+sizes[i]-n); likeness >= most && !near[c.Template] {
				near[c.Template] = true
				t.Errorf("%s (%s) is %.2f like %q of %s", c.Text, c.Template, likeness, kept[i].Text, kept[i].Family)
			}
		}
	}
}

// No list of words of one part has a word that a list of the other has.
func TestPartsShareNoWords(t *testing.T) {
	lists := func(name string) map[string]string {
		f, err := os.Open("data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out := map[string]string{}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "words "); ok {
				list, words, _ := strings.Cut(rest, ":")
				for w := range strings.SplitSeq(words, "|") {
					out[strings.TrimSpace(w)] = list
				}
			}
		}
		return out
	}
	train, test := lists("train.txt"), lists("test.txt")
	if len(train) < 500 || len(test) < 80 {
		t.Errorf("%d and %d words", len(train), len(test))
	}
	for w, list := range test {
		if train[w] != "" {
			t.Errorf("%q is in %s of train.txt and in %s of test.txt", w, train[w], list)
		}
	}
}

func TestTraining(t *testing.T) {
	s := Builtin()
	texts, err := s.Training(inventedSlurs(t), 6000, 7)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := s.Training(inventedSlurs(t), 6000, 7)
	other, _ := s.Training(inventedSlurs(t), 6000, 8)
	if !reflect.DeepEqual(texts, again) || reflect.DeepEqual(texts, other) {
		t.Error("the texts are not the same for the same seed alone")
	}
	part := map[string]string{}
	for _, f := range s.Families {
		part[f.Name] = f.Part
	}
	seen := map[string]bool{}
	pairs, functionalities, tricked := map[string]int{}, map[string]int{}, 0
	for _, c := range texts {
		if part[c.Family] != Train {
			t.Errorf("%s of %s is of part %q", c.ID, c.Family, part[c.Family])
		}
		if seen[c.Text] && c.Trick == "" {
			t.Errorf("%q comes twice", c.Text)
		}
		seen[c.Text] = true
		functionalities[c.Functionality]++
		if c.Trick != "" {
			tricked++
		}
		switch {
		case c.Group == "":
		case c.Hateful:
			pairs[c.Group]++
		default:
			pairs[c.Group]--
		}
	}
	if len(texts) != 6000 || len(functionalities) != len(s.Functionalities) {
		t.Errorf("%d texts of %d functionalities", len(texts), len(functionalities))
	}
	if tricked < 1000 || tricked > 1400 {
		t.Errorf("%d of 6,000 texts are altered", tricked)
	}
	for g, difference := range pairs {
		if difference < -1 || difference > 1 {
			t.Errorf("%s is in %d more hateful texts than others", g, difference)
		}
	}
}

func TestTrainingRefuses(t *testing.T) {
	for _, n := range []int{-1, 0, maxTraining + 1} {
		if _, err := Builtin().Training(nil, n, 1); orrery.CodeOf(err) != "functional_training" {
			t.Errorf("%d texts: error %v", n, err)
		}
	}
}

// A suite that can make only few texts gives those, and ends.
func TestTrainingEnds(t *testing.T) {
	s := mustLoad(t, map[string]string{"train.txt": "part train\nfunctionality f\nfamily a\nI like {groups}\nthe (red|blue) one\n"})
	texts, err := s.Training(nil, 1000, 1)
	if err != nil || len(texts) < 4 || len(texts) > 40 {
		t.Errorf("%d texts, error %v", len(texts), err)
	}
}
