package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"orrery.dev/systems/moderation/functional"
	"orrery.dev/train"
)

// templates are texts of the functional suite's training part.
type templates struct {
	classes []string
	cases   []functional.Case
	weight  float64
}

// addTo puts the texts behind rows of the same classes.
func (t *templates) addTo(rows *train.Rows) {
	rows.Weight = make([]float64, len(rows.Y))
	for i := range rows.Weight {
		rows.Weight[i] = 1
	}
	rows.Text = slices.Clone(rows.Text)
	for _, c := range t.cases {
		rows.Text, rows.Y = append(rows.Text, c.Text), append(rows.Y, float64(slices.Index(t.classes, c.Class)))
		rows.Weight = append(rows.Weight, t.weight)
	}
}

// learnTemplates adds texts of the suite's training part, and its names of groups
// as marks, to what models are trained on.
func (b *bench) learnTemplates(texts int, weight float64, marks bool) error {
	suite := functional.Builtin()
	cases, err := suite.Training(nil, texts, 1)
	if err != nil {
		return err
	}
	b.templates = &templates{[]string{functional.Hate, functional.Neither, functional.Offensive}, cases, weight}
	if marks {
		var phrases []string
		for _, t := range suite.Terms() {
			phrases = append(phrases, t.Phrase)
		}
		for _, g := range suite.Groups {
			phrases = append(phrases, g.Adjective...)
		}
		b.params["marks"], b.params["negations"] = phrases, negations
	}
	return nil
}

// negations are those of English.
const negations = "no not never none nobody nothing neither nor without cannot ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't needn't shouldn't wasn't weren't won't wouldn't cant didnt doesnt dont isnt wasnt wont"

// functional trains on all of Davidson and measures on the suite's test part.
func (b *bench) functional() error {
	all, err := readMessages(filepath.Join(b.dir, "davidson_dev.csv.gz"))
	if err != nil {
		return err
	}
	m, err := b.fit(all)
	if err != nil {
		return err
	}
	cases := functional.Builtin().Cases(nil)
	hateful, scores := make([]bool, len(cases)), make([]float64, len(all.classes))
	for i, c := range cases {
		m.ScoresText(c.Text, nil, scores)
		hateful[i] = all.classes[m.Choose(scores)] == functional.Hate
	}
	r, err := functional.Score(cases, hateful)
	if err != nil {
		return err
	}
	balanced := 0.0
	for _, f := range r.Functionalities {
		balanced += f.Accuracy / float64(len(r.Functionalities))
	}
	fmt.Printf("functional, %d cases: macro-F1 %.3f, accuracy %.3f; as spelt: macro-F1 %.3f, mean accuracy of functionalities %.3f\n",
		r.Cases, r.MacroF1, r.Accuracy, r.Untouched.MacroF1, balanced)
	for _, f := range r.Functionalities {
		fmt.Printf("  %-32s %-10s %.3f\n", f.Name, f.Class, f.Accuracy)
	}
	for _, t := range r.Tricks {
		fmt.Printf("  trick %-26s %.3f, untouched %.3f\n", t.Name, t.Accuracy, t.Untouched)
	}
	return nil
}
