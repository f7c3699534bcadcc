package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"orrery.dev"
)

// MaxSize is the most bytes that a spec's file can have.
const MaxSize = 1 << 20

// Bounds on a file and on what is said of it, so that no file takes long.
const (
	maxLines      = 10_000
	maxLine       = 10_000
	maxDiagnostic = 1_000
)

// FileName is the file that describes a system, in a directory of its own.
const FileName = "system.yaml"

// Load reads and checks the spec at path, a file or a directory with a
// system.yaml in it. The error is an *orrery.Error about the file itself; what
// is wrong in it is in the diagnostics, and then the Spec is nil.
func Load(path string, reg *Registry) (*Spec, Diagnostics, error) {
	path, text, err := Read(path)
	if err != nil {
		return nil, nil, err
	}
	s, diagnostics := Check(path, text, reg)
	return s, diagnostics, nil
}

// Read reads the file at path, or the system.yaml in the directory of that path,
// and gives the file's own path with it. The error is an *orrery.Error.
func Read(path string) (file string, text []byte, err error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
		info, err = os.Stat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil, orrery.Errorf(orrery.NotFound, "spec_not_found", "there is no file %s", path).
			WithNext("name a system.yaml, or a directory that has one")
	case err == nil && !info.Mode().IsRegular():
		return path, nil, orrery.Errorf(orrery.Invalid, "spec_unreadable", "%s is not a regular file", path)
	case err == nil && info.Size() > MaxSize:
		return path, nil, orrery.Errorf(orrery.TooLarge, "spec_too_large", "%s has %d bytes; a spec has at most %d", path, info.Size(), MaxSize)
	}
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return path, nil, orrery.Errorf(orrery.Invalid, "spec_unreadable", "%s cannot be read", path).Because(err).
			WithNext("check that you may read it")
	}
	return path, text, nil
}

// checker is the working state of one Check.
type checker struct {
	src   *source
	reg   *Registry
	diags []*Diagnostic
	// lost has the words of what could not be parsed. A name or a key among them
	// may have stood there, so nothing is said of its absence.
	lost map[string]bool
	// gone marks the lines of what could not be parsed, from 1.
	gone map[int]bool
	spec *Spec
	// under is the contract of the data, nil where there is none.
	under *orrery.Contract

	entities, events names
	// fields has "event.field" for each field; openEvents are the events that may
	// have others, lost to a fault.
	fields     names
	openEvents map[string]bool
	features   *features
	lists      names
	// classes are those of the label; several says that any number can be right.
	classes []string
	several bool
	// corrections are the events that say that they correct another.
	corrections map[string]bool
}

// names are what one part of the spec defines.
type names struct {
	// list has them in order; broken marks those with a fault of their own.
	list   []string
	set    map[string]bool
	broken map[string]bool
	// open says that there may be others, lost to a fault.
	open bool
}

func (n *names) add(name string, broken bool) {
	if n.set == nil {
		n.set, n.broken = make(map[string]bool), make(map[string]bool)
	}
	n.list, n.set[name] = append(n.list, name), true
	if broken {
		n.broken[name] = true
	}
}

func (n *names) has(name string) bool { return n.set[name] }

// Check checks a spec and gives every fault of it. The Spec is nil where any is
// an error. path is for the diagnostics only. It never panics.
func Check(path string, text []byte, reg *Registry) (*Spec, Diagnostics) {
	return CheckUnder(path, text, reg, nil)
}

// CheckUnder is Check for a spec that is to work on data recorded under a
// contract, nil for none. Where the spec's entities and events do not contradict
// it, the spec's Contract is that contract with what the spec adds: every field
// in the place in which records have it (see orrery.Contract.Merge).
func CheckUnder(path string, text []byte, reg *Registry, under *orrery.Contract) (*Spec, Diagnostics) {
	c := &checker{under: under, src: newSource(path, text), reg: reg, lost: make(map[string]bool), gone: make(map[int]bool), openEvents: make(map[string]bool), corrections: make(map[string]bool),
		spec: &Spec{Path: path, Source: text, Location: time.UTC, Contract: &orrery.Contract{}}}
	if root := c.read(text); root != nil {
		c.walk(root, Declaration(reg), "")
		if root.shape == mapping {
			c.resolve(root)
		}
	}
	diagnostics := c.sorted()
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	return c.spec, diagnostics
}

// read gives the root of the file, nil where nothing can be made of it.
func (c *checker) read(text []byte) *node {
	start := span{1, 1, 2}
	if len(text) > MaxSize {
		c.at(start, "", "too_large", "the file has %d bytes; a spec has at most %d", len(text), MaxSize)
		return nil
	}
	if c.src.badLine > 0 {
		c.at(span{c.src.badLine, c.src.badColumn, c.src.badColumn + 1}, "", "not_utf8", "the file is not UTF-8 here").note("save it as UTF-8")
		return nil
	}
	if line, found := tooLong(c.src); found {
		c.at(span{line, 1, 2}, "", "too_large", "a spec has at most %d lines, of at most %d characters each", maxLines, maxLine)
		return nil
	}
	if at, found := tooDeep(c.src); found {
		c.at(at, "", "too_deep", "brackets or lists nest more than %d deep", maxDepth)
		return nil
	}
	lines := slices.Clone(c.src.lines)
	file, fault := parseYAML(c.src.text(lines))
	if fault != nil {
		s := &salvage{src: c.src, lines: lines, lost: c.lost, gone: c.gone, report: c.reportAt}
		s.repair(block{0, len(lines)}, nil)
		if file, fault = parseYAML(c.src.text(lines)); fault != nil {
			if s.told == 0 {
				s.tell(*fault)
			}
			return nil
		}
	}
	return c.root(file)
}

// sorted gives the diagnostics in order, each with its line.
func (c *checker) sorted() Diagnostics {
	out := make(Diagnostics, len(c.diags))
	for i, d := range c.diags {
		out[i] = *d
	}
	return out.sorted()
}

// resolve turns the walked tree into the spec. Each part leaves out what has a
// fault already reported.
func (c *checker) resolve(root *node) {
	s := c.spec
	if v := root.get("orrery"); v != nil && v.value != Version {
		c.errorf(v, "bad_version", "this program reads version %d of the language, not %s", Version, shorten(v.text)).suggest(fmt.Sprint(Version))
	}
	s.System, s.About = textOf(root, "system"), textOf(root, "about")
	if location, ok := valueOf[*time.Location](root, "timezone"); ok {
		s.Location = location
	}
	s.Async = textOf(root, "durability") == "async"
	s.Dedupe.Within, _ = valueOf[orrery.Duration](root.get("dedupe"), "within")
	c.resolveLog(root)
	s.State.ExactEvents, _ = valueOf[int](root.get("state"), "exact_events")
	c.resolveEntities(root)
	c.resolveEvents(root)
	c.resolveCorrections(root)
	c.extend()
	c.resolveDecideOn(root)
	c.resolveText(root)
	c.resolveLists(root)
	c.classes = labelClasses(root)
	if n := root.find("label"); n != nil && n.shape == mapping && len(c.classes) > 0 {
		c.several, _ = valueOf[bool](n, "several")
	}
	c.resolveFeatures(root)
	c.spec.Features = append(c.spec.Features, c.listed()...)
	c.resolveModel(root)
	c.resolveLabel(root)
	c.resolvePolicy(root)
	c.resolveAnswer(root)
	c.resolveExplore(root)
	c.resolveEmit(root)
	c.resolveReview(root)
	c.hiddenOutcomes(root)
	c.resolveEvaluate(root)
	c.resolvePerspective(root)
	c.fitsInLog(root)
}

// at reports an error at a place.
func (c *checker) at(at span, path, code, format string, args ...any) *Diagnostic {
	if len(c.diags) > maxDiagnostic {
		return &Diagnostic{}
	}
	if len(c.diags) == maxDiagnostic {
		code, format, args = "too_many", "there are more faults than these", nil
	}
	d := &Diagnostic{File: c.src.path, Line: at.line, Column: at.column, EndColumn: max(at.end, at.column+1),
		Severity: SeverityError, Code: code, Path: path, Message: fmt.Sprintf(format, args...), Excerpt: string(c.src.line(at.line))}
	c.diags = append(c.diags, d)
	return d
}

func (c *checker) reportAt(at span, code, format string, args ...any) *Diagnostic {
	return c.at(at, "", code, format, args...)
}

// errorf reports an error at a node.
func (c *checker) errorf(n *node, code, format string, args ...any) *Diagnostic {
	return c.at(n.at, n.path, code, format, args...)
}

// blanked reports whether the next line with anything on it, from a line on,
// could not be parsed.
func (c *checker) blanked(line int) bool {
	for line <= len(c.src.lines) && isBlank(c.src.line(line)) {
		line++
	}
	return c.gone[line]
}

// last gives the diagnostic reported last.
func (c *checker) last() *Diagnostic { return c.diags[len(c.diags)-1] }

// unresolved reports a name that nothing in known has, unless a fault already
// told explains that.
func (c *checker) unresolved(n *node, code, what, name string, known *names) {
	if known.open || c.lost[name] || c.lost[lastSegment(name)] {
		return
	}
	d := c.errorf(n, code, "there is no %s `%s`", what, shorten(name)).suggest(nearest(name, known.list))
	if d.Suggestion == "" && len(known.list) > 0 {
		d.note("there %s", are(known.list))
	}
}
