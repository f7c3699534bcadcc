package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"
	"unicode/utf8"
)

// An answer is written by hand: it is what a server writes most, and by
// reflection it costs as much as the decision. A test holds the two ways to the
// same bytes.

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// bufferKept is the largest buffer that is used again.
const bufferKept = 1 << 20

func giveBack(buffer *[]byte) {
	if cap(*buffer) <= bufferKept {
		buffers.Put(buffer)
	}
}

// writeAnswer writes what a reply gave, on a line of its own.
func writeAnswer(w http.ResponseWriter, answer any) {
	a, ok := answer.(*Answer)
	if !ok {
		writeJSON(w, answer)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer giveBack(buffer)
	*buffer = append(a.appendJSON((*buffer)[:0]), '\n')
	_, _ = w.Write(*buffer)
}

// writeAnswers writes answers as a JSON array.
func writeAnswers(w http.ResponseWriter, answers []any) {
	buffer := buffers.Get().(*[]byte)
	defer giveBack(buffer)
	b := append((*buffer)[:0], '[')
	for i, answer := range answers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAnswer(b, answer)
	}
	*buffer = append(b, ']', '\n')
	_, _ = w.Write(*buffer)
}

func appendAnswer(b []byte, answer any) []byte {
	if a, ok := answer.(*Answer); ok {
		return a.appendJSON(b)
	}
	return appendOther(b, answer)
}

// appendOther appends a value that is known to encode.
func appendOther(b []byte, value any) []byte {
	w := sliceWriter(b)
	encoder := json.NewEncoder(&w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return w[:len(w)-1] // Without the line break.
}

type sliceWriter []byte

func (w *sliceWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

func (a *Answer) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"decision_id":`...), a.DecisionID)
	b = appendText(append(b, `,"event_id":`...), a.EventID)
	b = appendValue(append(b, `,"score":`...), a.Score)
	if len(a.Scores) > 0 {
		b = appendOther(append(b, `,"scores":`...), a.Scores)
	}
	if a.Class != "" {
		b = appendText(append(b, `,"class":`...), a.Class)
	}
	if a.Classes != nil {
		b = append(b, `,"classes":[`...)
		for i, class := range a.Classes {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, class)
		}
		b = append(b, ']')
	}
	b = appendText(append(b, `,"action":`...), a.Action)
	if len(a.With) > 0 {
		b = appendOther(append(b, `,"with":`...), a.With)
	}
	if len(a.Spans) > 0 {
		b = appendOther(append(b, `,"spans":`...), a.Spans)
	}
	if a.Masked != "" {
		b = appendText(append(b, `,"masked":`...), a.Masked)
	}
	if a.Intended != "" {
		b = appendText(append(b, `,"intended":`...), a.Intended)
	}
	if a.Propensity != 0 {
		b = appendNumber(append(b, `,"propensity":`...), a.Propensity)
	}
	b = strconv.AppendInt(append(b, `,"rule":{"index":`...), int64(a.Rule.Index), 10)
	b = append(b, `,"when":`...)
	if a.Rule.When == nil {
		b = append(b, "null"...)
	} else {
		b = appendText(b, *a.Rule.When)
	}
	b = appendText(append(b, `},"release":`...), string(a.Release))
	if a.Fallback != "" {
		b = appendText(append(b, `,"fallback":`...), a.Fallback)
	}
	if len(a.Reasons) > 0 {
		b = appendOther(append(b, `,"reasons":`...), a.Reasons)
	}
	if a.Repeated {
		b = append(b, `,"repeated":true`...)
	}
	return append(a.Micros.appendJSON(append(b, `,"time_us":`...)), '}')
}

func (m *Micros) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"decode":`...), m.Decode, 10)
	b = strconv.AppendInt(append(b, `,"sequence":`...), m.Sequence, 10)
	b = strconv.AppendInt(append(b, `,"score":`...), m.Score, 10)
	if m.Commit != nil {
		b = strconv.AppendInt(append(b, `,"commit":`...), *m.Commit, 10)
	}
	return append(b, '}')
}

// appendValue appends a score: a number, or nil for a missing one.
func appendValue(b []byte, value any) []byte {
	switch x := value.(type) {
	case nil:
		return append(b, "null"...)
	case float64:
		return appendNumber(b, x)
	}
	return appendOther(b, value)
}

// appendNumber writes a double as encoding/json does: the shortest digits that
// give it back, with an exponent where ECMAScript has one.
func appendNumber(b []byte, x float64) []byte {
	if size := math.Abs(x); size != 0 && (size < 1e-6 || size >= 1e21) {
		return appendOther(b, x)
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}

// appendText writes a text, by hand where nothing in it needs an escape.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendOther(b, text)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
