// Command moderation measures the linear model of texts on labelled messages.
//
//	go run ./bench/moderation [-set NAME=VALUE,…] [-only NAMES] [-folds FILE] DIR
//
// DIR has davidson_dev.csv.gz and the train and validation files of TweetEval
// (tweeteval_hate_train.csv.gz and so on), with the columns text and label. It
// prints macro-F1 and weighted F1: on Davidson of five folds, with all choices made
// on inner folds, and on the validation files of models of the train files. Then
// the loss of accuracy by tricks of spelling, the functional suite of
// systems/moderation by a model that has learned from its training templates too, and how many messages a core scores.
// FILE has the fold of each row of Davidson, a number a line, for folds that another
// program has drawn (folds.py draws those of scikit-learn).
//
// It never prints a message.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery.dev/declare"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/numeric"
	"orrery.dev/train"
)

// bench is a run's settings.
type bench struct {
	dir    string
	kind   train.Kind
	params train.Params
	// templates are texts to train on beside Davidson's, nil for none.
	templates *templates
}

func main() {
	set := flag.String("set", "", "settings of the kind of model, such as c=3,words=2")
	only := flag.String("only", "davidson,tweeteval,tricks,functional,speed", "what to measure")
	texts := flag.Int("templates", 0, "how many texts of the functional suite's training templates are trained on beside Davidson")
	weight := flag.Float64("weight", 0.15, "what each of them weighs")
	marks := flag.Bool("marks", true, "whether the suite's names of groups are marks, and English negations negations, then")
	folds := flag.String("folds", "", "a file with the fold of each row of Davidson")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *set, strings.Split(*only, ","), *folds, *texts, *weight, *marks); err != nil {
		fmt.Fprintln(os.Stderr, "moderation:", err)
		os.Exit(1)
	}
}

func run(dir, set string, only []string, folds string, texts int, weight float64, marks bool) error {
	b := &bench{dir: dir}
	for _, kind := range train.Kinds() {
		if kind.Name == model.TextKind {
			b.kind, b.params = kind, train.Defaults(kind.Kind)
		}
	}
	if err := b.set(set); err != nil {
		return err
	}
	if texts > 0 {
		if err := b.learnTemplates(texts, weight, marks); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"davidson", func() error { return b.davidson(folds) }},
		{"tweeteval", b.tweetEval},
		{"tricks", b.tricks},
		{"functional", b.functional},
		{"speed", b.speed},
	} {
		if slices.Contains(only, part.name) {
			if err := part.measure(); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	return nil
}

// set changes settings by name=value.
func (b *bench) set(list string) error {
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		name, value, _ := strings.Cut(entry, "=")
		at := slices.IndexFunc(b.kind.Fields, func(f declare.Field) bool { return f.Name == name })
		if at < 0 {
			return fmt.Errorf("there is no setting %q", name)
		}
		var err error
		switch b.kind.Fields[at].Type {
		case declare.Int:
			b.params[name], err = strconv.Atoi(value)
		case declare.Number:
			b.params[name], err = strconv.ParseFloat(value, 64)
		case declare.Bool:
			b.params[name], err = strconv.ParseBool(value)
		default:
			b.params[name] = value
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fit fits a model to messages.
func (b *bench) fit(m *messages) (*model.TextClassifier, error) {
	rows := m.rows()
	if b.templates != nil && len(m.classes) == len(b.templates.classes) {
		b.templates.addTo(rows)
	}
	fitted, err := b.kind.Fit(context.Background(), rows, b.params, nil)
	if err != nil {
		return nil, err
	}
	return fitted.(*model.TextClassifier), nil
}

// davidson cross-validates.
func (b *bench) davidson(folds string) error {
	all, err := readMessages(filepath.Join(b.dir, "davidson_dev.csv.gz"))
	if err != nil {
		return err
	}
	fold, err := readFolds(folds, all)
	if err != nil {
		return err
	}
	from := time.Now()
	chosen, likeliest := make([]int, len(all.label)), make([]int, len(all.label))
	scores := make([]float64, len(all.label)*len(all.classes))
	size := 0
	for f := range outerFolds {
		in, out := all.part(func(i int) bool { return fold[i] != f }), all.part(func(i int) bool { return fold[i] == f })
		m, err := b.fit(in)
		if err != nil {
			return err
		}
		file, err := m.AppendBinary(nil)
		if err != nil {
			return err
		}
		size = max(size, len(file))
		for j, i := range out.index {
			row := scores[i*len(all.classes) : (i+1)*len(all.classes)]
			m.ScoresText(out.text[j], nil, row)
			chosen[i], likeliest[i] = m.Choose(row), model.Likeliest(row)
		}
	}
	took := time.Since(from).Round(100 * time.Millisecond)
	fmt.Printf("davidson, %d messages, %d folds: %s; likeliest class: %s; %s, model ≤ %.1f MB\n", len(all.label), outerFolds,
		all.figures(chosen), all.figures(likeliest), took, float64(size)/1e6)
	for k, class := range all.classes {
		set := metric.Set{Label: make([]float64, len(all.label)), Score: make([]float64, len(all.label))}
		for i, y := range all.label {
			set.Score[i] = min(scores[i*len(all.classes)+k], 1)
			if y == k {
				set.Label[i] = 1
			}
		}
		calibration, err := metric.CalibrationError(set)
		if err != nil {
			return err
		}
		loss, err := metric.LogLoss(set)
		if err != nil {
			return err
		}
		fmt.Printf("  %-10s F1 %.3f, calibration error %.4f, log loss %.4f\n", class, all.f1(chosen)[k], calibration, loss)
	}
	return nil
}

// tweetEval trains on the train files and tests on the validation files.
func (b *bench) tweetEval() error {
	for _, name := range []string{"hate", "offensive"} {
		in, err := readMessages(filepath.Join(b.dir, "tweeteval_"+name+"_train.csv.gz"))
		if err != nil {
			return err
		}
		out, err := readMessages(filepath.Join(b.dir, "tweeteval_"+name+"_val.csv.gz"))
		if err != nil {
			return err
		}
		from := time.Now()
		m, err := b.fit(in)
		if err != nil {
			return err
		}
		took := time.Since(from).Round(100 * time.Millisecond)
		scores := make([]float64, len(in.classes))
		chosen, likeliest := make([]int, len(out.label)), make([]int, len(out.label))
		for i, text := range out.text {
			m.ScoresText(text, nil, scores)
			chosen[i], likeliest[i] = m.Choose(scores), model.Likeliest(scores)
		}
		fmt.Printf("tweeteval %s, %d to train on, %d to test on: %s; likeliest class: %s; %s\n", name, len(in.label), len(out.label),
			out.figures(chosen), out.figures(likeliest), took)
	}
	return nil
}

// speed scores messages on one core for a while.
func (b *bench) speed() error {
	all, err := readMessages(filepath.Join(b.dir, "davidson_dev.csv.gz"))
	if err != nil {
		return err
	}
	m, err := b.fit(all)
	if err != nil {
		return err
	}
	bytes := 0
	for _, text := range all.text {
		bytes += len(text)
	}
	scores := make([]float64, len(all.classes))
	best := time.Duration(1 << 62)
	for range 5 {
		from := time.Now()
		for _, text := range all.text {
			m.ScoresText(text, nil, scores)
		}
		best = min(best, time.Since(from))
	}
	n := float64(len(all.text))
	fmt.Printf("speed: %.0f messages of %.0f bytes a second and core, %.1f µs each (best of 5 passes)\n",
		n/best.Seconds(), float64(bytes)/n, best.Seconds()*1e6/n)
	return nil
}

// outerFolds is how many folds Davidson is cut into.
const outerFolds = 5

// readFolds gives the fold of each message: of a file, or dealt out by label in
// random order.
func readFolds(path string, m *messages) ([]int, error) {
	out := make([]int, len(m.label))
	if path == "" {
		order, next := make([]int, len(out)), make([]int, len(m.classes))
		for i := range order {
			order[i] = i
		}
		numeric.NewRandom(0, 0).Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		for _, i := range order {
			y := m.label[i]
			out[i] = next[y] % outerFolds
			next[y]++
		}
		return out, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(b))
	if len(lines) != len(out) {
		return nil, fmt.Errorf("%s has %d folds for %d messages", path, len(lines), len(out))
	}
	for i, line := range lines {
		if out[i], err = strconv.Atoi(line); err != nil {
			return nil, err
		}
	}
	return out, nil
}
