package spec

import (
	"regexp"
	"strings"
)

// maxSyntaxErrors bounds how many syntax errors of one file are told.
const maxSyntaxErrors = 20

// salvage finds the smallest parts of a file that are not YAML, reports each,
// and blanks them, so that the rest can be checked. The words in what was
// blanked are kept: a name or a key that cannot be found may have stood there.
type salvage struct {
	src     *source
	lines   [][]rune
	lost    map[string]bool
	gone    map[int]bool
	report  func(at span, code, format string, args ...any) *Diagnostic
	told    int
	parsing int
}

// block is a run of lines, from inclusive to exclusive, from 0.
type block struct{ from, to int }

// headerLine is a line whose value stands below it.
var headerLine = regexp.MustCompile("^\\s*(- +)?[^\\s{\\[\"'#&*!|>%@`][^:#]*:\\s*(#.*)?$")

func indentOf(line []rune) int {
	for i, r := range line {
		if r != ' ' {
			return i
		}
	}
	return len(line)
}

func isBlank(line []rune) bool {
	i := indentOf(line)
	return i == len(line) || line[i] == '#'
}

// split cuts a block into parts that each begin on a line as little indented as
// the first. A list may stand at the indent of the key that it belongs to.
func (s *salvage) split(b block) []block {
	var parts []block
	indent := -1
	for i := b.from; i < b.to; i++ {
		line := s.lines[i]
		if isBlank(line) {
			continue
		}
		n := indentOf(line)
		item := strings.HasPrefix(string(line[n:]), "- ")
		if indent < 0 {
			indent = n
			parts = append(parts, block{i, b.to})
			continue
		}
		last := &parts[len(parts)-1]
		head := s.lines[last.from]
		continues := item && !strings.HasPrefix(string(head[indentOf(head):]), "- ")
		if n <= indent && !continues {
			last.to = i
			parts = append(parts, block{i, b.to})
		}
	}
	return parts
}

// repair blanks what does not parse within a block. headers are the lines of
// the keys that the block stands under. It reports whether the block, as left,
// parses.
func (s *salvage) repair(b block, headers []int) bool {
	fault := s.try(b, headers)
	if fault == nil {
		return true
	}
	if s.told >= maxSyntaxErrors || s.parsing > 2000 {
		s.blank(b)
		return false
	}
	before := s.told
	parts := s.split(b)
	if len(parts) > 1 {
		for _, part := range parts {
			s.repair(part, headers)
		}
	} else if len(parts) == 1 && headerLine.MatchString(string(s.lines[parts[0].from])) && parts[0].from+1 < b.to {
		s.repair(block{parts[0].from + 1, b.to}, append(headers[:len(headers):len(headers)], parts[0].from))
	}
	if s.told > before && s.try(b, headers) == nil {
		return true
	}
	if s.told == before {
		s.tell(*fault)
	}
	s.blank(b)
	return false
}

// try parses a block under its headers.
func (s *salvage) try(b block, headers []int) *yamlFault {
	s.parsing++
	var lines [][]rune
	var numbers []int
	for _, h := range headers {
		lines, numbers = append(lines, s.lines[h]), append(numbers, h+1)
	}
	for i := b.from; i < b.to; i++ {
		lines, numbers = append(lines, s.lines[i]), append(numbers, i+1)
	}
	_, fault := parseYAML(s.src.text(lines))
	if fault != nil {
		fault.at.line = numbers[min(fault.at.line, len(numbers))-1]
	}
	return fault
}

func (s *salvage) tell(fault yamlFault) {
	s.told++
	line := s.src.line(fault.at.line)
	fault.at.column = min(fault.at.column, len(line)+1)
	at := span{fault.at.line, fault.at.column, min(fault.at.column+1, max(len(line)+1, fault.at.column+1))}
	message, note := explainYAML(fault.message, string(line))
	d := s.report(at, "yaml_syntax", "%s", message)
	d.Note = note
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

func (s *salvage) blank(b block) {
	for i := b.from; i < b.to; i++ {
		for _, w := range word.FindAllString(string(s.lines[i]), -1) {
			s.lost[w] = true
		}
		s.lines[i], s.gone[i+1] = nil, true
	}
}

// explainYAML says in plain words what the YAML library means, and what most
// often causes it.
func explainYAML(message, line string) (text, note string) {
	const quote = "put a value that has `: `, ` #` or, within braces or brackets, any of , [ ] { } in quotes"
	switch {
	case strings.Contains(message, "'\t'"), strings.Contains(message, "tab character"):
		return "a tab cannot indent YAML", "indent with spaces"
	case strings.Contains(message, "must be specified"):
		return "a list or a mapping in brackets is not closed here: " + strings.ReplaceAll(strings.ReplaceAll(message, "' or '", "` or `"), "'", "`"), quote
	case strings.Contains(message, "mapping value is not allowed"):
		return "a second `: ` on one line is not YAML", quote
	case strings.Contains(message, "end token"):
		return "a bracket is opened here and not closed", ""
	case strings.Contains(message, "character corresponding to"):
		return "a bracket is closed that was not opened", ""
	case strings.Contains(message, "could not find end character"):
		return "a quote is not closed", "close it on the same line"
	case strings.Contains(message, "value is not allowed in this context"), strings.Contains(message, "unexpected key name"):
		return "this line is neither a key with its value nor part of the one above", "write `key: value`, indented like its neighbours"
	case strings.Contains(message, "non-map value is specified"):
		return "a line here has no key", "write `key: value`, indented like its neighbours"
	}
	return "this is not YAML: " + strings.TrimSuffix(message, "\n"), ""
}
