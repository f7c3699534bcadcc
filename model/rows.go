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
// m.Score, or ScoreText, bit for bit, but for an Encoded, whose texts are encoded
// in batches.
//
// An error of kind Invalid says that the lengths do not fit; others are those of
// Encoded.Encode.
func ScoreRows(m Model, rows []float64, text []string, out []float64) error {
	if e, ok := m.(Encoded); ok {
		return eachEncoded(e, rows, text, len(out), func(i int, text string, row, encoded []float64) {
			out[i] = e.ScoreEncoded(text, row, encoded)
		})
	}
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
	if e, ok := m.(Encoded); ok {
		return eachEncoded(e, rows, text, len(out)/k, func(i int, text string, row, encoded []float64) {
			e.ScoresEncoded(text, row, encoded, out[i*k:(i+1)*k])
		})
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

// eachEncoded calls score for each of n rows, with what the encoder gives for its
// text, a block of rows at a time.
func eachEncoded(m Encoded, rows []float64, text []string, n int, score func(i int, text string, row, encoded []float64)) error {
	if text == nil {
		text = make([]string, n)
	}
	columns, width := len(m.Features()), m.Columns()
	if len(rows) != n*columns || len(text) != n {
		return invalid("model_shape", "%d values and %d texts are not %d rows of %d columns", len(rows), len(text), n, columns)
	}
	if err := m.Ready(); err != nil {
		return err
	}
	encoded := make([]float64, min(n, scoreBlock)*width)
	for from := 0; from < n; from += scoreBlock {
		to := min(from+scoreBlock, n)
		if err := m.Encode(text[from:to], encoded[:(to-from)*width]); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			score(i, text[i], rows[i*columns:(i+1)*columns], encoded[(i-from)*width:(i-from+1)*width])
		}
	}
	return nil
}
