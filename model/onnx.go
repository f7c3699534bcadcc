package model

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"orrery.dev"
	"orrery.dev/numeric"
)

// ONNXKind is the kind of an ONNX model.
const ONNXKind = "onnx"

// Encoder gives the numbers of a network for texts. It is safe for concurrent use.
type Encoder interface {
	// Ready makes the network ready to run, once; an error says what is missing for
	// that, and is given again by every later call.
	Ready() error
	// Columns gives how many numbers there are for a text.
	Columns() (int, error)
	// Run writes the numbers of each text to rows [texts × Columns], row-major. They
	// may depend, in their last digits, on the machine, on the version of the library
	// that runs the network, and on what else is in a batch.
	Run(texts []string, rows []float64) error
	// Close frees what the network holds. Run must not be called afterwards.
	Close() error
}

// Encoded is a model that scores what an Encoder gives for a text. An encoder can
// fail, and its numbers are not the same bits everywhere, so whoever drives such a
// model asks for them by themselves, in batches, and hands them to the model: what
// the model makes of them is as exact as any other's. ScoreText and ScoresText do
// both for one text, and panic where the encoder fails.
type Encoded interface {
	TextModel
	// Ready makes the encoder ready: see Encoder. Its errors of kind Unavailable have
	// the codes of package onnx: onnx_not_built, onnx_unavailable.
	Ready() error
	// Columns gives how many numbers Encode writes for a text.
	Columns() int
	// Encode writes the numbers of each text to out [texts × Columns], row-major. An
	// error of kind Unavailable and code onnx_failed says that the encoder failed.
	Encode(texts []string, out []float64) error
	// ScoreEncoded is ScoreText, and ScoresEncoded ScoresText, for a text whose
	// numbers are encoded [Columns].
	ScoreEncoded(text string, row, encoded []float64) float64
	ScoresEncoded(text string, row, encoded, out []float64)
}

// ONNXFiles are what an encoder is made of.
type ONNXFiles struct {
	// Network is an ONNX file that is complete in itself, Tokenizer a tokenizer.json.
	Network, Tokenizer []byte
	// MaxTokens cuts longer texts off; Batch is how many texts run together at most;
	// Output names the output that is taken, empty for the one there is; Pool says
	// how the numbers of tokens become those of a text. 0 and empty leave it to
	// package onnx.
	MaxTokens, Batch int
	Output, Pool     string
}

// Bounds of ONNXParts.
const (
	// MaxONNXBytes bounds an ONNX file, as protobuf does, and MaxTokenizerBytes a
	// tokenizer.json.
	MaxONNXBytes      = 1<<31 - 1
	MaxTokenizerBytes = 1 << 28
	// MaxONNXColumns bounds the numbers of a text.
	MaxONNXColumns = 1 << 16
)

// ONNXParts are what an ONNX model is made of: a network, and a head over its
// numbers, or without one the meaning of its outputs.
type ONNXParts struct {
	Files ONNXFiles
	// Columns is how many numbers the network gives for a text.
	Columns int
	// Features names the inputs beside the text, which only a Head takes.
	Features []string
	// Head scores a row of Features and behind them the network's numbers, which it
	// knows as ONNXColumns names them. It is none of the kind ONNXKind.
	Head Model
	// Of a network without a head, Classes names the classes, nil for positive and
	// negative, and Several says that any number of them can be right. Order is
	// [Columns]: the class that each output stands for, an index in Classes, or
	// without Classes 1 for positive and 0 for negative.
	Classes []string
	Several bool
	Order   []int
	// Encoder runs the network; nil is one made of Files, shared with every other model of the same files.
	Encoder Encoder
}

// ONNXColumns names the numbers of a network, as inputs of its head.
func ONNXColumns(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("onnx[%d]", i)
	}
	return out
}

// ONNX is a network, and its head where it has one, that gives the probability of
// the positive class. Without a head that is the sigmoid of its one output, or of
// the difference of its two. It is immutable and safe for concurrent use.
type ONNX struct{ onnxModel }

// ONNXClassifier is an ONNX of several classes. Without a head their scores are
// the softmax of the network's outputs, or where several classes can be right the
// sigmoid of each.
type ONNXClassifier struct{ onnxModel }

// onnxModel is what both have.
type onnxModel struct {
	parts   ONNXParts
	encoder *sharedEncoder
	// What Head is: the same model, or nil.
	reader     TextModel
	classifier Classifier
}

// NewONNX makes an *ONNXClassifier, or of parts without classes an *ONNX. It does
// not look into the files, and opens nothing: see Ready. The parts are kept, not
// copied, and must not be changed afterwards. An error of kind Invalid says what
// does not fit.
func NewONNX(p ONNXParts) (Encoded, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	encoder, err := shareEncoder(&p)
	if err != nil {
		return nil, err
	}
	m := onnxModel{parts: p, encoder: encoder}
	m.reader, _ = p.Head.(TextModel)
	if c, ok := p.Head.(Classifier); ok && len(c.Classes()) > 0 {
		m.classifier = c
	}
	if m.classes() == nil {
		return &ONNX{m}, nil
	}
	return &ONNXClassifier{m}, nil
}

func (p *ONNXParts) check() error {
	f := &p.Files
	switch {
	case len(f.Network) == 0 || len(f.Network) > MaxONNXBytes:
		return invalid("model_onnx", "the ONNX file has %d bytes, where 1 to %d are taken", len(f.Network), MaxONNXBytes)
	case len(f.Tokenizer) == 0 || len(f.Tokenizer) > MaxTokenizerBytes:
		return invalid("model_onnx", "the tokenizer has %d bytes, where 1 to %d are taken", len(f.Tokenizer), MaxTokenizerBytes)
	case f.MaxTokens < 0 || f.MaxTokens > math.MaxInt32 || f.Batch < 0 || f.Batch > math.MaxInt32:
		return invalid("model_onnx", "%d tokens and batches of %d texts are out of bounds", f.MaxTokens, f.Batch)
	case p.Columns < 1 || p.Columns > MaxONNXColumns:
		return invalid("model_onnx", "the network gives %d numbers for a text, where 1 to %d are taken", p.Columns, MaxONNXColumns)
	}
	if err := checkNames(p.Features); err != nil {
		return err
	}
	if p.Head != nil {
		return p.checkHead()
	}
	return p.checkOrder()
}

// checkHead asks that the head takes what it is given.
func (p *ONNXParts) checkHead() error {
	if _, nested := p.Head.(Encoded); nested {
		return invalid("model_onnx", "the head of a network is a network")
	}
	if p.Classes != nil || p.Several || p.Order != nil {
		return invalid("model_onnx", "a network with a head has outputs of its own").WithNext("leave the outputs to the head")
	}
	if want := slices.Concat(p.Features, ONNXColumns(p.Columns)); !slices.Equal(p.Head.Features(), want) {
		return invalid("model_onnx", "the head takes %d inputs that are not the %d features and %d numbers it is given", len(p.Head.Features()), len(p.Features), p.Columns)
	}
	return nil
}

// checkOrder asks that every output stands for a class of its own.
func (p *ONNXParts) checkOrder() error {
	outcomes := len(p.Classes)
	switch {
	case len(p.Features) > 0:
		return invalid("model_onnx", "a network without a head takes %d features", len(p.Features)).WithNext("give it a head")
	case p.Classes == nil && p.Several:
		return invalid("model_classes", "several classes can be right, and there are none")
	case p.Classes == nil && p.Columns == 1:
		if !slices.Equal(p.Order, []int{1}) {
			return invalid("model_onnx", "the one output of a network stands for something other than the positive class")
		}
		return nil
	case p.Classes == nil:
		outcomes = 2
	default:
		if err := checkClasses(p.Classes); err != nil {
			return err
		}
	}
	if p.Several && outcomes > orrery.MostLabels {
		return invalid("model_classes", "%d classes can be right at once", outcomes).WithNext("name at most %d", orrery.MostLabels)
	}
	seen := make([]bool, outcomes)
	for _, class := range p.Order {
		if class < 0 || class >= outcomes || seen[class] {
			return invalid("model_onnx", "an output of the network stands for the class %d, which is none or another's", class)
		}
		seen[class] = true
	}
	if p.Columns != outcomes || len(p.Order) != outcomes {
		return invalid("model_onnx", "a network of %d outputs, %d of them named, gives scores to %d classes", p.Columns, len(p.Order), outcomes).
			WithNext("use a network with an output for each class")
	}
	return nil
}

// Kind gives ONNXKind.
func (m *onnxModel) Kind() string { return ONNXKind }

// Features names the inputs beside the text, in order. The caller must not change
// it.
func (m *onnxModel) Features() []string { return m.parts.Features }

// Parts gives what the model is made of. The caller must not change it.
func (m *onnxModel) Parts() ONNXParts { return m.parts }

// Head gives the model over the network's numbers, nil where there is none.
func (m *onnxModel) Head() Model { return m.parts.Head }

// Columns gives how many numbers the network gives for a text.
func (m *onnxModel) Columns() int { return m.parts.Columns }

// Ready makes the network ready to run. See Encoded. An error of kind Damaged and
// code model_onnx says that the network does not give what the model was made for.
func (m *onnxModel) Ready() error {
	defer runtime.KeepAlive(m.encoder)
	if err := m.encoder.Ready(); err != nil {
		return err
	}
	columns, err := m.encoder.Columns()
	if err == nil && columns != m.parts.Columns {
		err = orrery.Errorf(orrery.Damaged, "model_onnx", "the network gives %d numbers for a text, and the model was made for %d", columns, m.parts.Columns).
			WithNext("train again: orrery train")
	}
	return err
}

// Encode writes the network's numbers of each text to out [texts × Columns]. See
// Encoded.
func (m *onnxModel) Encode(texts []string, out []float64) (err error) {
	defer runtime.KeepAlive(m.encoder)
	defer func() {
		if fault := recover(); fault != nil {
			err = orrery.Errorf(orrery.Unavailable, "onnx_failed", "the network failed on %d texts: %v", len(texts), fault)
		}
	}()
	if len(out) != len(texts)*m.parts.Columns {
		return invalid("model_shape", "%d numbers are not those of %d texts of %d each", len(out), len(texts), m.parts.Columns)
	}
	if err := m.encoder.Run(texts, out); err != nil {
		return orrery.Errorf(orrery.Unavailable, "onnx_failed", "the network failed on %d texts", len(texts)).Because(err)
	}
	for i, x := range out {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return orrery.Errorf(orrery.Unavailable, "onnx_failed", "the network gave %v as number %d of a text", x, i%m.parts.Columns).
				WithNext("use a network whose outputs are finite")
		}
	}
	return nil
}

// encodeOne is Encode for one text, for those who cannot take an error.
func (m *onnxModel) encodeOne(text string) []float64 {
	out := make([]float64, m.parts.Columns)
	if err := m.Encode([]string{text}, out); err != nil {
		panic(err)
	}
	return out
}

// classes gives those of the head, or of the network.
func (m *onnxModel) classes() []string {
	if m.classifier != nil {
		return m.classifier.Classes()
	}
	return m.parts.Classes
}

// joined gives the row that the head takes.
func (m *onnxModel) joined(row, encoded []float64) []float64 {
	return append(append(make([]float64, 0, len(row)+len(encoded)), row...), encoded...)
}

// Highlights gives the places of the text that the head read by itself and that
// spoke most for a class; what the network made of the text has no places.
func (m *onnxModel) Highlights(text string, row []float64, class, n int) []Highlight {
	if m.reader == nil {
		return nil
	}
	return m.reader.Highlights(text, nil, class, n)
}

// Part explains what the features beside the text did to an output of a head that
// is linear, as Linear does; nil where there is none. What the network made of the
// text is no part of it, see TextContribution: the answer explained is the margin of a
// text that the network gives mean numbers for.
func (m *onnxModel) Part(output int) Explainer {
	linear := linearOf(m.parts.Head, output)
	if linear == nil {
		return nil
	}
	return beside{linear, len(m.parts.Features)}
}

// TextContribution gives what the network's numbers [Columns] add to the margin of an
// output of a head that is linear, from that of a text with mean numbers on; ok is
// false where there is no such head. With what Part gives it makes the margin whole,
// but for a head that reads the words too.
func (m *onnxModel) TextContribution(encoded []float64, output int) (contribution float64, ok bool) {
	linear := linearOf(m.parts.Head, output)
	if linear == nil {
		return 0, false
	}
	for i, x := range encoded {
		contribution += float64(linear.Contribution(len(m.parts.Features)+i, x))
	}
	return contribution, true
}

// linearOf gives the linear model of an output of a head, nil where there is none.
func linearOf(head Model, output int) *Linear {
	switch m := head.(type) {
	case *Linear:
		return m
	case *Calibrated:
		return linearOf(m.inner, output)
	case *Multiclass:
		linear, _ := m.parts[output].(*Linear)
		return linear
	case *Text:
		return m.parts.Rest[output]
	case *TextClassifier:
		return m.parts.Rest[output]
	}
	return nil
}

// beside explains the first inputs of a linear model.
type beside struct {
	linear   *Linear
	features int
}

func (b beside) Contributions(row, out []float64) (base float64) {
	for i, x := range row[:b.features] {
		out[i] = b.linear.Contribution(i, x)
	}
	return b.linear.bias
}

// Score gives the probability of the positive class for an empty text.
func (m *ONNX) Score(row []float64) float64 { return m.ScoreText("", row) }

// ScoreText gives the probability of the positive class. It panics where the
// network fails: see Encoded.
func (m *ONNX) ScoreText(text string, row []float64) float64 {
	return m.ScoreEncoded(text, row, m.encodeOne(text))
}

// ScoresText writes nothing: the model is no Classifier.
func (m *ONNX) ScoresText(text string, row, out []float64) {}

// ScoresEncoded writes nothing: the model is no Classifier.
func (m *ONNX) ScoresEncoded(text string, row, encoded, out []float64) {}

// ScoreEncoded gives the probability of the positive class for a text whose
// numbers are encoded.
func (m *ONNX) ScoreEncoded(text string, row, encoded []float64) float64 {
	switch {
	case m.reader != nil:
		return m.reader.ScoreText(text, m.joined(row, encoded))
	case m.parts.Head != nil:
		return m.parts.Head.Score(m.joined(row, encoded))
	case len(encoded) == 1:
		return numeric.Sigmoid(encoded[0])
	}
	// The softmax of two outputs is the sigmoid of their difference.
	return numeric.Sigmoid(encoded[slices.Index(m.parts.Order, 1)] - encoded[slices.Index(m.parts.Order, 0)])
}

// Classes names the classes, in the order of Scores. The caller must not change
// it.
func (m *ONNXClassifier) Classes() []string { return m.classes() }

// Several says that any number of the classes can be right at once.
func (m *ONNXClassifier) Several() bool {
	return m.parts.Several || m.parts.Head != nil && Several(m.parts.Head)
}

// Cut gives what the score of a class is held against: that of the head, or 0.5
// where several classes can be right and 1 where one is.
func (m *ONNXClassifier) Cut(class int) float64 {
	switch head := m.parts.Head.(type) {
	case *TextClassifier:
		return head.Cut(class)
	default:
		if m.Several() {
			return 0.5
		}
		return 1
	}
}

// Choose gives the class that the head chooses, or the likeliest.
func (m *ONNXClassifier) Choose(scores []float64) int {
	if m.classifier != nil {
		return Choose(m.classifier, scores)
	}
	return Likeliest(scores)
}

// Scores writes the probability of each class for an empty text to out [classes].
func (m *ONNXClassifier) Scores(row, out []float64) { m.ScoresText("", row, out) }

// ScoresText writes the probability of each class to out [classes]. It panics
// where the network fails: see Encoded.
func (m *ONNXClassifier) ScoresText(text string, row, out []float64) {
	m.ScoresEncoded(text, row, m.encodeOne(text), out)
}

// ScoresEncoded writes the probability of each class to out [classes] for a text
// whose numbers are encoded.
func (m *ONNXClassifier) ScoresEncoded(text string, row, encoded, out []float64) {
	out = out[:len(m.Classes())]
	switch {
	case m.reader != nil:
		m.reader.ScoresText(text, m.joined(row, encoded), out)
		return
	case m.classifier != nil:
		m.classifier.Scores(m.joined(row, encoded), out)
		return
	}
	for output, class := range m.parts.Order {
		out[class] = encoded[output]
	}
	if !m.parts.Several {
		Softmax(out)
		return
	}
	for k, margin := range out {
		out[k] = numeric.Sigmoid(margin)
	}
}

// Score gives the greatest score of an empty text.
func (m *ONNXClassifier) Score(row []float64) float64 { return m.ScoreText("", row) }

// ScoreText gives the greatest of ScoresText.
func (m *ONNXClassifier) ScoreText(text string, row []float64) float64 {
	return m.ScoreEncoded(text, row, m.encodeOne(text))
}

// ScoreEncoded gives the greatest of ScoresEncoded.
func (m *ONNXClassifier) ScoreEncoded(text string, row, encoded []float64) float64 {
	out := make([]float64, len(m.Classes()))
	m.ScoresEncoded(text, row, encoded, out)
	return slices.Max(out)
}

var (
	_ Encoded  = (*ONNX)(nil)
	_ Encoded  = (*ONNXClassifier)(nil)
	_ Chooser  = (*ONNXClassifier)(nil)
	_ Labeller = (*ONNXClassifier)(nil)
)
