package train

import (
	"context"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/model"
	"orrery.dev/text/ngram"
)

// textKind declares the linear model of a text.
func textKind() Kind {
	return Kind{
		Kind: declare.Kind{
			Name: model.TextKind, ReadsText: true, Several: true, Head: true,
			Doc: "Logistic regression on the words and runs of characters of a text, and on features beside it: one output for each class, against the rest. " +
				"Scores are calibrated on inner folds, where the cuts between classes are chosen too. A missing text is an empty one. " +
				"As a head, the numbers of the network share the prior of one input, however many they are, so that they do not drown the words.",
			Fields: append([]declare.Field{
				{Name: "c", Type: declare.Number, Default: "1", Above: declare.Bound(0), Example: "3",
					Doc: "Inverse of the strength of the L2 penalty: the smaller, the nearer to zero the weights are held."},
				{Name: "words", Type: declare.Int, Default: "3", Min: declare.Bound(0), Max: declare.Bound(ngram.MostWords), Example: "2",
					Doc: "The greatest number of words in a row that are taken together; 0 for no words at all."},
				{Name: "min_chars", Type: declare.Int, Default: "2", Min: declare.Bound(1), Max: declare.Bound(ngram.MostChars), Example: "3",
					Doc: "The least number of characters in a row that are taken together."},
				{Name: "chars", Type: declare.Int, Default: "5", Min: declare.Bound(0), Max: declare.Bound(ngram.MostChars), Example: "4",
					Doc: "The greatest number of characters in a row that are taken together, within a word; 0 for none."},
				{Name: "skip", Type: declare.Bool, Default: "false",
					Doc: "Whether two words with one between them are taken together too."},
				{Name: "marks", Type: declare.Text, List: true, Example: "[cats, my neighbours]",
					Doc: "Phrases that are read as if each were the same one, beside what they are: what is learned of one holds for all. For hate speech they name groups of people."},
				{Name: "negations", Type: declare.Text, Example: "no not never isn't don't",
					Doc: "Words that negate what comes behind them, parted by spaces. Up to four words behind one are read as negated, beside what they are."},
				{Name: "min_rows", Type: declare.Int, Default: "2", Min: declare.Bound(1), Example: "5",
					Doc: "In how many rows words have to stand to count, and runs of characters in one more."},
				{Name: "max_grams", Type: declare.Int, Default: "300000", Min: declare.Bound(1), Max: declare.Bound(maxGrams), Example: "100000",
					Doc: "How many words and runs of characters are kept, those in most rows. One takes 8 bytes of the model and 4 for each class."},
				{Name: "balance", Type: declare.Number, Default: "0.5", Min: declare.Bound(0), Max: declare.Bound(1), Example: "1",
					Doc: "How far the rows of a rare class are made to count for more when that class is told from the rest: not at all at 0, as much as all classes were equally frequent at 1. Calibration undoes what it does to the scores."},
				{Name: "misspell", Alone: true, Type: declare.Number, Default: "0.5", Min: declare.Bound(0), Max: declare.Bound(1), Example: "1",
					Doc: "The share of the rows that are trained on once more, for half the weight, with letters swapped, left out or replaced by digits, or spaces left out. It makes the model read what is written to get past it, and takes time, half as much again at 0.5."},
				{Name: "folds", Type: declare.Int, Default: "5", Min: declare.Bound(0), Max: declare.Bound(maxFolds), Example: "3",
					Doc: "On how many inner folds scores are calibrated and cuts chosen, each fold scored by a model of the others. 0 leaves the scores and cuts as they come."},
				{Name: "seed", Type: declare.Int, Default: "1", Min: declare.Bound(0), Example: "7",
					Doc: "Seeds the drawing of folds and the order of rows. The same seed and rows give the same model."},
			}, categoryFields("50", "")...),
		},
		Fit: func(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error) {
			return newText(params).Fit(ctx, rows, progress)
		},
	}
}

// Text has the settings of the linear model of a text, as its kind declares them.
type Text struct {
	C          float64
	Grams      ngram.Options
	Marks      []string
	Negations  []string
	MinRows    int
	MaxGrams   int
	Balance    float64
	Misspell   float64
	Folds      int
	Seed       int
	Categories Categories
}

// Bounds of Text.
const (
	maxGrams = 1 << 22
	maxFolds = 20
)

// DefaultText gives the settings of a spec that sets none.
func DefaultText() Text { return newText(Defaults(textKind().Kind)) }

func newText(p Params) Text {
	o := ngram.Options{MaxWords: p.Int("words"), MinChars: p.Int("min_chars"), MaxChars: p.Int("chars"), Skip: p.Bool("skip")}
	if o.MaxChars == 0 {
		o.MinChars = 0
	}
	marks, _ := p["marks"].([]string)
	return Text{C: p.Number("c"), Grams: o, Marks: marks, Negations: strings.Fields(p.String("negations")), MinRows: p.Int("min_rows"), MaxGrams: p.Int("max_grams"), Balance: p.Number("balance"), Misspell: p.Number("misspell"),
		Folds: p.Int("folds"), Seed: p.Int("seed"), Categories: categoriesOf(p)}
}

func (o Text) check() error {
	if !o.Grams.Valid() {
		return orrery.Errorf(orrery.Invalid, "train_param", "the n-grams %+v are none that can be taken", o.Grams).
			WithField("chars").WithNext("take words, or characters with min_chars no greater than chars")
	}
	return firstError(
		within("c", o.C, smallestC, greatestC),
		within("min_rows", float64(o.MinRows), 1, 1<<30),
		within("max_grams", float64(o.MaxGrams), 1, maxGrams),
		within("balance", o.Balance, 0, 1),
		within("misspell", o.Misspell, 0, 1),
		within("folds", float64(o.Folds), 0, maxFolds),
		o.Categories.check(),
	)
}
