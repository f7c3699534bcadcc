package spec

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// advice joins what a diagnostic says beside its message.
func (d *Diagnostic) advice() string {
	var parts []string
	if d.Note != "" {
		parts = append(parts, d.Note)
	}
	if d.Suggestion != "" {
		parts = append(parts, "did you mean `"+d.Suggestion+"`?")
	}
	return strings.Join(parts, "; ")
}

// colours of a terminal; all are empty without colour.
type colours struct{ bold, red, yellow, blue, reset string }

// Render writes diagnostics for people: the place, the fault, the line with the
// fault underlined, the place in the spec and what helps; and at the end how
// many there are. It writes nothing where there are none.
func Render(w io.Writer, diagnostics Diagnostics, color bool) error {
	if len(diagnostics) == 0 {
		return nil
	}
	var c colours
	if color {
		c = colours{"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[34m", "\x1b[0m"}
	}
	var b strings.Builder
	for i := range diagnostics {
		renderOne(&b, &diagnostics[i], c)
	}
	b.WriteString(summary(diagnostics) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func summary(diagnostics Diagnostics) string {
	var parts []string
	for _, s := range []Severity{SeverityError, SeverityWarning} {
		switch n := diagnostics.count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+string(s))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

func renderOne(b *strings.Builder, d *Diagnostic, c colours) {
	hue := c.red
	if d.Severity == SeverityWarning {
		hue = c.yellow
	}
	fmt.Fprintf(b, "%s%s:%d:%d:%s %s%s:%s %s [%s]\n", c.bold, printable(d.File), d.Line, d.Column, c.reset, hue, d.Severity, c.reset, printable(d.Message), d.Code)
	line, before, under := excerpt([]rune(d.Excerpt), d.Column-1, d.EndColumn-1)
	number := fmt.Sprintf("%6d", d.Line)
	fmt.Fprintf(b, "%s%s |%s %s\n", c.blue, number, c.reset, line)
	fmt.Fprintf(b, "%s%s |%s %s%s%s%s\n", c.blue, strings.Repeat(" ", len(number)), c.reset,
		strings.Repeat(" ", before), hue, strings.Repeat("^", under), c.reset)
	place := ""
	if d.Path != "" {
		place = "at " + printable(d.Path)
	}
	if advice := printable(d.advice()); advice != "" && place != "" {
		place += "; " + advice
	} else if advice != "" {
		place = advice
	}
	if place != "" {
		fmt.Fprintf(b, "%s   %s\n", strings.Repeat(" ", len(number)), place)
	}
	b.WriteByte('\n')
}

// Columns of a terminal.
const (
	maxExcerpt = 120
	leadIn     = 40
	tabWidth   = 4
)

// excerpt lays out a line for a terminal: tabs as spaces, wide characters two
// columns wide, what cannot be printed replaced, a long line cut around the
// fault. It gives the columns before and under the fault, whose first and last
// characters are from and to.
func excerpt(line []rune, from, to int) (text string, before, under int) {
	from = min(max(from, 0), len(line))
	to = min(max(to, from), len(line))
	first, last := 0, len(line)
	if width(line) > maxExcerpt {
		if first = max(0, from-leadIn); first < 4 {
			first = 0
		}
		last = first
		for columns := 0; last < len(line) && columns < maxExcerpt; last++ {
			columns += columnsOf(line[last])
		}
	}
	var b strings.Builder
	if first > 0 {
		b.WriteString("...")
		before = 3
	}
	for i := first; i < last; i++ {
		switch n := columnsOf(line[i]); {
		case i < from:
			before += n
		case i < to:
			under += n
		}
		b.WriteString(cell(line[i]))
	}
	if last < len(line) {
		b.WriteString("...")
	}
	return strings.TrimRight(b.String(), " "), before, max(under, 1)
}

func width(line []rune) int {
	n := 0
	for _, r := range line {
		n += columnsOf(r)
	}
	return n
}

// cell is how a character is shown. Control characters are replaced, so that a
// file cannot write to the terminal.
func cell(r rune) string {
	switch {
	case r == '\t':
		return strings.Repeat(" ", tabWidth)
	case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return "\ufffd"
	}
	return string(r)
}

func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(cell(r))
	}
	return b.String()
}

// wide has the blocks of characters that take two columns (East Asian Width W
// and F of UAX #11, and the emoji).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x2e80, 0x303e, 1},
		{0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1}, {0xa000, 0xa4cf, 1}, {0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1}},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1}, {0x20000, 0x3fffd, 1}},
}

// columnsOf gives the columns that a character takes on a terminal.
func columnsOf(r rune) int {
	switch {
	case r == '\t':
		return tabWidth
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me) || r >= 0x200b && r <= 0x200d:
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
