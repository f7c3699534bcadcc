package functional

import (
	"slices"

	"orrery.dev"
	"orrery.dev/metric"
)

// Report says what a detector can and cannot do.
type Report struct {
	// Cases counts all, those of altered spelling too, over which Accuracy, MacroF1
	// and Confusion are taken. MacroF1 is the mean of the F1 of hateful and of not
	// hateful.
	Cases    int     `json:"cases"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
	// Confusion counts cases by what they are and what they were taken for.
	Confusion Confusion `json:"confusion"`
	// Untouched has the same figures for the cases whose spelling is as it was.
	Untouched Figures `json:"untouched"`
	// Functionalities has the untouched cases of each, in the suite's order, and
	// Groups those that name each group.
	Functionalities []Share `json:"functionalities"`
	Groups          []Share `json:"groups"`
	// Tricks has the cases of each, beside the same texts untouched.
	Tricks []TrickShare `json:"tricks"`
}

// Figures sum up cases.
type Figures struct {
	Cases    int     `json:"cases"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
}

// Confusion counts cases.
type Confusion struct {
	HatefulFound  int `json:"hateful_found"`
	HatefulMissed int `json:"hateful_missed"`
	OthersCleared int `json:"others_cleared"`
	OthersAccused int `json:"others_accused"`
}

// Share is how many of some cases were recognised for what they are.
type Share struct {
	Name string `json:"name"`
	// Class is that of a functionality's cases, and "" for a group's.
	Class    string  `json:"class,omitempty"`
	Cases    int     `json:"cases"`
	Right    int     `json:"right"`
	Accuracy float64 `json:"accuracy"`
}

// TrickShare is how a detector does on altered texts.
type TrickShare struct {
	Share
	// Untouched is the accuracy on the same texts as they were.
	Untouched float64 `json:"untouched"`
}

// Score measures what a detector said of cases: hateful is [cases]. Cases are
// those of Suite.Cases or some of them; of altered texts whose original is not
// among them the untouched accuracy counts those that are.
//
// An error of kind Invalid has the code functional_score when there are no cases,
// or not as many answers as cases.
func Score(cases []Case, hateful []bool) (*Report, error) {
	if len(cases) == 0 || len(cases) != len(hateful) {
		return nil, orrery.Errorf(orrery.Invalid, "functional_score", "there are %d cases and %d answers", len(cases), len(hateful))
	}
	r := &Report{}
	var functionalities, groups, tricks tally
	right := make(map[string]bool, len(cases))
	var untouched []int
	for i, c := range cases {
		ok := hateful[i] == c.Hateful
		right[c.ID] = ok
		switch {
		case c.Hateful && ok:
			r.Confusion.HatefulFound++
		case c.Hateful:
			r.Confusion.HatefulMissed++
		case ok:
			r.Confusion.OthersCleared++
		default:
			r.Confusion.OthersAccused++
		}
		if c.Trick != "" {
			tricks.add(c.Trick, "", ok)
			continue
		}
		untouched = append(untouched, i)
		functionalities.add(c.Functionality, c.Class, ok)
		if c.Group != "" {
			groups.add(c.Group, "", ok)
		}
	}
	r.Functionalities, r.Groups = functionalities.shares(), groups.shares()
	for _, s := range tricks.shares() {
		var before tally
		for _, c := range cases {
			if ok, known := right[c.Of]; known && c.Trick == s.Name {
				before.add(s.Name, "", ok)
			}
		}
		t := TrickShare{Share: s}
		if of := before.shares(); len(of) > 0 {
			t.Untouched = of[0].Accuracy
		}
		r.Tricks = append(r.Tricks, t)
	}
	all, err := figures(cases, hateful, nil)
	if err != nil {
		return nil, err
	}
	r.Cases, r.Accuracy, r.MacroF1 = all.Cases, all.Accuracy, all.MacroF1
	if len(untouched) > 0 {
		r.Untouched, err = figures(cases, hateful, untouched)
	}
	return r, err
}

// figures sums up the cases at some places, or all.
func figures(cases []Case, hateful []bool, at []int) (Figures, error) {
	set := metric.ClassSet{Classes: []string{"other", "hateful"}}
	of := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	add := func(i int) {
		held := of(hateful[i])
		set.Label = append(set.Label, of(cases[i].Hateful))
		set.Score = append(set.Score, float64(1-held), float64(held))
	}
	if at == nil {
		for i := range cases {
			add(i)
		}
	}
	for _, i := range at {
		add(i)
	}
	report, err := metric.Classify(set)
	if err != nil {
		return Figures{}, err
	}
	return Figures{len(set.Label), report.Accuracy, report.MacroF1}, nil
}

// tally counts by name, in the order in which names come.
type tally []Share

func (t *tally) add(name, class string, right bool) {
	i := slices.IndexFunc(*t, func(s Share) bool { return s.Name == name })
	if i < 0 {
		i = len(*t)
		*t = append(*t, Share{Name: name, Class: class})
	}
	s := &(*t)[i]
	s.Cases++
	if right {
		s.Right++
	}
	s.Accuracy = float64(s.Right) / float64(s.Cases)
}

func (t tally) shares() []Share { return t }
