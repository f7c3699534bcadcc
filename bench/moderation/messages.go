package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"slices"

	"orrery.dev/train"
)

// messages are labelled texts.
type messages struct {
	classes []string
	text    []string
	label   []int // index of classes
	index   []int // of each in the set that it was taken from
}

// readMessages reads the columns text and label of a file.
func readMessages(path string) (*messages, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, err
	}
	text, label := slices.Index(records[0], "text"), slices.Index(records[0], "label")
	if text < 0 || label < 0 {
		return nil, fmt.Errorf("%s has no columns text and label", path)
	}
	m := &messages{}
	for _, r := range records[1:] {
		if !slices.Contains(m.classes, r[label]) {
			m.classes = append(m.classes, r[label])
		}
	}
	slices.Sort(m.classes)
	for i, r := range records[1:] {
		m.text, m.label, m.index = append(m.text, r[text]), append(m.label, slices.Index(m.classes, r[label])), append(m.index, i)
	}
	return m, nil
}

// part gives the messages that keep holds for.
func (m *messages) part(keep func(i int) bool) *messages {
	out := &messages{classes: m.classes}
	for i := range m.text {
		if keep(i) {
			out.text, out.label, out.index = append(out.text, m.text[i]), append(out.label, m.label[i]), append(out.index, i)
		}
	}
	return out
}

// rows gives the messages as rows to train on.
func (m *messages) rows() *train.Rows {
	rows := &train.Rows{Text: m.text, Classes: m.classes, Y: make([]float64, len(m.label))}
	for i, y := range m.label {
		rows.Y[i] = float64(y)
	}
	return rows
}

// f1 gives the F1 of each class where the classes are said to be as given.
func (m *messages) f1(said []int) []float64 {
	right, of, are := make([]float64, len(m.classes)), make([]float64, len(m.classes)), make([]float64, len(m.classes))
	for i, y := range m.label {
		of[said[i]]++
		are[y]++
		if said[i] == y {
			right[y]++
		}
	}
	for k := range right {
		right[k] = 2 * right[k] / max(1, of[k]+are[k])
	}
	return right
}

// accuracy gives the share of messages whose class is said rightly.
func (m *messages) accuracy(said []int) float64 {
	right := 0
	for i, y := range m.label {
		if said[i] == y {
			right++
		}
	}
	return float64(right) / float64(len(m.label))
}

// figures words macro-F1, weighted F1 and accuracy.
func (m *messages) figures(said []int) string {
	macro, weighted := 0.0, 0.0
	count := make([]int, len(m.classes))
	for _, y := range m.label {
		count[y]++
	}
	for k, f1 := range m.f1(said) {
		macro += f1 / float64(len(m.classes))
		weighted += f1 * float64(count[k]) / float64(len(m.label))
	}
	return fmt.Sprintf("macro-F1 %.4f, weighted F1 %.4f, accuracy %.4f", macro, weighted, m.accuracy(said))
}
