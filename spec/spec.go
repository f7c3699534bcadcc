// Package spec reads a system's file, system.yaml: bytes to a positioned tree,
// the tree to a typed Spec, and every fault found in one pass, each with its
// place, what is wrong and what to do.
//
// Every key of the file is declared once (Declaration); the checker walks the
// file along that declaration, and then resolves names: events, fields,
// entities, features, and the expressions over them.
package spec

import (
	"slices"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/expr"
)

// Spec is a system's file, checked. Everything it names is resolved.
type Spec struct {
	// Path is where the file was read from, Source its bytes as they were.
	Path   string
	Source []byte

	System, About string
	// Location is the zone in which expressions read days and hours.
	Location *time.Location
	Contract *orrery.Contract
	// DecideOn is the event type that is answered with a decision.
	DecideOn *orrery.EventType
	Dedupe   Dedupe
	Log      Log
	State    State
	// Text says which field is read as text; nil where the file has none.
	Text *Text
	// Lists are changed while the system runs; rules and features ask them.
	Lists []List
	// Async has replies leave before they are durable; see durability in
	// declaration.go for what a crash may lose.
	Async bool
	// Features are scalars in evaluation order: what a feature reads comes before
	// it, otherwise they stand in the order of the file. At the end is one for each
	// question that can be asked of a list about a field of the event decided on:
	// transaction.customer in lists.blocked, read before all others.
	Features []Feature
	// Label, Model and Evaluate are nil where the file has none.
	Label  *Label
	Model  *Model
	Policy []Rule
	// Explore has the actions of the policy that are left to chance.
	Explore []Explore
	Answer  Answer
	// Emit has the events that the system records itself about its decisions.
	Emit []Emission
	// Review is nil where nobody is asked about decisions.
	Review   *Review
	Evaluate *Evaluate
	// Perspective is nil where the system does not answer as that API did.
	Perspective *Perspective
}

// Dedupe says how long repeats of an event are recognised.
type Dedupe struct {
	Within orrery.Duration
}

// State says how feature state is kept.
type State struct {
	// ExactEvents is how many of the newest events of a key are told apart.
	ExactEvents int
}

// Text is what a model reads.
type Text struct {
	// Field is the index in DecideOn of a string.
	Field int
	// Languages are codes of text.Languages: a model is not asked about a text that
	// can be in none of them. Empty is any.
	Languages []string
}

// Log says how much of the log is kept; 0 sets no bound.
type Log struct {
	Keep orrery.Duration
	// KeepBytes is of the records on disk.
	KeepBytes int64
}

// Feature is one scalar. A feature that the file declares over several windows
// is several of them. Exactly one of Aggregate, Ratio, Expr and Listed is set.
type Feature struct {
	// Name is the scalar's, terminal_risk_7d; Declared is the one in the file,
	// terminal_risk.
	Name, Declared string
	About, Unit    string

	Aggregate *Aggregate
	Ratio     *Ratio
	// Expr is of type expr.Number, expr.Bool or expr.String; a bool is 0 or 1 in the
	// vector.
	Expr *expr.Program
	// Listed is what a list says: whether a key is on it is 1 or 0.
	Listed *Listed

	// Category says that the value is orrery.CategoryOf of a text.
	Category bool
}

// List is a list of keys or of terms, changed by controls.
type List struct {
	Name, About string
	// Of is the entity, or event.field, whose values are on it; Fields are the
	// indexes in DecideOn of the fields that hold such.
	Of     string
	Fields []int
	// Terms says that its entries are terms that are looked for in the field's text,
	// not values that the field has. Categories are those that a term can be of.
	Terms      bool
	Categories []string
	// Value declares the number that goes with each entry, nil where none does.
	Value *ListValue
}

// ListValue declares the number that goes with each entry of a list.
type ListValue struct {
	// Default is that of what is not listed.
	Default, Min, Max float64
}

// Listed asks a list about the value of a field.
type Listed struct {
	// List is an index in Spec.Lists, Field one in DecideOn.
	List, Field int
	Question    expr.Question
	// Category narrows a Member down to the terms of one; empty is all.
	Category string
}

// Aggregate sums up the events of one type and one entity over a window.
type Aggregate struct {
	// Kind is the name of the feature kind: "count", "mean".
	Kind  string
	Event *orrery.EventType
	// Field is the index of the aggregated field in Event, -1 for a kind that
	// takes the event alone.
	Field int
	// By is the index in Event, and Key the index in the spec's DecideOn, of the
	// entity field that joins the two.
	By, Key int
	// Window is how far back from the asking event, less Lag, events count; 0 is
	// ever.
	Window, Lag orrery.Duration
	// Rank is, of a last, how many later events of the window there are; of a top,
	// how many values are more frequent. Share asks for that value's share.
	Rank  int
	Share bool
	// Quantile is which quantile is asked for, in millionths.
	Quantile int
	// Distance is, of repeats, in how many bits the hashes of two texts may differ.
	Distance int
	// HalfLife is that of a kind that decays, 0 of others.
	HalfLife orrery.Duration
	// Current says that the asking event itself counts.
	Current bool
	// Where holds for the events that count, nil for all of them. It reads
	// fields of Event.
	Where *expr.Program
}

// Ratio divides one feature by another.
type Ratio struct {
	// Numerator and Denominator are indexes in Spec.Features.
	Numerator, Denominator int
	// Empty is the value where the denominator is 0; NaN is missing.
	Empty float64
}

// Label says what the outcome of a decision was, and when that is known.
type Label struct {
	Event *orrery.EventType
	// Field is the index in Event of the outcome: a bool, or a string where there
	// are Classes.
	Field int
	// Classes are the values that the outcome can have, of which there are several;
	// nil for an outcome that is true or false. Several says that any number of them
	// can be right at once: the outcome is then an orrery.LabelSet, written as text.
	Classes []string
	Several bool
	// Match is the index in Event of the field that names the decided event, and
	// Against the index in DecideOn of the field it equals.
	Match, Against int
	// MaturesAfter is how long after the decided event silence means Absent; a
	// report at exactly that instant still counts.
	MaturesAfter orrery.Duration
	Absent       bool
	// AbsentClass is what silence means, as ClassOf gives it, -1 where it means
	// nothing.
	AbsentClass int64
	// UnknownWhen holds where the outcome can never be learned; nil is never. It
	// reads the action, the score, features and the decided event.
	UnknownWhen *expr.Program
}

// Model says which model is fitted, on which features.
type Model struct {
	Kind string
	// ReadsText says that the model reads Spec.Text beside its features, which may
	// be none.
	ReadsText bool
	// ReadsWords says that it, or its head, reads the words of Spec.Text in their
	// normal form; a network reads the text as it came.
	ReadsWords bool
	// Features are indexes in Spec.Features, in the order of the file's list,
	// its patterns expanded in the order in which features are declared.
	Features []int
	// Params has every parameter that the kind declares, and every key of its own,
	// defaults filled: an int, a float64, a bool, a string, or a []string each.
	Params map[string]any
	// Head is trained on what a network gives; nil where there is none.
	Head *Head
	// Whole says that the model is complete in its files: nothing of it is fitted,
	// and Train is empty.
	Whole bool
	// Monotone is [len(Features)]: 1 where the score must not fall as the feature
	// rises, -1 where it must not rise; nil where there is no constraint.
	Monotone []int8
	Train    Train
}

// Head is a model over the numbers of a network. Params is as that of Model.
type Head struct {
	Kind   string
	Params map[string]any
}

// Train says what a model is fitted on.
type Train struct {
	// Range is the span of decided events, up to the newest, that are rows.
	Range orrery.Duration
	// Calibrate says that the scores are calibrated on the newest of the rows.
	Calibrate bool
	// Balanced weighs the classes so that each counts the same in all.
	// ClassWeights, [2] for negative and positive or [classes], multiplies the
	// weight of the rows of each class; nil is 1 for all.
	Balanced     bool
	ClassWeights []float64
}

// Rule gives an action when its condition holds.
type Rule struct {
	// When reads the score, features and the decided event; nil always holds.
	When *expr.Program
	// Costs are what When was made of, nil where the file has a condition.
	Costs  *Costs
	Action string
	// With has numbers that go with the action.
	With []Param
	// Mask says what of the text is to be masked; empty is nothing.
	Mask []Mask
	// Line is the rule's line in the file, from 1.
	Line int
}

// Param is a number that goes with an action.
type Param struct {
	Name string
	// Value reads the score, features and the decided event.
	Value *expr.Program
}

// Mask is one thing that is masked in a text: with Model what speaks for the class
// that the model chooses, or else what terms of a list, an index in Spec.Lists, find
// in it: those of a category, or all where that is empty.
type Mask struct {
	Model    bool
	List     int
	Category string
}

// Costs are what it costs to be wrong, both in one unit. Each is a number and
// reads features and the decided event.
type Costs struct {
	// Missed is the cost of not acting on a positive, FalseAlarm that of acting on
	// a negative.
	Missed, FalseAlarm *expr.Program
	Unit               string
}

// Answer says how decisions are answered.
type Answer struct {
	// Deadline bounds the time from a request to its score; 0 is none.
	Deadline orrery.Duration
	// Fallback is the action that answers where the ordinary path cannot; empty is
	// that of the last rule.
	Fallback string
	// ReasonsFor has the actions whose reasons are recorded and answered, at most
	// ReasonsTop of them.
	ReasonsFor []string
	ReasonsTop int
}

// PersonalField reports whether a name, event.field, is that of a personal field.
func (s *Spec) PersonalField(name string) bool {
	event, field, _ := strings.Cut(name, ".")
	t := s.Contract.Event(event)
	if t == nil {
		return false
	}
	i := t.Field(field)
	return i >= 0 && t.Fields[i].Personal
}

// Actions gives every action that can be answered, in the order of the file.
func (s *Spec) Actions() []string {
	var actions []string
	for _, r := range s.Policy {
		if !slices.Contains(actions, r.Action) {
			actions = append(actions, r.Action)
		}
	}
	if f := s.Answer.Fallback; f != "" && !slices.Contains(actions, f) {
		actions = append(actions, f)
	}
	return actions
}

// Evaluate says how a model is measured beside the metrics that all have.
type Evaluate struct {
	// LeaveOutKnown is the index in DecideOn of an entity field: a test row is
	// left out when its entity had a positive outcome known before that day. -1
	// leaves none out.
	LeaveOutKnown int
	// K and By, the index of an entity field in DecideOn, ask for precision at
	// the K highest-scored entities of each day. K is 0, and By -1, where it is
	// not asked for.
	K, By int
}

// FeatureIndex gives the index in Features of a scalar's name, -1 where there
// is none.
func (s *Spec) FeatureIndex(name string) int {
	for i := range s.Features {
		if s.Features[i].Name == name {
			return i
		}
	}
	return -1
}

// Feature gives the feature of a scalar's name, nil where there is none.
func (s *Spec) Feature(name string) *Feature {
	if i := s.FeatureIndex(name); i >= 0 {
		return &s.Features[i]
	}
	return nil
}

// FeatureNames gives the names of the scalars, in their order.
func (s *Spec) FeatureNames() []string {
	names := make([]string, len(s.Features))
	for i := range s.Features {
		names[i] = s.Features[i].Name
	}
	return names
}
