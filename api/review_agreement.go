package api

import (
	"cmp"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/review"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// ReviewAgreement says how far reviewers agree who judged the same decision
// without knowing of each other: the first and the second, where chance asked for
// a second.
type ReviewAgreement struct {
	// Items are those with two such opinions. LeftOut have two because somebody asked
	// for it, which is no sample.
	Items   int `json:"items"`
	LeftOut int `json:"left_out"`
	// Reviewers are how many took part.
	Reviewers int `json:"reviewers"`
	// Fleiss is over all reviewers, and OfAll the same with each item weighing one
	// over the share of its kind that is asked about: an estimate for all decisions.
	// Null where nothing was judged twice.
	Fleiss *metric.Agreement `json:"fleiss"`
	OfAll  *metric.Agreement `json:"fleiss_of_all"`
	// Classes has Fleiss' kappa of each verdict against the rest.
	Classes []ClassAgreement `json:"classes"`
	// Pairs has Cohen's kappa of each two reviewers with items in common, those with
	// most first.
	Pairs []PairAgreement `json:"pairs"`
}

// ClassAgreement is the agreement on one verdict.
type ClassAgreement struct {
	Verdict string           `json:"verdict"`
	Fleiss  metric.Agreement `json:"fleiss"`
}

// PairAgreement is the agreement of two reviewers.
type PairAgreement struct {
	Reviewers [2]string        `json:"reviewers"`
	Cohen     metric.Agreement `json:"cohen"`
}

// maxPairs bounds the pairs of reviewers that are told.
const maxPairs = 1000

// rated is what has been judged twice.
type rated struct {
	// classes are the verdicts; of a label of which several can be right, the sets
	// of them that were given.
	classes []string
	label   *spec.Label
	// given is [items], two indexes in classes each, weights [items].
	given   [][2]int
	weights []float64
	pairs   map[[2]string]*pair
	people  map[string]bool
	leftOut int
}

type pair struct{ a, b []int }

// Agreement measures the agreement of reviewers on what was judged since an
// instant.
func Agreement(engine *serve.Engine, since orrery.Instant) (*ReviewAgreement, error) {
	r := rated{classes: verdicts(engine), label: engine.Plan().Spec.Label, pairs: map[[2]string]*pair{}, people: map[string]bool{}}
	for c, err := range engine.Opinions() {
		if err != nil {
			return nil, err
		}
		r.add(c, since)
	}
	return r.measure()
}

func (r *rated) add(c *review.Case, since orrery.Instant) {
	given := c.Independent()
	if len(given) < 2 || given[1].At < since {
		return
	}
	a, b := r.place(given[0].Verdict), r.place(given[1].Verdict)
	switch {
	case a < 0 || b < 0:
		return // of classes that the label no longer has
	case !c.Second:
		r.leftOut++
		return
	}
	names := [2]string{given[0].Reviewer, given[1].Reviewer}
	r.people[names[0]], r.people[names[1]] = true, true
	weight := 1.0
	if c.Propensity > 0 {
		weight = 1 / c.Propensity
	}
	r.given, r.weights = append(r.given, [2]int{a, b}), append(r.weights, weight)
	if names[0] > names[1] {
		names[0], names[1], a, b = names[1], names[0], b, a
	}
	p := r.pairs[names]
	if p == nil {
		p = &pair{}
		r.pairs[names] = p
	}
	p.a, p.b = append(p.a, a), append(p.b, b)
}

// place gives the index of a verdict in classes, -1 where it is none.
func (r *rated) place(verdict string) int {
	if r.label != nil && r.label.Several {
		set, known := r.label.ClassOf(verdict)
		if !known {
			return -1
		}
		verdict = r.label.ClassText(set)
		if !slices.Contains(r.classes, verdict) {
			r.classes = append(r.classes, verdict)
		}
	}
	return slices.Index(r.classes, verdict)
}

// against gives for each class how many of the two verdicts on each item say it,
// and say otherwise [items × 2]; of several that can be right, each by itself.
func (r *rated) against(class int, name string) []int {
	says := func(given int) int {
		said := given == class
		if r.label != nil && r.label.Several {
			names := strings.Split(r.classes[given], orrery.LabelSeparator)
			said = slices.Contains(names, name)
		}
		if said {
			return 1
		}
		return 0
	}
	out := make([]int, 0, 2*len(r.given))
	for _, g := range r.given {
		n := says(g[0]) + says(g[1])
		out = append(out, n, 2-n)
	}
	return out
}

func (r *rated) measure() (*ReviewAgreement, error) {
	k := len(r.classes)
	counts := make([]int, len(r.given)*k)
	for i, g := range r.given {
		counts[i*k+g[0]]++
		counts[i*k+g[1]]++
	}
	out := &ReviewAgreement{Items: len(r.weights), LeftOut: r.leftOut, Reviewers: len(r.people), Classes: []ClassAgreement{}, Pairs: []PairAgreement{}}
	if out.Items == 0 {
		return out, nil
	}
	for weights, to := range map[bool]**metric.Agreement{false: &out.Fleiss, true: &out.OfAll} {
		var by []float64
		if weights {
			by = r.weights
		}
		a, err := metric.FleissKappa(counts, k, by)
		if err != nil {
			return nil, err
		}
		*to = &a
	}
	for class, name := range r.label.Outcomes() {
		a, err := metric.FleissKappa(r.against(class, name), 2, nil)
		if err != nil {
			return nil, err
		}
		out.Classes = append(out.Classes, ClassAgreement{Verdict: name, Fleiss: a})
	}
	for names, p := range r.pairs {
		a, err := metric.CohenKappa(p.a, p.b, k, nil)
		if err != nil {
			return nil, err
		}
		out.Pairs = append(out.Pairs, PairAgreement{Reviewers: names, Cohen: a})
	}
	slices.SortFunc(out.Pairs, func(a, b PairAgreement) int {
		return cmp.Or(cmp.Compare(b.Cohen.Items, a.Cohen.Items), slices.Compare(a.Reviewers[:], b.Reviewers[:]))
	})
	out.Pairs = out.Pairs[:min(len(out.Pairs), maxPairs)]
	return out, nil
}
