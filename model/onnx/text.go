package onnx

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"orrery.dev"
	"orrery.dev/text/tokenizer"
)

// Text is a model that makes a row of numbers of a text. It is safe for concurrent
// use.
type Text struct {
	tokens   *tokenizer.Tokenizer
	settings Settings
	signature
	queue queue

	mu      sync.Mutex
	model   []byte // until there is a session
	session session
	columns int // 0 while not known
	fault   error
	closed  bool
	running sync.WaitGroup
}

// session runs batches. It is safe for concurrent use.
type session interface {
	run(*batch) (values, error)
	close()
}

// NewText takes a model, a file in the ONNX format, and its tokenizer.json, and
// checks them and the settings without running anything, so that it works where
// Available does not. It keeps model until the session is opened. The inputs that a
// model may ask for are input_ids and attention_mask, both needed, and
// token_type_ids, [batch × tokens] of int64 or int32 each; its output is float or
// double.
//
// An error is of kind Invalid: onnx_settings, onnx_model, or one of the tokenizer.
func NewText(model, tokenizerJSON []byte, s Settings) (*Text, error) {
	s, err := s.checked()
	if err != nil {
		return nil, err
	}
	t := &Text{model: model}
	if t.tokens, err = tokenizer.Decode(tokenizerJSON); err != nil {
		return nil, err
	}
	if t.signature, err = readSignature(model, s.Output, s.Pool); err != nil {
		return nil, err
	}
	by := t.tokens.Truncation()
	if s.MaxTokens > 0 {
		by.Length = s.MaxTokens
	}
	if by.Length == 0 {
		by.Length = 512
	}
	by.Length = min(by.Length, mostTokens)
	batchSize, tokenCount := t.fixed()
	if tokenCount > 0 {
		by.Length = min(by.Length, tokenCount)
	}
	if batchSize > 1 {
		return nil, unfit("it takes exactly %d texts at once", batchSize).WithNext("export it with a dynamic batch axis")
	}
	if batchSize == 1 {
		s.Batch = 1
	}
	if t.tokens, err = t.tokens.Truncated(by); err != nil {
		return nil, err
	}
	s.MaxTokens = by.Length
	t.settings = s
	t.queue.init(s, tokenCount)
	if t.output.ranked && len(t.output.dims) > 0 {
		t.columns = int(max(t.output.dims[len(t.output.dims)-1], 0))
	}
	return t, nil
}

// fixed gives the sizes that the model's inputs are bound to, 0 for one that is open.
func (s *signature) fixed() (texts, tokens int) {
	for _, in := range s.inputs {
		if len(in.dims) == 2 {
			texts, tokens = max(texts, int(min(in.dims[0], math.MaxInt32))), max(tokens, int(min(in.dims[1], math.MaxInt32)))
		}
	}
	return max(texts, 0), max(tokens, 0)
}

// Ready opens the model's session, once, and tries it with the tokenizer's greatest
// token and with a text of MaxTokens, so that what does not fit is found now and not
// when such a text comes. It is safe to call again, and what needs a session calls
// it. An error is that of Available, of code onnx_model where the model is at fault,
// or onnx_closed.
func (t *Text) Ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready()
}

func (t *Text) ready() error {
	switch {
	case t.closed:
		return orrery.Errorf(orrery.Unavailable, "onnx_closed", "the ONNX model is closed")
	case t.session != nil:
		return nil
	case t.fault != nil:
		return t.fault
	}
	s, err := openSession(t.model, t.signature, t.settings.Threads)
	columns := 0
	if err == nil {
		if columns, err = t.try(s); err != nil {
			s.close()
		}
	}
	if err != nil {
		if orrery.KindOf(err) != orrery.Unavailable { // a library can still come
			t.fault, t.model = err, nil
		}
		return err
	}
	t.session, t.model, t.columns = s, nil, columns
	return nil
}

// try runs a session on made-up texts and gives the columns that come out.
func (t *Text) try(s session) (columns int, err error) {
	greatest := int32(t.tokens.Vocabulary() - 1)
	for _, c := range []struct {
		texts, tokens int
		what          string
		next          string
	}{
		{min(t.settings.Batch, 2), min(t.settings.MaxTokens, 2), fmt.Sprintf("the token %d, the tokenizer's greatest", greatest),
			"use the tokenizer.json that was made with the model"},
		{1, t.settings.MaxTokens, fmt.Sprintf("a text of %d tokens", t.settings.MaxTokens),
			"cut texts to as many tokens as the model was made for"},
	} {
		b := newBatch(c.texts, t.queue.length(c.tokens), t.tokens.Padding())
		e := &tokenizer.Encoding{IDs: make([]int32, c.tokens), Types: make([]int32, c.tokens)}
		for i := range e.IDs {
			e.IDs[i] = greatest
		}
		for i := range b.texts {
			b.put(i, e)
		}
		out, err := s.run(b)
		if err != nil {
			return 0, unfit("it fails on %s", c.what).Because(err).WithNext("%s", c.next)
		}
		if columns, err = t.width(b, out); err != nil {
			return 0, err
		}
	}
	return columns, nil
}

// width gives the columns of an output, and frees it.
func (t *Text) width(b *batch, out values) (int, error) {
	defer out.free()
	if fault := misfit(len(out.shape), t.settings.Pool); fault != "" {
		return 0, unfit("it gives the output %q with %s", t.output.name, fault)
	}
	columns := int(out.shape[len(out.shape)-1])
	if t.columns > 0 && columns != t.columns {
		return 0, unfit("it says that the output %q has %d columns, and gives %d", t.output.name, t.columns, columns)
	}
	return columns, out.fits(b, t.settings.Pool, columns)
}

// Columns gives how many numbers a row has. Where the file says it, no session is
// opened for it; errors are those of Ready.
func (t *Text) Columns() (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.columns > 0 {
		return t.columns, nil
	}
	if err := t.ready(); err != nil {
		return 0, err
	}
	return t.columns, nil
}

// Run fills rows, [len(texts) × columns] row-major, with the rows of texts. What
// several callers ask for at once runs together, as far as Settings.Batch allows.
// Where a batch fails its texts are run one by one, so that no text fails for
// another. An error is one of Ready, or of code onnx_run with what the library says
// of the first text that failed; rows then hold nothing of use.
func (t *Text) Run(texts []string, rows []float64) error {
	t.mu.Lock()
	err := t.ready()
	columns, s := t.columns, t.session
	if err == nil {
		t.running.Add(1)
	}
	t.mu.Unlock()
	if err != nil {
		return err
	}
	defer t.running.Done()
	if len(rows) != len(texts)*columns {
		return orrery.Errorf(orrery.Internal, "onnx_rows", "%d numbers for %d rows of %d", len(rows), len(texts), columns)
	}
	for from := 0; from < len(texts); from += mostHeld {
		to := min(from+mostHeld, len(texts))
		waiting := make([]item, 0, to-from)
		for i := from; i < to; i++ {
			waiting = append(waiting, item{tokens: t.tokens.Encode(texts[i]), row: rows[i*columns : (i+1)*columns]})
		}
		// Those of a length take turns that follow each other, so that there is little
		// padding.
		slices.SortStableFunc(waiting, func(a, b item) int { return a.tokens.Len() - b.tokens.Len() })
		if err := t.queue.wait(waiting, func(items []item) error { return t.fill(s, items) }); err != nil {
			return err
		}
	}
	return nil
}

// fill runs one batch and writes its rows.
func (t *Text) fill(s session, items []item) error {
	longest := 0
	for _, one := range items {
		longest = max(longest, one.tokens.Len())
	}
	b := newBatch(len(items), t.queue.length(longest), t.tokens.Padding())
	for i, one := range items {
		b.put(i, one.tokens)
	}
	out, err := s.run(b)
	if err != nil {
		return orrery.Errorf(orrery.Invalid, "onnx_run", "the ONNX model fails on a text of %d tokens", longest).Because(err)
	}
	defer out.free()
	columns := len(items[0].row)
	if err := out.fits(b, t.settings.Pool, columns); err != nil {
		return err
	}
	for i, one := range items {
		out.row(b, i, t.settings.Pool, one.row)
	}
	return nil
}

// Close waits for what runs and frees the session. Whoever calls anything but
// Columns afterwards gets an error of code onnx_closed.
func (t *Text) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session != nil {
		t.session.close()
	}
	t.session, t.model = nil, nil
	return nil
}
