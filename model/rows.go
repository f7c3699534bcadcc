package model

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// scoreBlock is how many rows a goroutine takes at a time.
const scoreBlock = 512

// ScoreRows writes the score of each row to out [rows], using every processor.
// rows is [rows × columns], row-major, with one column for each feature of m, and
// text is [rows] for a TextModel; nil is no text in any. The scores are those of
// m.Score, or ScoreText, bit for bit.
//
// An error of kind Invalid says that the lengths do not fit.
func ScoreRows(m Model, rows []float64, text []string, out []float64) error {
	if t, ok := m.(TextModel); ok && text != nil {
		return eachRow(m, rows, text, len(out), func(i int, row []float64) { out[i] = t.ScoreText(text[i], row) })
	}
	return eachRow(m, rows, nil, len(out), func(i int, row []float64) { out[i] = m.Score(row) })
}

// ClassRows writes the scores of each row to out [rows × classes], row-major, as
// ScoreRows does the one.
func ClassRows(m Classifier, rows []float64, text []string, out []float64) error {
	k := len(m.Classes())
	if len(out)%k != 0 {
		return invalid("model_shape", "%d scores are not those of rows of %d classes", len(out), k)
	}
	if t, ok := m.(TextModel); ok && text != nil {
		return eachRow(m, rows, text, len(out)/k, func(i int, row []float64) { t.ScoresText(text[i], row, out[i*k:(i+1)*k]) })
	}
	return eachRow(m, rows, nil, len(out)/k, func(i int, row []float64) { m.Scores(row, out[i*k:(i+1)*k]) })
}

// eachRow calls score for each of n rows, on every processor.
func eachRow(m Model, rows []float64, text []string, n int, score func(i int, row []float64)) error {
	columns := len(m.Features())
	if len(rows) != n*columns || text != nil && len(text) != n {
		return invalid("model_shape", "%d values and %d texts are not %d rows of %d columns", len(rows), len(text), n, columns)
	}
	var next atomic.Int64
	work := func() {
		for {
			from := int(next.Add(scoreBlock)) - scoreBlock
			if from >= n {
				return
			}
			for i := from; i < min(from+scoreBlock, n); i++ {
				score(i, rows[i*columns:(i+1)*columns])
			}
		}
	}
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+scoreBlock-1)/scoreBlock) - 1 {
		all.Go(work)
	}
	work()
	all.Wait()
	return nil
}
