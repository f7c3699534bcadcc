package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/ingest"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// listFile reads what is put on a list, or taken off, from a file. What a line
// holds is up to the list: of keys alone, the key; of keys with a value, KEY,VALUE; of
// terms, TERM,CATEGORY,VALUE, of which the last two may be left out, ! before a
// term that is to allow something, and quotes around one with a comma. Blank lines
// do not count, nor, but for keys alone, those that begin with #.
type listFile struct {
	list     *spec.List
	defaults control.Details
	faults   []ingest.Fault
	items    []control.Item
}

// itemsFrom reads a file, - for standard input. Every fault of it, and of what it
// says, is in the error.
func (a *app) itemsFrom(path string, s *spec.Spec, list *spec.List, defaults control.Details, adds bool) ([]control.Item, error) {
	in := a.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, orrery.Errorf(orrery.NotFound, "file_unreadable", "%s cannot be read", path).Because(err)
		}
		defer file.Close()
		in = file
	}
	f := &listFile{list: list, defaults: defaults}
	if err := f.read(in); err != nil {
		return nil, err
	}
	faults := f.faults
	if adds {
		more, _ := serve.ListFaults(s, list, &control.Change{List: list.Name, Add: f.items})
		faults = append(faults, more...)
	}
	if len(faults) == 0 {
		return f.items, nil
	}
	slices.SortStableFunc(faults, func(a, b ingest.Fault) int { return cmp.Compare(a.Line, b.Line) })
	return nil, ingest.Refused("file "+path, faults)
}

// maxListLine bounds a line, in bytes.
const maxListLine = 1 << 20

func (f *listFile) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxListLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\uFEFF"))
		plain := !f.list.Terms && f.list.Value == nil
		if line == "" || line[0] == '#' && !plain {
			continue
		}
		item := control.Item{Key: line, Details: f.defaults, Line: n}
		if !plain {
			f.columns(&item, line)
		}
		f.items = append(f.items, item)
	}
	if err := lines.Err(); err != nil {
		return orrery.Errorf(orrery.Invalid, "list_line_too_long", "a line of the file cannot be read").Because(err)
	}
	return nil
}

// columns takes a line apart.
func (f *listFile) columns(item *control.Item, line string) {
	if f.list.Terms && line[0] == '!' {
		item.Allow, line = true, strings.TrimSpace(line[1:])
	}
	key, rest, ok := firstColumn(line, f.list.Terms)
	if !ok {
		f.fault(item.Line, "list_quote", "the quoted key does not end; a quote within quotes is written twice")
		return
	}
	item.Key = key
	if f.list.Terms && len(rest) > 0 {
		item.Category = cmp.Or(rest[0], item.Category)
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] != "" {
		x, err := strconv.ParseFloat(rest[0], 64)
		if err != nil {
			f.fault(item.Line, "list_value_invalid", fmt.Sprintf("the value %q is no number", ingest.Shown(rest[0])))
			return
		}
		item.Value = &x
	}
	if len(rest) > 1 {
		f.fault(item.Line, "list_columns", "the line has too many columns; a key with a comma stands in double quotes")
	}
}

func (f *listFile) fault(line int, code, message string) {
	f.faults = append(f.faults, ingest.Fault{Line: int64(line), Code: code, Message: fmt.Sprintf("line %d: %s", line, message)})
}

// firstColumn takes the first column off a line, which may be in quotes or, of a
// list of terms, a pattern between slashes, and gives the others.
func firstColumn(line string, terms bool) (first string, rest []string, ok bool) {
	end := strings.IndexByte(line, ',')
	switch {
	case strings.HasPrefix(line, `"`):
		var b strings.Builder
		i := 1
		for ; i < len(line); i++ {
			if line[i] == '"' {
				if i+1 == len(line) || line[i+1] != '"' {
					break
				}
				i++
			}
			b.WriteByte(line[i])
		}
		if i >= len(line) {
			return "", nil, false
		}
		first, end = b.String(), i+1
	case terms && strings.HasPrefix(line, "/") && strings.LastIndexByte(line, '/') > 0:
		end = strings.LastIndexByte(line, '/') + 1
		first = line[:end]
	case end < 0:
		return line, nil, true
	default:
		first = strings.TrimSpace(line[:end])
	}
	tail := strings.TrimSpace(line[end:])
	switch {
	case tail == "":
		return first, nil, true
	case tail[0] != ',':
		return line, nil, !strings.HasPrefix(line, `"`)
	}
	for _, c := range strings.Split(tail[1:], ",") {
		rest = append(rest, strings.TrimSpace(c))
	}
	return first, rest, true
}
