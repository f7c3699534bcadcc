package perspective

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Scored is a text with the scores that the API gave it once.
type Scored struct {
	// Line is where it begins in its file, from 1.
	Line      int
	Text      string
	Languages []string
	// Scores has what is known by attribute, from 0 to 1.
	Scores map[string]float64
	// Cut has, by attribute, the threshold below which the request asked for no
	// score, where the response has none: the score was below it.
	Cut map[string]float64
}

// LineFault is one thing wrong with a file of scores.
type LineFault struct {
	// Line is where, from 1.
	Line    int    `json:"line"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f LineFault) String() string { return fmt.Sprintf("line %d: %s", f.Line, f.Message) }

// maxScoresLine bounds a line of a file of scores, in bytes.
const maxScoresLine = 4 << 20

// ReadScores reads texts with the scores that the API gave them, of some
// attributes. A file is one of two:
//
// CSV, with a column text (or comment_text, or comment) and a column for each
// attribute, by its name in capitals or not; an empty cell is no score, and other
// columns do not matter.
//
// NDJSON, an object a line: {"request": …, "response": …} with the messages of
// comments:analyze as they were sent and received; or one that has the text in
// comment.text or text, and the scores in attributeScores, as responses have them,
// or each under its attribute's name. A line whose response is an error has none.
//
// Whatever is wrong with the file is in faults, in the order of lines; lines that
// are not at fault are given. err says that reading failed.
func ReadScores(from io.Reader, attributes []string) (scored []Scored, faults []LineFault, err error) {
	in := bufio.NewReaderSize(from, 64<<10)
	if head, _ := in.Peek(3); string(head) == "\uFEFF" {
		_, _ = in.Discard(3)
	}
	r := &scoresReader{in: in, attributes: attributes}
	head, err := in.Peek(512)
	switch first := bytes.TrimLeft(head, " \t\r\n"); {
	case len(first) == 0 && errors.Is(err, io.EOF):
		r.fault(1, "scores_empty", "the file is empty")
		return nil, r.faults, nil
	case len(first) > 0 && first[0] == '{':
		err = r.lines()
	default:
		err = r.table()
	}
	return r.scored, r.faults, err
}

type scoresReader struct {
	in         *bufio.Reader
	attributes []string
	scored     []Scored
	faults     []LineFault
}

func (r *scoresReader) fault(line int, code, format string, args ...any) {
	r.faults = append(r.faults, LineFault{line, code, fmt.Sprintf(format, args...)})
}

// take keeps what is not at fault.
func (r *scoresReader) take(s Scored) {
	before := len(r.faults)
	switch {
	case !utf8.ValidString(s.Text):
		r.fault(s.Line, "scores_text", "the text is not UTF-8")
	case strings.TrimSpace(s.Text) == "":
		r.fault(s.Line, "scores_text", "there is no text")
	case len(s.Text) > MaxText:
		r.fault(s.Line, "scores_text", "the text has %d bytes, and comments have at most %d", len(s.Text), MaxText)
	}
	for _, name := range sorted(s.Scores) {
		if x := s.Scores[name]; !(x >= 0 && x <= 1) {
			r.fault(s.Line, "scores_value", "the score of %s is %v, and scores are from 0 to 1", name, x)
		}
	}
	if len(r.faults) == before {
		r.scored = append(r.scored, s)
	}
}

// table reads CSV.
func (r *scoresReader) table() error {
	c := csv.NewReader(r.in)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	var columns []string // by place, the attribute; "" for none
	textColumn := -1
	for first := true; ; first = false {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			r.fault(wrong.StartLine, "scores_quote", "the quotes of the line are wrong: put a cell with a quote, a comma or a line break in quotes, and double the quotes in it")
			if first {
				return nil
			}
			continue
		}
		if err != nil {
			return err
		}
		line, _ := c.FieldPos(0)
		if first {
			if textColumn, columns = r.header(record); textColumn < 0 || len(r.faults) > 0 {
				return nil
			}
			continue
		}
		if len(record) != len(columns) {
			r.fault(line, "scores_columns", "the line has %d columns, and the header %d", len(record), len(columns))
			continue
		}
		s := Scored{Line: line, Text: strings.Clone(record[textColumn]), Scores: map[string]float64{}}
		ok := true
		for i, name := range columns {
			cell := strings.TrimSpace(record[i])
			if name == "" || cell == "" {
				continue
			}
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				r.fault(line, "scores_value", "the score of %s is no number", name)
				ok = false
				continue
			}
			s.Scores[name] = x
		}
		if ok {
			r.take(s)
		}
	}
}

// header finds the columns; every fault of it is reported.
func (r *scoresReader) header(record []string) (textColumn int, columns []string) {
	textColumn, columns = -1, make([]string, len(record))
	for i, cell := range record {
		name := strings.TrimSpace(cell)
		if slices.Contains([]string{"text", "comment_text", "comment"}, strings.ToLower(name)) {
			if textColumn >= 0 {
				r.fault(1, "scores_header", "there are two columns of texts, %q and %q", record[textColumn], name)
			}
			textColumn = i
		}
		if name = strings.ToUpper(name); slices.Contains(r.attributes, name) {
			if slices.Contains(columns, name) {
				r.fault(1, "scores_header", "there are two columns of %s", name)
			}
			columns[i] = name
		}
	}
	if textColumn < 0 {
		r.fault(1, "scores_header", "no column has the texts: name one text")
	}
	for _, name := range r.attributes {
		if !slices.Contains(columns, name) {
			r.fault(1, "scores_header", "no column has the scores of %s", name)
		}
	}
	return textColumn, columns
}

// lines reads NDJSON.
func (r *scoresReader) lines() error {
	for n := 1; ; n++ {
		line, tooLong, err := r.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if tooLong {
			r.fault(n, "scores_line_too_long", "the line has more than %d MiB", maxScoresLine>>20)
		} else if len(bytes.TrimSpace(line)) > 0 {
			r.object(n, line)
		}
		if err != nil {
			return nil
		}
	}
}

// line reads the next line; of one that is too long, nothing.
func (r *scoresReader) line() (line []byte, tooLong bool, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > maxScoresLine; !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// exchange is what a line has of a request and its response.
type exchange struct {
	Comment         *TextEntry                 `json:"comment"`
	Languages       []string                   `json:"languages"`
	Requested       map[string]Parameters      `json:"requestedAttributes"`
	RequestedSnake  map[string]Parameters      `json:"requested_attributes"`
	AttributeScores map[string]AttributeScores `json:"attributeScores"`
	Error           json.RawMessage            `json:"error"`
}

func (r *scoresReader) object(n int, line []byte) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		r.fault(n, "scores_json", "the line is no JSON object: %v", err)
		return
	}
	s := Scored{Line: n, Scores: map[string]float64{}, Cut: map[string]float64{}}
	request, response, ok := exchange{}, exchange{}, true
	read := func(what string, from json.RawMessage, into any) {
		if err := json.Unmarshal(from, into); err != nil && ok {
			r.fault(n, "scores_json", "%s does not fit: %v", what, err)
			ok = false
		}
	}
	if keys["request"] != nil || keys["response"] != nil {
		for _, part := range []struct {
			name string
			into *exchange
		}{{"request", &request}, {"response", &response}} {
			if from := keys[part.name]; from != nil {
				read("the "+part.name, from, part.into)
			} else {
				r.fault(n, "scores_json", "there is no %s", part.name)
				ok = false
			}
		}
	} else {
		for _, name := range []string{"comment", "languages", "attributeScores"} {
			if from := keys[name]; from != nil {
				read(name, from, map[string]any{"comment": &request.Comment, "languages": &request.Languages, "attributeScores": &response.AttributeScores}[name])
			}
		}
		if from := keys["text"]; from != nil && request.Comment == nil {
			request.Comment = &TextEntry{}
			read("text", from, &request.Comment.Text)
		}
		for key, from := range keys {
			if name := strings.ToUpper(key); slices.Contains(r.attributes, name) {
				x := math.NaN()
				read("the score of "+name, from, &x)
				s.Scores[name] = x
			}
		}
	}
	if !ok {
		return
	}
	if request.Comment != nil {
		s.Text = request.Comment.Text
	}
	s.Languages = request.Languages
	s.put(&request, &response, r.attributes)
	r.take(s)
}

// put takes in the scores of a response.
func (s *Scored) put(request, response *exchange, attributes []string) {
	asked := request.Requested
	if asked == nil {
		asked = request.RequestedSnake
	}
	failed := len(response.Error) > 0 && string(response.Error) != "null"
	for _, name := range attributes {
		if score := response.AttributeScores[name].SummaryScore; score != nil && score.Value != nil {
			s.Scores[name] = *score.Value
		} else if p, ok := asked[name]; ok && !failed && p.ScoreThreshold != nil {
			s.Cut[name] = *p.ScoreThreshold
		}
	}
}
