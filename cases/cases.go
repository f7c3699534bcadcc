// Package cases runs a user's own tests of a system: a few events in, and the
// features, the score and the action that are expected of the last of them.
package cases

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/ingest"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/spec"
)

// FileName is the name of the file of cases that stands beside system.yaml.
const FileName = "test.yaml"

// maxFile bounds a file of cases, in bytes.
const maxFile = 4 << 20

// Case is one test.
type Case struct {
	Name string `yaml:"case"`
	// Given are events in the order in which they are received, each under the
	// name of its type. The last is one that the system decides on.
	Given []map[string]map[string]any `yaml:"given"`
	// Lists has what is on the system's lists, by their names: keys, or objects with
	// key, value, category and allow.
	Lists map[string][]any `yaml:"lists"`
	// Paused decides as in a pause; Fallback, which is deadline or fault, as if
	// there were no score.
	Paused   bool        `yaml:"paused"`
	Fallback string      `yaml:"fallback"`
	Expect   Expectation `yaml:"expect"`
}

// Expectation says what the decision on the last event must be; what it leaves
// out may be anything.
type Expectation struct {
	Action string `yaml:"action"`
	// Score is the least and the greatest score allowed.
	Score []float64 `yaml:"score"`
	// Fallback is what the decision says of one; empty text says that there is
	// none.
	Fallback *string `yaml:"fallback"`
	// Reasons are features that must be among the reasons.
	Reasons []string `yaml:"reasons"`
	// Features are values by name: a number, null for a missing value, a text for a
	// feature that is a category.
	Features map[string]any `yaml:"features"`
}

// Difference is one thing that is not as expected.
type Difference struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Result is what came of one case.
type Result struct {
	Name        string       `json:"case"`
	Passed      bool         `json:"passed"`
	Differences []Difference `json:"differences,omitempty"`
	// Skipped says what could not be looked at, such as a score without a model.
	Skipped string `json:"skipped,omitempty"`
	// Error says why the case could not be run.
	Error string `json:"error,omitempty"`
}

// Load reads a file of cases: a list. Errors are of kind Invalid, with the line
// and the column.
func Load(path string) ([]Case, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, orrery.Errorf(orrery.NotFound, "cases_not_found", "there are no cases in %s", path).Because(err).
			WithNext("write a list of cases, each with case, given and expect")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "cases_unreadable", "%s cannot be read", path).Because(err)
	}
	if len(text) > maxFile {
		return nil, orrery.Errorf(orrery.TooLarge, "cases_too_large", "%s is larger than %d bytes", path, maxFile)
	}
	var list []Case
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.DisallowUnknownField()).Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, orrery.Errorf(orrery.Invalid, "cases_invalid", "%s is not a list of cases", path).Because(errors.New(yaml.FormatError(err, false, true)))
	}
	for i, c := range list {
		if c.Name == "" || len(c.Given) == 0 {
			return nil, orrery.Errorf(orrery.Invalid, "cases_invalid", "case %d of %s lacks its name or its events", i+1, path).
				WithNext("give it case: and given:")
		}
		if c.Fallback != "" && !plan.OfTheMoment(c.Fallback) {
			return nil, orrery.Errorf(orrery.Invalid, "cases_invalid", "case %q of %s asks for the fallback %q", c.Name, path, c.Fallback).
				WithNext("write fallback: %s or fallback: %s", plan.FallbackDeadline, plan.FallbackFault)
		}
		if n := len(c.Expect.Score); n != 0 && n != 2 {
			return nil, orrery.Errorf(orrery.Invalid, "cases_invalid", "case %q of %s expects a score of %d bounds", c.Name, path, n).
				WithNext("write score: [LEAST, GREATEST]")
		}
	}
	return list, nil
}

// Run runs one case on a plan, from nothing.
func Run(p *plan.Plan, c *Case) Result {
	r := Result{Name: c.Name}
	decision, err := decide(p, c)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.compare(p, &c.Expect, decision)
	r.Passed = len(r.Differences) == 0
	return r
}

// decide sends the events through the plan and gives the decision on the last.
func decide(p *plan.Plan, c *Case) (*orrery.Decision, error) {
	state, scratch := plan.NewState(), p.NewScratch()
	if err := setUp(p, c, state.Controls); err != nil {
		return nil, err
	}
	received := orrery.Instant(math.MinInt64)
	known := map[string]*orrery.Corrected{}
	for i, given := range c.Given {
		e, err := event(p, given)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		e.Offset, e.Received = orrery.Offset(i+1), max(received, e.Time)
		received = e.Received
		if err := correct(known, &e); err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		if i < len(c.Given)-1 {
			if err := p.Apply(state, &e); err != nil {
				return nil, err
			}
			continue
		}
		if !e.Type.Is(p.Spec.DecideOn) {
			return nil, fmt.Errorf("the last event is a %s, and the system decides on a %s", e.Type.Name, p.Spec.DecideOn.Name)
		}
		d := &orrery.Decision{Vector: make([]float64, p.Width())}
		if err := p.Ask(state, &e, scratch, d); err != nil {
			return nil, err
		}
		if d.Fallback == "" {
			d.Fallback = c.Fallback
		}
		p.Decide(&e, scratch, d)
		return d, scratch.Fault()
	}
	return nil, errors.New("there is no event")
}

// correct says what a correction does to the event that it names. known has how
// each event stands: what the last correction left of it.
func correct(known map[string]*orrery.Corrected, e *orrery.Event) error {
	if e.Type.Corrects == nil {
		known[e.Type.Name+"\x00"+e.ID] = &orrery.Corrected{After: *e}
		return nil
	}
	key := e.Type.Corrects.Event + "\x00" + e.NamedID()
	c := known[key]
	if c == nil {
		return fmt.Errorf("it corrects the %s %q, which is not given before it", e.Type.Corrects.Event, e.NamedID())
	}
	e.Corrected = orrery.Correct(e, c.After, c.Withdraws)
	known[key] = e.Corrected
	return nil
}

// setUp puts on the lists, and pauses, what the case says.
func setUp(p *plan.Plan, c *Case, state *control.State) error {
	for name, keys := range c.Lists {
		if !slices.ContainsFunc(p.Spec.Lists, func(l spec.List) bool { return l.Name == name }) {
			return fmt.Errorf("the system has no list %q", name)
		}
		change := control.Change{List: name}
		for _, key := range keys {
			item, err := itemOf(key)
			if err != nil {
				return fmt.Errorf("the list %q: %w", name, err)
			}
			change.Add = append(change.Add, item)
		}
		if err := give(state, control.TypeList, change); err != nil {
			return err
		}
	}
	if c.Paused {
		return give(state, control.TypePause, control.Note{})
	}
	return nil
}

// itemOf reads what a case puts on a list.
func itemOf(given any) (control.Item, error) {
	fields, ok := given.(map[string]any)
	if !ok {
		return control.Item{Key: fmt.Sprint(given)}, nil
	}
	for name := range fields {
		if !slices.Contains([]string{"key", "value", "category", "allow"}, name) {
			return control.Item{}, fmt.Errorf("an entry has key, value, category and allow, and no %q", name)
		}
	}
	if fields["key"] == nil {
		return control.Item{}, errors.New("an entry has no key")
	}
	fields["key"] = fmt.Sprint(fields["key"])
	text, err := json.Marshal(fields)
	if err != nil {
		return control.Item{}, err
	}
	var item control.Item
	return item, json.Unmarshal(text, &item)
}

func give(state *control.State, kind string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return state.Apply(0, &record.Control{Type: kind, Body: text})
}

// event makes an event as the API would, with all its validation.
func event(p *plan.Plan, given map[string]map[string]any) (orrery.Event, error) {
	for name, fields := range given {
		t := p.Spec.Contract.Event(name)
		if t == nil || len(given) != 1 {
			return orrery.Event{}, fmt.Errorf("%q is not one of the system's events", name)
		}
		text, err := json.Marshal(fields)
		if err != nil {
			return orrery.Event{}, err
		}
		return ingest.NewDecoder(t).Decode(text)
	}
	return orrery.Event{}, errors.New("it is empty")
}

func (r *Result) compare(p *plan.Plan, want *Expectation, got *orrery.Decision) {
	note := func(what, want, got string) {
		r.Differences = append(r.Differences, Difference{What: what, Want: want, Got: got})
	}
	// A case is about the policy, not about what chance makes of it.
	if action := cmp.Or(got.Intended, got.Action); want.Action != "" && want.Action != action {
		note("action", want.Action, action)
	}
	if want.Fallback != nil && *want.Fallback != got.Fallback {
		note("fallback", quoted(*want.Fallback), quoted(got.Fallback))
	}
	switch {
	case len(want.Score) == 0:
	case !p.HasModel():
		r.Skipped = "the score: no model has been trained"
	case !(want.Score[0] <= got.Score && got.Score <= want.Score[1]):
		note("score", fmt.Sprintf("%s to %s", number(want.Score[0]), number(want.Score[1])), number(got.Score))
	}
	r.compareReasons(p, want.Reasons, got)
	names := make([]string, 0, len(want.Features))
	for name := range want.Features {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := p.Spec.FeatureIndex(name)
		if i < 0 {
			note(name, fmt.Sprint(want.Features[name]), "no such feature")
			continue
		}
		f := &p.Spec.Features[i]
		expected, text, ok := value(want.Features[name], f.Category)
		switch {
		case !ok && f.Category:
			note(name, text, "a category, for which a text is expected")
		case !ok:
			note(name, text, "a number")
		case !near(expected, got.Vector[i]) && f.Category && !math.IsNaN(got.Vector[i]):
			note(name, text, "the category of another text")
		case !near(expected, got.Vector[i]):
			note(name, text, number(got.Vector[i]))
		}
	}
}

// compareReasons looks for features among the reasons: those recorded, or that a
// reader of the record would be given.
func (r *Result) compareReasons(p *plan.Plan, want []string, got *orrery.Decision) {
	if len(want) == 0 {
		return
	}
	if !p.HasModel() {
		r.Skipped = "the score and its reasons: no model has been trained"
		return
	}
	reasons := got.Reasons
	if len(reasons) == 0 && got.Fallback == "" {
		reasons, _ = p.Reasons(got, reasonsShown)
	}
	names := make([]string, len(reasons))
	for i, reason := range reasons {
		names[i] = p.Spec.Features[reason.Slot].Name
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			r.Differences = append(r.Differences, Difference{What: "reasons", Want: name, Got: cmp.Or(strings.Join(names, ", "), "none")})
		}
	}
}

// reasonsShown is how many reasons a record shows that has none of its own.
const reasonsShown = 5

func quoted(fallback string) string { return cmp.Or(fallback, "none") }

// value gives what a feature is expected to be, and how that is told. ok is false
// for what the feature cannot be.
func value(v any, category bool) (expected float64, text string, ok bool) {
	switch v := v.(type) {
	case nil:
		return math.NaN(), "missing", true
	case string:
		return orrery.CategoryOf(v), strconv.Quote(v), category
	case float64:
		expected = v
	case int64:
		expected = float64(v)
	case uint64:
		expected = float64(v)
	case int:
		expected = float64(v)
	default:
		return 0, fmt.Sprint(v), false
	}
	return expected, number(expected), !category
}

// near allows for what a person leaves out when writing a value down.
func near(want, got float64) bool {
	if math.IsNaN(want) || math.IsNaN(got) {
		return math.IsNaN(want) && math.IsNaN(got)
	}
	return math.Abs(want-got) <= 1e-6*max(1, math.Abs(want))
}

func number(x float64) string {
	if math.IsNaN(x) {
		return "missing"
	}
	return strconv.FormatFloat(x, 'g', 9, 64)
}
