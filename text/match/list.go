package match

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	orrery "orrery.dev"
	"orrery.dev/text"
)

// Bounds of a list.
const (
	// MaxTermBytes is the length of the longest term, in its normal form.
	MaxTermBytes = 128
	// MaxPatternBytes is the length of the longest pattern.
	MaxPatternBytes = 1000
	// MaxPatternSteps is the size of the largest pattern, compiled.
	MaxPatternSteps = 2000
	// MaxLineBytes is the length of the longest line of a list.
	MaxLineBytes = 64 << 10
)

// Term is one entry of a list. Parse and Read make it.
type Term struct {
	// Text as it was written, without the columns behind it.
	Text string
	// Line it stands on, from 1; 0 for one that is of no file.
	Line     int
	Category string
	// Severity is for the policy to read.
	Severity int
	// Allow: what this covers is not to be found.
	Allow bool

	form     form
	hidden   bool     // a star within hides a letter
	readings []string // normal forms, the first as it is written
	pattern  *regexp.Regexp
	literals []string // of which one is in whatever the pattern matches
}

// Fault is what is wrong with a line of a list.
type Fault struct {
	// Line is counted from 1; 0 for a term that is of no file.
	Line int
	// Code is stable and for programs.
	Code string
	// Message is one sentence for a person, and Next says what to do.
	Message, Next string
	// Warning: the list can be used as it is.
	Warning bool
}

func (f Fault) String() string {
	s := f.Message + " [" + f.Code + "]"
	if f.Next != "" {
		s = f.Message + "; " + f.Next + " [" + f.Code + "]"
	}
	if f.Line > 0 {
		return fmt.Sprintf("line %d: %s", f.Line, s)
	}
	return s
}

// Defaults are what the terms of a list have where their lines say nothing.
type Defaults struct {
	Category string
	Severity int
	Allow    bool
}

// Read reads a list: one term a line, empty lines and those that begin with #
// left out, with the category and the severity (a whole number) behind commas if
// the line says them. A term with a comma stands in double quotes. All faults are
// given, in order; the terms are those without. The error is of reading alone.
func Read(r io.Reader, defaults Defaults) ([]Term, []Fault, error) {
	var terms []Term
	var faults []Fault
	seen := map[string]int{}
	p := parser{}
	in := bufio.NewReaderSize(r, MaxLineBytes)
	for number := 1; ; number++ {
		line, long, err := readLine(in)
		if err != nil && err != io.EOF {
			return nil, nil, err
		}
		if long {
			faults = append(faults, Fault{Line: number, Code: "list_line_too_long",
				Message: fmt.Sprintf("the line has more than %d bytes", MaxLineBytes), Next: "a line has one term"})
		} else if t, fault := p.parse(strings.TrimPrefix(line, "\uFEFF"), number, defaults); fault != nil {
			faults = append(faults, *fault)
		} else if t != nil {
			if before, known := seen[t.key()]; known {
				faults = append(faults, Fault{Line: number, Code: "list_duplicate", Warning: true,
					Message: fmt.Sprintf("%q is the same as line %d", t.Text, before), Next: "remove one of them"})
			} else {
				seen[t.key()] = number
				terms = append(terms, *t)
			}
		}
		if err == io.EOF {
			return terms, faults, nil
		}
	}
}

// readLine gives the next line without its end, and whether it was too long to
// keep.
func readLine(in *bufio.Reader) (line string, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = true
			continue
		}
		return strings.TrimRight(string(part), "\r\n"), long, err
	}
}

// Parse reads one term as a line of a list has it.
func Parse(line string, defaults Defaults) (Term, error) {
	p := parser{}
	t, fault := p.parse(line, 0, defaults)
	if fault == nil && t == nil {
		fault = &Fault{Code: "list_term_empty", Message: "there is no term", Next: "write a word, a phrase or /a pattern/"}
	}
	if fault != nil {
		return Term{}, orrery.Errorf(orrery.Invalid, fault.Code, "%s", fault.Message).WithNext("%s", fault.Next)
	}
	return *t, nil
}

// key is equal for terms that find the same for the same category.
func (t *Term) key() string {
	if t.pattern != nil {
		return fmt.Sprint("/", t.Allow, t.Category, t.Text)
	}
	return fmt.Sprint(t.form, t.Allow, t.Category, t.hidden, t.readings)
}

// parser keeps the memory that normalising takes.
type parser struct{ n text.Normal }

// parse reads a line: nil for an empty one.
func (p *parser) parse(line string, number int, defaults Defaults) (*Term, *Fault) {
	t := &Term{Line: number, Category: defaults.Category, Severity: defaults.Severity, Allow: defaults.Allow}
	fail := func(code, next, format string, args ...any) (*Term, *Fault) {
		return nil, &Fault{Line: number, Code: code, Message: fmt.Sprintf(format, args...), Next: next}
	}
	if !utf8.ValidString(line) {
		return fail("list_not_utf8", "save the list as UTF-8", "the line is not UTF-8")
	}
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	if line[0] == '!' {
		t.Allow, line = true, strings.TrimSpace(line[1:])
	}
	columns, ok := split(line)
	if !ok {
		return fail("list_quote", `a quote within quotes is written twice: ""`, "the quoted term does not end")
	}
	if len(columns) > 3 {
		return fail("list_columns", "put a term with a comma in double quotes", "the line has %d columns, at most 3 are known: term, category, severity", len(columns))
	}
	if len(columns) > 1 && columns[1] != "" {
		t.Category = columns[1]
	}
	if len(columns) > 2 && columns[2] != "" {
		severity, err := strconv.Atoi(columns[2])
		if err != nil || severity < 0 || severity > 1000 {
			return fail("list_severity", "", "the severity %q is no whole number from 0 to 1000", columns[2])
		}
		t.Severity = severity
	}
	t.Text = columns[0]
	if len(t.Text) > 1 && t.Text[0] == '/' && strings.HasSuffix(t.Text, "/") {
		if fault := t.compilePattern(t.Text[1 : len(t.Text)-1]); fault != nil {
			fault.Line = number
			return nil, fault
		}
		return t, nil
	}
	if fault := p.normalise(t); fault != nil {
		fault.Line = number
		return nil, fault
	}
	return t, nil
}

// split takes the columns of a line apart. The first may be in quotes, or a
// pattern, which ends at the last slash before a comma or the end.
func split(line string) ([]string, bool) {
	first, rest := line, ""
	switch {
	case strings.HasPrefix(line, `"`):
		var b strings.Builder
		i := 1
		for ; ; i++ {
			if i >= len(line) {
				return nil, false
			}
			if line[i] == '"' {
				if i+1 < len(line) && line[i+1] == '"' {
					i++
				} else {
					break
				}
			}
			b.WriteByte(line[i])
		}
		first, rest = b.String(), strings.TrimSpace(line[i+1:])
		if rest != "" && rest[0] != ',' {
			return nil, false
		}
	case strings.HasPrefix(line, "/") && strings.LastIndex(line, "/") > 0:
		end := strings.LastIndex(line, "/") + 1
		first, rest = line[:end], strings.TrimSpace(line[end:])
		if rest != "" && rest[0] != ',' {
			first, rest = line, ""
		}
	default:
		if i := strings.IndexByte(line, ','); i >= 0 {
			first, rest = line[:i], line[i:]
		}
	}
	columns := []string{strings.TrimSpace(first)}
	if rest != "" {
		for _, c := range strings.Split(rest[1:], ",") {
			columns = append(columns, strings.TrimSpace(c))
		}
	}
	return columns, true
}

// normalise finds the term's stars and its normal form; in letters that resemble
// Latin ones, it has one in its own script too.
func (p *parser) normalise(t *Term) *Fault {
	word := t.Text
	if rest, found := strings.CutPrefix(word, "*"); found {
		t.form |= openHead
		word = rest
	}
	if rest, found := strings.CutSuffix(word, "*"); found {
		t.form |= openTail
		word = rest
	}
	if strings.HasPrefix(word, "*") || strings.HasSuffix(word, "*") {
		return &Fault{Code: "list_star", Message: fmt.Sprintf("%q has several stars at one end", t.Text),
			Next: "one star stands for any letters before or behind the term"}
	}
	for _, keep := range []bool{false, true} {
		p.n.KeepScript = keep
		if err := p.n.Reset(word); err != nil {
			return &Fault{Code: orrery.CodeOf(err), Message: err.Error()}
		}
		p.readings(t)
	}
	r := t.readings[0]
	switch {
	case strings.IndexFunc(r, func(c rune) bool { return c >= utf8.RuneSelf || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }) < 0:
		return &Fault{Code: "list_term_empty", Message: fmt.Sprintf("%q has no letter, digit or other character of its own in its normal form", t.Text),
			Next: "write a word, a phrase or /a pattern/"}
	case len(r) > MaxTermBytes:
		return &Fault{Code: "list_term_too_long", Message: fmt.Sprintf("the term has %d bytes, more than %d", len(r), MaxTermBytes),
			Next: "a shorter part of it finds it too"}
	case !t.hidden:
		return nil
	case t.form != whole || strings.Contains(r, " "):
		return &Fault{Code: "list_star", Message: fmt.Sprintf("%q has a star that hides a letter, and is no single word", t.Text),
			Next: "write a pattern: /b.d word/"}
	case utf8.RuneCountInString(strings.ReplaceAll(r, hidden, "")) < fewestShown:
		return &Fault{Code: "list_star", Message: fmt.Sprintf("%q shows too few letters", t.Text), Next: fmt.Sprintf("show at least %d", fewestShown)}
	}
	return nil
}

// readings adds the normal form to the term's, as it is written and without what
// may be left out of it: bad-word is badword too.
func (p *parser) readings(t *Term) {
	var full, short []byte
	for i, b := range p.n.Text {
		if p.n.Flags[i].Hides() {
			b, t.hidden = hidden[0], true
		}
		full = append(full, b)
		if p.n.Flags[i]&text.Optional == 0 {
			short = append(short, b)
		}
	}
	for _, r := range []string{string(full), string(short)} {
		if !slices.Contains(t.readings, r) {
			t.readings = append(t.readings, r)
		}
	}
}

// compilePattern checks a pattern and finds its literals.
func (t *Term) compilePattern(source string) *Fault {
	switch {
	case strings.TrimSpace(source) == "":
		return &Fault{Code: "list_pattern_empty", Message: "the pattern is empty", Next: "write what it is to match between the slashes"}
	case len(source) > MaxPatternBytes:
		return &Fault{Code: "list_pattern_too_long", Message: fmt.Sprintf("the pattern has %d bytes, more than %d", len(source), MaxPatternBytes),
			Next: "make several of it"}
	}
	parsed, err := syntax.Parse(source, syntax.Perl|syntax.FoldCase)
	if err != nil {
		return &Fault{Code: "list_pattern_invalid", Message: fmt.Sprintf("the pattern is invalid: %v", err),
			Next: "the syntax is that of RE2, which has no look-around and no references"}
	}
	simple := parsed.Simplify()
	program, err := syntax.Compile(simple)
	if err != nil {
		return &Fault{Code: "list_pattern_invalid", Message: fmt.Sprintf("the pattern is invalid: %v", err)}
	}
	if len(program.Inst) > MaxPatternSteps {
		return &Fault{Code: "list_pattern_too_large", Message: fmt.Sprintf("the pattern has %d steps, more than %d", len(program.Inst), MaxPatternSteps),
			Next: "repeat less: a{1000} is a thousand steps"}
	}
	if t.pattern, err = regexp.Compile("(?i:" + source + ")"); err != nil {
		return &Fault{Code: "list_pattern_invalid", Message: fmt.Sprintf("the pattern is invalid: %v", err)}
	}
	if t.pattern.MatchString("") {
		return &Fault{Code: "list_pattern_empty", Message: fmt.Sprintf("the pattern %s matches the empty text, so every message", t.Text),
			Next: "make it need at least one character"}
	}
	t.literals = literals(simple)
	return nil
}
