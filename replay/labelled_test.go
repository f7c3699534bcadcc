package replay_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/train"
)

// labelledFile writes messages whose class hangs on their length, without times
// and authors.
func labelledFile(t *testing.T, name string, n, from int, class func(length int) string) string {
	var b strings.Builder
	b.WriteString("message_id,class,length\n")
	for i := range n {
		length := (i*37 + from) % 300
		fmt.Fprintf(&b, "%s-%d,%s,%d\n", name, i, class(length), length)
	}
	path := filepath.Join(t.TempDir(), name+".csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func byLength(length int) string { return []string{"neither", "offensive", "hate"}[length/100] }

func labelledPlan(t *testing.T) (*plan.Plan, replay.LabelledProtocol) {
	s := orrerytest.Spec(t, strings.Replace(moderation, "KIND", "gbdt", 1))
	p, err := plan.Compile("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := builtin.Trainer("gbdt")
	params := train.Defaults(kind.Kind)
	params["trees"] = 10
	fit := func(ctx context.Context, rows *train.Rows) (m model.Model, err error) {
		return kind.Fit(ctx, rows, params, nil)
	}
	return p, replay.LabelledProtocol{System: s.System, Kind: "gbdt", Order: s.Label.Classes, Begun: time.Now(),
		Trainer: func([]string) (replay.Trainer, error) { return fit, nil }}
}

// TestLabelledFiles trains on one file of labelled messages and tests on another.
func TestLabelledFiles(t *testing.T) {
	p, protocol := labelledPlan(t)
	ctx := context.Background()
	learn, err := replay.ReadLabelled(ctx, p, []string{labelledFile(t, "a", 200, 0, byLength), labelledFile(t, "b", 100, 11, byLength)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(learn.Label) != 300 || learn.ID[200] != "b-0" || learn.Label[200] != "neither" || learn.X[200*3+1] != 11 {
		t.Fatalf("%d events, %q is %q with %v", len(learn.Label), learn.ID[200], learn.Label[200], learn.X[200*3:201*3])
	}
	if !math.IsNaN(learn.X[0]) || !math.IsNaN(learn.X[2]) {
		t.Errorf("what the file lacks is %v and %v, and should be missing", learn.X[0], learn.X[2])
	}
	test, err := replay.ReadLabelled(ctx, p, []string{labelledFile(t, "c", 90, 5, byLength)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := replay.EvaluateLabelled(ctx, learn, test, protocol)
	if err != nil {
		t.Fatal(err)
	}
	if e.Metrics["accuracy"] < 0.95 || e.Test.Rows != 90 || e.Train.Rows != 300 || len(e.Classes.Classes) != 3 || e.Classes.Classes[0].Class != "hate" {
		t.Errorf("accuracy %v on %d rows of %d, classes %v", e.Metrics["accuracy"], e.Test.Rows, e.Train.Rows, e.Classes.Classes)
	}
}

// TestLabelledOther tests a model of three classes on events of two: what is not
// hate is anything else.
func TestLabelledOther(t *testing.T) {
	p, protocol := labelledPlan(t)
	ctx := context.Background()
	learn, err := replay.ReadLabelled(ctx, p, []string{labelledFile(t, "a", 300, 0, byLength)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	two := labelledFile(t, "two", 150, 3, func(length int) string { return []string{"no", "no", "yes"}[length/100] })
	test, err := replay.ReadLabelled(ctx, p, []string{two}, map[string]string{"yes": "hate", "no": replay.Other})
	if err != nil {
		t.Fatal(err)
	}
	e, err := replay.EvaluateLabelled(ctx, learn, test, protocol)
	if err != nil {
		t.Fatal(err)
	}
	if e.Metrics["accuracy"] < 0.95 || len(e.Classes.Classes) != 2 || e.Classes.Classes[1].Class != replay.Other || e.Test.Classes[1].Rows == 0 {
		t.Errorf("accuracy %v, classes %v, %v", e.Metrics["accuracy"], e.Classes.Classes, e.Test.Classes)
	}
	test, err = replay.ReadLabelled(ctx, p, []string{two}, map[string]string{"yes": "hate"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = replay.EvaluateLabelled(ctx, learn, test, protocol); orrery.CodeOf(err) != "outcome_unknown" || !strings.Contains(err.Error(), "--map no=other") {
		t.Errorf("an outcome that training has not: %v", err)
	}
}

// TestLabelledFolds tests each event on a model of the others.
func TestLabelledFolds(t *testing.T) {
	p, protocol := labelledPlan(t)
	all, err := replay.ReadLabelled(context.Background(), p, []string{labelledFile(t, "a", 301, 0, byLength)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := replay.CrossValidate(context.Background(), all, 5, 0, protocol)
	if err != nil {
		t.Fatal(err)
	}
	if e.Test.Rows != 301 || len(e.Folds) != 5 || e.Metrics["macro_f1"] < 0.95 {
		t.Errorf("%d rows in %d folds, %v", e.Test.Rows, len(e.Folds), e.Metrics)
	}
	again, err := replay.CrossValidate(context.Background(), all, 5, 0, protocol)
	if err != nil || fmt.Sprint(again.Folds) != fmt.Sprint(e.Folds) {
		t.Errorf("a second time: %v, %v, and was %v", err, again.Folds, e.Folds)
	}
	other, err := replay.CrossValidate(context.Background(), all, 5, 1, protocol)
	if err != nil || fmt.Sprint(other.Folds) == fmt.Sprint(e.Folds) {
		t.Errorf("another seed: %v, %v", err, other.Folds)
	}
	all.Weight = make([]float64, len(all.Label))
	for i := range all.Weight {
		if all.Weight[i] = 1; i >= 201 {
			all.Weight[i] = 0.3
		}
	}
	if e, err = replay.CrossValidate(context.Background(), all, 5, 0, protocol); err != nil || e.Test.Rows != 201 || e.Train.Rows != 301 {
		t.Errorf("with events that only teach: tested on %d of %d, %v", e.Test.Rows, e.Train.Rows, err)
	}
	if _, err := replay.CrossValidate(context.Background(), all, 1, 0, protocol); orrery.CodeOf(err) != "folds_out_of_bounds" {
		t.Errorf("one fold: %v", err)
	}
}

// TestLabelledFaults reads files that have no labelled events.
func TestLabelledFaults(t *testing.T) {
	p, protocol := labelledPlan(t)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "f.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for text, code := range map[string]string{
		"message_id,length\na,5\n":                   "header_missing",
		"class,length\nhate,5\n":                     "header_missing",
		"message_id,class,length\na,,5\nb,hate,x\n":  "no_labelled_events",
		"message_id,class,length\n":                  "no_labelled_events",
		"message_id,class,length\na,hate,5\nb,hate,": "train_one_class",
	} {
		l, err := replay.ReadLabelled(context.Background(), p, []string{write(text)}, nil)
		if err == nil {
			_, err = replay.EvaluateLabelled(context.Background(), l, l, protocol)
		}
		if orrery.CodeOf(err) != code {
			t.Errorf("%q: %v, want %s", text, err, code)
		}
	}
	for _, bad := range []string{"a", "=b", "a=", "a=b,a=c"} {
		if _, err := replay.ParseRenames(bad); orrery.CodeOf(err) != "bad_renaming" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestStratifiedFolds has each class in every fold as often as in any other, give
// or take one.
func TestStratifiedFolds(t *testing.T) {
	var labels []string
	for i := range 997 {
		labels = append(labels, []string{"a", "b", "b", "c", "c", "c", "c"}[i%7])
	}
	count := map[string][]int{}
	size := make([]int, 5)
	for i, fold := range replay.Stratified(labels, 5, 3) {
		if count[labels[i]] == nil {
			count[labels[i]] = make([]int, 5)
		}
		count[labels[i]][fold]++
		size[fold]++
	}
	count["all"] = size
	for class, folds := range count {
		least, most := folds[0], folds[0]
		for _, n := range folds {
			least, most = min(least, n), max(most, n)
		}
		if most-least > 1 {
			t.Errorf("%s: %v", class, folds)
		}
	}
}
