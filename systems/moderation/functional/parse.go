package functional

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"orrery.dev"
)

// Load reads a suite from the files of a folder, at its top: groups.txt,
// functionalities.txt, and any number of files of templates, whose names end in
// .txt too. Lines that begin with "#" are comments.
//
// groups.txt has, for each group, a line "group NAME" and the lines "plural:",
// "singular:", "adjective:" and, where there is more, "also:", each with words
// parted by "|"; and before the first group, the line "persons:".
//
// functionalities.txt has a line for each: its name, its class and what it is.
//
// A file of templates begins with "part train" or "part test". "words NAME: a |
// b" declares a list for the templates of that file. "functionality NAME" opens a
// functionality, "family NAME" a family of it, and every other line is a template.
// In one, {NAME} is a word of a list; {groups}, {group} and {adj} name the group;
// {slurs} and {slur} are of the user's list; {a:NAME} puts "a" or "an" in front;
// and (this|that|) picks one of these.
//
// The error has every fault of all files, each with its file and line; its kind
// is Invalid and its code functional_suite.
func Load(files fs.FS) (*Suite, error) {
	l := &loader{suite: &Suite{}}
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, err
	}
	// Groups and functionalities are what the others refer to.
	for _, first := range []string{"functionalities.txt", "groups.txt"} {
		if i := slices.Index(names, first); i >= 0 {
			names = slices.Delete(names, i, i+1)
		} else {
			l.faults = append(l.faults, fmt.Errorf("%s is missing", first))
		}
		names = slices.Insert(names, 0, first)
	}
	for _, name := range names {
		if err := l.file(files, name); err != nil {
			return nil, err
		}
	}
	for _, g := range l.suite.Groups {
		if g.Plural == nil || g.Singular == nil || g.Adjective == nil {
			l.faults = append(l.faults, fmt.Errorf("groups.txt: group %q needs plural, singular and adjective", g.Name))
		}
	}
	if len(l.faults) > 0 {
		return nil, orrery.Errorf(orrery.Invalid, "functional_suite", "the suite has %d faults", len(l.faults)).
			Because(errors.Join(l.faults...))
	}
	return l.suite, nil
}

// loader is where a loading stands.
type loader struct {
	suite  *Suite
	faults []error

	// Of the file that is read:
	name          string
	line          int
	part          string
	words         map[string][][]piece
	functionality string
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf("%s:%d: %s", l.name, l.line, fmt.Sprintf(format, args...)))
}

func (l *loader) file(files fs.FS, name string) error {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is among the faults
	}
	if err != nil {
		return err
	}
	defer f.Close()
	l.name, l.line, l.part, l.functionality = name, 0, "", ""
	l.words = map[string][][]piece{}
	read := l.template
	switch path.Base(name) {
	case "groups.txt":
		read = l.group
	case "functionalities.txt":
		read = l.functionalityLine
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		l.line++
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			read(line)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		l.line++
		l.fault("the line is longer than 64 KiB")
		return nil
	}
	return lines.Err()
}

func (l *loader) functionalityLine(line string) {
	f := strings.Fields(line)
	switch {
	case len(f) < 3:
		l.fault("want NAME CLASS and what it is")
	case !slices.Contains([]string{Hate, Offensive, Neither}, f[1]):
		l.fault("the class %q is none of hate, offensive and neither", f[1])
	case l.suite.functionality(f[0]).Name != "":
		l.fault("functionality %s is declared twice", f[0])
	default:
		l.suite.Functionalities = append(l.suite.Functionalities, Functionality{f[0], f[1], strings.Join(f[2:], " ")})
	}
}

func (l *loader) group(line string) {
	if name, ok := strings.CutPrefix(line, "group "); ok {
		name = strings.TrimSpace(name)
		if slices.ContainsFunc(l.suite.Groups, func(g Group) bool { return g.Name == name }) {
			l.fault("group %q is declared twice", name)
		}
		l.suite.Groups = append(l.suite.Groups, Group{Name: name})
		return
	}
	key, list, ok := strings.Cut(line, ":")
	if ok && key == "persons" && len(l.suite.Groups) == 0 {
		l.suite.Persons = l.list(list)
		return
	}
	if !ok || len(l.suite.Groups) == 0 {
		l.fault(`want "group NAME", or a form and its words after one`)
		return
	}
	g := &l.suite.Groups[len(l.suite.Groups)-1]
	form, ok := map[string]*[]string{"plural": &g.Plural, "singular": &g.Singular, "adjective": &g.Adjective, "also": &g.Also}[key]
	switch words := l.list(list); {
	case !ok:
		l.fault("%q is none of plural, singular, adjective and also", key)
	case *form != nil:
		l.fault("%s of %q is declared twice", key, g.Name)
	default:
		*form = words
	}
}

// list parts words at "|".
func (l *loader) list(text string) []string {
	words := strings.Split(text, "|")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
		if words[i] == "" {
			l.fault("the list has an empty word")
		}
	}
	return words
}

// template reads a line of a file of templates.
func (l *loader) template(line string) {
	key, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if l.part == "" && key != "part" {
		l.fault(`a file of templates begins with "part train" or "part test"`)
		l.part = Train
	}
	switch key {
	case "part":
		if l.part = rest; rest != Train && rest != Test {
			l.fault("%q is no part: it is train or test", rest)
		}
	case "words":
		l.wordList(rest)
	case "functionality":
		if l.functionality = rest; l.suite.functionality(rest).Name == "" {
			l.fault("functionality %q is not declared in functionalities.txt", rest)
		}
	case "family":
		l.family(rest)
	default:
		l.templateLine(line)
	}
}

func (l *loader) wordList(rest string) {
	name, list, ok := strings.Cut(rest, ":")
	name = strings.TrimSpace(name)
	switch {
	case !ok || name == "":
		l.fault(`want "words NAME: a | b"`)
		return
	case slices.Contains(forms, name):
		l.fault("{%s} is filled in by the group; take another name", name)
	case l.words[name] != nil:
		l.fault("words %s are declared twice", name)
	}
	words := [][]piece{}
	for _, w := range l.list(list) {
		words = append(words, []piece{{literal: w}})
	}
	l.words[name] = words
}

func (l *loader) family(name string) {
	if l.functionality == "" {
		l.fault("a family belongs to a functionality: name that first")
	}
	if i := slices.IndexFunc(l.suite.Families, func(f Family) bool { return f.Name == name }); i >= 0 {
		l.fault("family %s is declared twice", name)
	}
	l.suite.Families = append(l.suite.Families, Family{Name: name, Part: l.part, Functionality: l.functionality})
}

func (l *loader) templateLine(line string) {
	n := len(l.suite.Families)
	if n == 0 || l.suite.Families[n-1].Part != l.part || l.suite.Families[n-1].Functionality != l.functionality {
		l.fault("a template belongs to a family: name that first")
		return
	}
	f := &l.suite.Families[n-1]
	f.Templates = append(f.Templates, Template{
		ID: fmt.Sprintf("%s/%d", f.Name, len(f.Templates)+1), Source: line, Line: l.line, pieces: l.pieces(line, true),
	})
}

// pieces parses the text of a template. Choices do not nest, but hold
// placeholders.
func (l *loader) pieces(text string, choices bool) []piece {
	out := []piece{}
	for text != "" {
		at := strings.IndexAny(text, "{}()|")
		if at < 0 {
			return append(out, piece{literal: text})
		}
		if at > 0 {
			out = append(out, piece{literal: text[:at]})
		}
		open := text[at]
		text = text[at+1:]
		end, found := 0, false
		switch {
		case open == '{':
			end, found = index(text, '}')
		case open == '(' && choices:
			end, found = index(text, ')')
		}
		if !found {
			l.fault("%q stands alone", open)
			return out
		}
		if open == '{' {
			out = append(out, l.placeholder(text[:end]))
		} else {
			var c [][]piece
			for _, choice := range strings.Split(text[:end], "|") {
				c = append(c, l.pieces(choice, false))
			}
			out = append(out, piece{choices: c})
		}
		text = text[end+1:]
	}
	return out
}

func index(text string, c byte) (int, bool) {
	i := strings.IndexByte(text, c)
	return i, i >= 0
}

func (l *loader) placeholder(name string) piece {
	name, article := strings.CutPrefix(name, "a:")
	switch {
	case slices.Contains(forms, name):
		return piece{form: name, article: article}
	case l.words[name] != nil:
		return piece{choices: l.words[name], article: article}
	}
	l.fault("{%s} is neither a form of the group nor a list of words that stands above", name)
	return piece{}
}
