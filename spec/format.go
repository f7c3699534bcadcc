package spec

import (
	"slices"
	"strings"
	"unicode"

	"orrery.dev"
)

// Format gives a spec's text in the canonical layout: two spaces a level, lists
// indented below their key, one space after a colon and a comma and none inside
// brackets, lines that continue a bracket aligned behind it, comments at the
// ends of neighbouring lines in one column, and at most one blank line in
// succession. Comments, quotes, the order of keys and the line breaks inside
// brackets stay as they are. Formatting again changes nothing.
//
// A text that is not YAML of the kind a spec takes is not formatted: the
// diagnostics say why. Other faults of a spec do not matter here. The error is
// an *orrery.Error of code format_unsafe when the result would not say the same
// as the text, which is then left alone.
func Format(path string, text []byte) ([]byte, Diagnostics, error) {
	before, diagnostics := parsed(path, text)
	if before == nil || len(diagnostics) > 0 {
		return nil, diagnostics, nil
	}
	f := &formatter{}
	for _, line := range newSource(path, text).lines {
		f.source = append(f.source, string(line))
	}
	if last := len(f.source) - 1; f.source[last] == "" {
		f.source = f.source[:last]
	}
	out := []byte(f.format())
	after, _ := parsed(path, out)
	if after == nil || !sameTree(before, after) || essence(string(text)) != essence(string(out)) {
		return nil, nil, orrery.Errorf(orrery.Invalid, "format_unsafe", "%s has a layout that cannot be changed safely, and is left as it is", path).
			WithNext("write what is unusual in it, such as a value over several lines, more plainly")
	}
	return out, nil, nil
}

// parsed reads a text as far as its tree, with what YAML and the reader have
// against it.
func parsed(path string, text []byte) (*node, Diagnostics) {
	c := &checker{src: newSource(path, text), reg: &Registry{}, lost: make(map[string]bool), gone: make(map[int]bool)}
	root := c.read(text)
	return root, c.sorted()
}

// sameTree reports whether two trees say the same, wherever it stands.
func sameTree(a, b *node) bool {
	if a.shape != b.shape || a.text != b.text || a.plain != b.plain || a.block != b.block ||
		len(a.entries) != len(b.entries) || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.entries {
		if !sameTree(a.entries[i].key, b.entries[i].key) || !sameTree(a.entries[i].value, b.entries[i].value) {
			return false
		}
	}
	for i := range a.items {
		if !sameTree(a.items[i], b.items[i]) {
			return false
		}
	}
	return true
}

// essence gives what layout never touches: every character, comments too, but
// blanks and commas.
func essence(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == ',' || r == '\ufeff' {
			return -1
		}
		return r
	}, text)
}

// level is one block mapping or list that is open.
type level struct {
	// source and out are its columns in the text and in the result, from 0.
	source, out int
	list        bool
}

// outLine is a line of the result; the comment at its end is kept apart until
// those of its neighbours are known.
type outLine struct{ text, comment string }

// formatter rewrites the lines of a text.
type formatter struct {
	source []string
	next   int // the index of the next line to read
	out    []outLine
	levels []level
	// blank says that blank lines wait to be written.
	blank bool
	// open says that the last line ended in a plain scalar, which a deeper line
	// continues.
	open bool
}

func (f *formatter) format() string {
	for f.next < len(f.source) {
		line := f.source[f.next]
		content := strings.Trim(line, " \t")
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		switch {
		case content == "":
			f.blank = true
			f.next++
		case content[0] == '#':
			f.emit(f.commentIndent(indent), content, "")
			f.open = false
			f.next++
		case indent == 0 && (content == "---" || content == "..."):
			f.emit(0, content, "")
			f.next++
		default:
			f.blockLine(indent, line)
		}
	}
	return strings.Join(alignComments(f.out), "\n") + "\n"
}

// emit adds a line to the result, behind a blank one where there were such.
func (f *formatter) emit(indent int, text, comment string) {
	if f.blank && len(f.out) > 0 {
		f.out = append(f.out, outLine{})
	}
	f.blank = false
	f.out = append(f.out, outLine{strings.Repeat(" ", indent) + strings.TrimRight(text, " \t"), comment})
}

// commentIndent gives the column of a comment on a line of its own: that of what
// follows, unless the comment is indented as something that is still open.
func (f *formatter) commentIndent(indent int) int {
	column, next := f.following()
	if indent <= column {
		return next
	}
	best := next
	for _, l := range f.levels {
		if l.source <= indent {
			best = max(best, l.out)
		}
	}
	return best
}

// following gives the column of the next line that is no comment, in the text
// and in the result.
func (f *formatter) following() (source, out int) {
	for _, line := range f.source[f.next+1:] {
		content := strings.TrimLeft(line, " \t")
		if content == "" || content[0] == '#' {
			continue
		}
		source = len(line) - len(content)
		ahead := formatter{levels: slices.Clone(f.levels)}
		return source, ahead.place(source, isDash(content))
	}
	return 0, 0
}

// isDash reports whether text begins an item of a list.
func isDash(text string) bool {
	return text[0] == '-' && (len(text) == 1 || isBlankByte(text[1]))
}

func isBlankByte(b byte) bool { return b == ' ' || b == '\t' }

func (f *formatter) top() level {
	if len(f.levels) == 0 {
		return level{source: -1, out: -2}
	}
	return f.levels[len(f.levels)-1]
}

// childIndent is the column of what stands deeper than all that is open.
func (f *formatter) childIndent() int { return f.top().out + 2 }

// place opens or finds the level of a key or a dash at a column of the text.
func (f *formatter) place(column int, list bool) int {
	for len(f.levels) > 0 {
		top := f.top()
		if top.source < column || top.source == column && (top.list == list || list) {
			break
		}
		f.levels = f.levels[:len(f.levels)-1]
	}
	top := f.top()
	if top.source == column && top.list == list {
		return top.out
	}
	f.levels = append(f.levels, level{source: column, out: f.childIndent(), list: list})
	return f.top().out
}

// alignComments writes the lines, comments of neighbours in one column, two
// spaces behind the longest of their lines.
func alignComments(lines []outLine) []string {
	out := make([]string, len(lines))
	for i := 0; i < len(lines); {
		end, width := i, 0
		for ; end < len(lines) && lines[end].comment != ""; end++ {
			width = max(width, len([]rune(lines[end].text)))
		}
		if end == i {
			out[i] = lines[i].text
			i++
			continue
		}
		for ; i < end; i++ {
			out[i] = lines[i].text + strings.Repeat(" ", width-len([]rune(lines[i].text))+2) + lines[i].comment
		}
	}
	return out
}
