package spec

import (
	"strings"
)

// blockLine rewrites a line outside brackets, and whatever its value goes on to.
func (f *formatter) blockLine(indent int, line string) {
	if f.open && indent > f.top().source {
		text, comment := splitComment(line[indent:])
		f.emit(f.childIndent(), text, comment)
		f.open = comment == ""
		f.next++
		return
	}
	f.open = false
	at, out, text := indent, -1, ""
	begin := func(column int) {
		if out < 0 {
			out = column
		}
	}
	for at < len(line) && isDash(line[at:]) {
		begin(f.place(at, true))
		text += "- "
		at = skipBlank(line, at+1)
	}
	if colon := keyEnd(line, at); colon >= 0 {
		begin(f.place(at, false))
		text += strings.TrimRight(line[at:colon], " \t") + ": "
		at = skipBlank(line, colon+1)
	}
	begin(f.childIndent())
	f.value(out, text, line[at:])
}

// value rewrites what stands behind a key or a dash.
func (f *formatter) value(indent int, text, rest string) {
	switch {
	case rest == "" || rest[0] == '#':
		f.emit(indent, text, strings.TrimRight(rest, " \t"))
		f.next++
	case rest[0] == '|' || rest[0] == '>':
		header, comment := splitComment(rest)
		f.emit(indent, text+header, comment)
		f.next++
		f.blockScalar(header)
	case strings.ContainsRune(`"'[{`, rune(rest[0])):
		w := &flow{f: f, indent: indent, text: text, rest: rest}
		w.run()
	default:
		plain, comment := splitComment(rest)
		f.emit(indent, text+plain, comment)
		f.open = comment == ""
		f.next++
	}
}

// splitComment takes the comment off a plain text.
func splitComment(text string) (before, comment string) {
	for i := range len(text) {
		if text[i] == '#' && (i == 0 || isBlankByte(text[i-1])) {
			return strings.TrimRight(text[:i], " \t"), strings.TrimRight(text[i:], " \t")
		}
	}
	return strings.TrimRight(text, " \t"), ""
}

func skipBlank(line string, at int) int {
	for at < len(line) && isBlankByte(line[at]) {
		at++
	}
	return at
}

// keyEnd gives the index of the colon behind a key that begins at an index, -1
// where none does.
func keyEnd(line string, at int) int {
	if at >= len(line) || strings.ContainsRune("{[|>#", rune(line[at])) {
		return -1
	}
	i := at
	if q := line[at]; q == '"' || q == '\'' {
		end := closingQuote(line, at+1, q)
		if end < 0 {
			return -1
		}
		if i = skipBlank(line, end+1); i >= len(line) || line[i] != ':' {
			return -1
		}
	}
	for ; i < len(line); i++ {
		switch {
		case line[i] == ':' && (i+1 == len(line) || isBlankByte(line[i+1])):
			return i
		case line[i] == '#' && i > at && isBlankByte(line[i-1]):
			return -1
		}
	}
	return -1
}

// closingQuote gives the index of the quote that ends a text, from an index
// inside it; -1 where it goes on beyond the line.
func closingQuote(line string, at int, quote byte) int {
	for i := at; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == quote:
			i++
		case line[i] == quote:
			return i
		}
	}
	return -1
}

// blockScalar rewrites the lines of a text behind | or >: indented anew, and
// otherwise as they are.
func (f *formatter) blockScalar(header string) {
	parent := f.top()
	from, to := -1, f.childIndent()
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		width := int(header[i] - '0')
		from, to = max(parent.source, 0)+width, max(parent.out, 0)+width
	}
	blank := 0
	for ; f.next < len(f.source); f.next++ {
		line := f.source[f.next]
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if indent == len(line) && (from < 0 || indent <= from) {
			blank++
			continue
		}
		if from < 0 && indent > parent.source {
			from = indent
		}
		if from < 0 || indent < from {
			break
		}
		f.blankLines(blank)
		blank = 0
		f.out = append(f.out, outLine{text: strings.Repeat(" ", to) + line[from:]})
	}
	if strings.Contains(header, "+") {
		f.blankLines(blank)
	} else {
		f.blank = blank > 0
	}
}

// blankLines adds blank lines that are part of a value.
func (f *formatter) blankLines(n int) {
	for range n {
		f.out = append(f.out, outLine{})
	}
}
