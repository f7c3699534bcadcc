package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"orrery.dev/metric"
	"orrery.dev/replay"
)

func printCounts(w io.Writer, e *replay.Evaluation) {
	head, of := []string{"", "rows"}, func(c *replay.Counts) []string { return []string{fmt.Sprint(c.Positives)} }
	if e.Train.Classes == nil {
		head = append(head, "positive")
	} else {
		for _, c := range e.Train.Classes {
			head = append(head, c.Class)
		}
		of = func(c *replay.Counts) (out []string) {
			for _, class := range c.Classes {
				out = append(out, fmt.Sprint(class.Rows))
			}
			return out
		}
	}
	line := func(name string, c *replay.Counts) []string {
		return append(append([]string{name, fmt.Sprint(c.Rows)}, of(c)...), c.Range)
	}
	table(w, append(head, "range"), line("train", &e.Train), line("test", &e.Test.Counts))
}

// printClasses writes the figures of each class, and what it was held for.
func printClasses(w io.Writer, c *metric.ClassReport) {
	fmt.Fprintln(w)
	rows := [][]string{{"class", "weight", "precision", "recall", "F1", "AUC"}}
	confusion := [][]string{{"held for"}}
	for i, f := range c.Classes {
		auc := "–"
		if f.AUC != nil {
			auc = fmt.Sprintf("%.4f", *f.AUC)
		}
		rows = append(rows, []string{f.Class, fmt.Sprintf("%.6g", f.Weight), fmt.Sprintf("%.4f", f.Precision), fmt.Sprintf("%.4f", f.Recall), fmt.Sprintf("%.4f", f.F1), auc})
		confusion[0] = append(confusion[0], f.Class)
		line := []string{f.Class}
		for _, weight := range c.Confusion[i] {
			line = append(line, fmt.Sprintf("%.6g", weight))
		}
		confusion = append(confusion, line)
	}
	table(w, rows...)
	fmt.Fprintln(w)
	table(w, confusion...)
}

// printLabels writes the figures of each class by itself.
func printLabels(w io.Writer, r *metric.LabelsReport) {
	fmt.Fprintln(w)
	rows := [][]string{{"class", "weight", "said", "precision", "recall", "F1", "AUC", "calibration error", "cut"}}
	for _, f := range r.Classes {
		auc := "–"
		if f.AUC != nil {
			auc = fmt.Sprintf("%.4f", *f.AUC)
		}
		rows = append(rows, []string{f.Class, fmt.Sprintf("%.6g", f.Weight), fmt.Sprintf("%.6g", f.Said), fmt.Sprintf("%.4f", f.Precision), fmt.Sprintf("%.4f", f.Recall),
			fmt.Sprintf("%.4f", f.F1), auc, fmt.Sprintf("%.4f", f.CalibrationError), cut(f.Cuts)})
	}
	table(w, rows...)
}

// cut writes the score from which on a class is chosen; of folds, the least and the
// greatest.
func cut(cuts []float64) string {
	if len(cuts) == 0 {
		return "–"
	}
	least, greatest := slices.Min(cuts), slices.Max(cuts)
	if least == greatest {
		return fmt.Sprintf("%.4f", least)
	}
	return fmt.Sprintf("%.4f to %.4f", least, greatest)
}

// printReliability writes what was foretold against what came.
func printReliability(w io.Writer, e *replay.Evaluation) {
	if len(e.Reliability) == 0 {
		return
	}
	came := "positive"
	if e.Classes != nil {
		came = "right"
	}
	fmt.Fprintln(w)
	rows := [][]string{{"score from", "to", "rows", "mean score", came, "95% interval"}}
	for _, b := range e.Reliability {
		rows = append(rows, []string{fmt.Sprintf("%.4f", b.From), fmt.Sprintf("%.4f", b.To), fmt.Sprint(b.Rows), fmt.Sprintf("%.4f", b.Score),
			fmt.Sprintf("%.4f", b.Positive), fmt.Sprintf("%.4f to %.4f", b.Low, b.High)})
	}
	table(w, rows...)
	if c := e.Calibration; c != nil {
		fmt.Fprintf(w, "\ncalibrated by %s: %s\n", c.Method, c.Reason)
	}
}

// printBias writes how the scores of one class treat each group that is named.
func printBias(w io.Writer, b *replay.BiasReport) {
	if b == nil {
		return
	}
	rows := [][]string{{"texts that name", "texts", b.Class, "subgroup AUC", "BPSN", "BNSP"}}
	area := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return fmt.Sprintf("%.4f", *x)
	}
	var small, unnamed []string
	for _, g := range b.Groups {
		if g.Rows == 0 {
			unnamed = append(unnamed, g.Group)
			continue
		}
		if g.Why != "" {
			small = append(small, g.Group)
		}
		rows = append(rows, []string{g.Group, fmt.Sprint(g.Rows), fmt.Sprint(g.Positives), area(g.SubgroupAUC), area(g.BPSN), area(g.BNSP)})
	}
	fmt.Fprintln(w)
	if len(rows) == 1 {
		fmt.Fprintln(w, "bias by identity is not measured: no text names a group")
		return
	}
	table(w, rows...)
	if small != nil {
		fmt.Fprintf(w, "–: fewer than %d texts of %s, or as few of others, are too few to say: %s\n", b.Least, b.Class, strings.Join(small, ", "))
	}
	if unnamed != nil {
		fmt.Fprintf(w, "no text names %s\n", strings.Join(unnamed, ", "))
	}
}
