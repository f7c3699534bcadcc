package train

import (
	"context"
	"slices"
	"sync"

	"orrery.dev"
	"orrery.dev/model"
)

// ONNX makes models of a network: the network as it is, or a head that is fitted
// to its numbers. It is made once for a run, so that every text is encoded once.
type ONNX struct {
	Files model.ONNXFiles
	// Outputs names the class of each output of a network without a head, nil for the
	// order of the classes.
	Outputs []string
	// Encoder runs the network; nil is one made of Files.
	Encoder model.Encoder
}

// Outcomes of a label of true and false, as Outputs names them.
const (
	positiveOutput = "positive"
	negativeOutput = "negative"
)

// Whole gives the network as a model of classes, nil for positive and negative.
// Errors are those of model.Encoded's Ready, and of kind Invalid and code
// onnx_outputs where the network has not as many outputs as there are classes.
func (o *ONNX) Whole(classes []string, several bool) (model.Model, error) {
	columns, err := o.Open()
	if err != nil {
		return nil, err
	}
	outputs, known := o.Outputs, classes
	if classes == nil {
		known = []string{negativeOutput, positiveOutput}
	}
	if outputs == nil {
		if outputs = known; classes == nil && columns == 1 {
			outputs = known[1:]
		}
	}
	if columns != len(outputs) {
		return nil, orrery.Errorf(orrery.Invalid, "onnx_outputs", "the network gives %d numbers for a text, and stands for %d classes: %q", columns, len(outputs), outputs).
			WithField("outputs").WithNext("name every output of the network, use one that has as many as there are classes, or put a head on it")
	}
	order := make([]int, len(outputs))
	for i, name := range outputs {
		if order[i] = slices.Index(known, name); order[i] < 0 {
			return nil, orrery.Errorf(orrery.Invalid, "onnx_outputs", "output %d of the network stands for %q, which is none of %q", i, name, known).WithField("outputs")
		}
	}
	return model.NewONNX(model.ONNXParts{Files: o.Files, Encoder: o.Encoder, Columns: columns, Classes: slices.Clone(classes), Several: several, Order: order})
}

// Under gives a fit that encodes the rows' texts, fits a head to the features and
// behind them the numbers of the network, and gives the network with that head.
// readsText says that the head reads the text too. Errors are those of
// model.Encoded, and of the head's fit.
func (o *ONNX) Under(fit Fit, readsText bool) Fit {
	return func(ctx context.Context, rows *Rows) (model.Model, error) {
		columns, err := o.Open()
		if err != nil {
			return nil, err
		}
		encoded, err := o.encode(ctx, rows, columns)
		if err != nil {
			return nil, err
		}
		if !readsText {
			encoded.Text = nil
		}
		head, err := fit(ctx, encoded)
		if err != nil {
			return nil, err
		}
		return model.NewONNX(model.ONNXParts{Files: o.Files, Encoder: o.Encoder, Columns: columns, Features: slices.Clone(rows.Names), Head: head})
	}
}

// Open makes the encoder ready, with a memory for the texts of this run, and gives
// how many numbers it gives for a text. Whole and Under do so where nobody has.
// Errors are those of model.Encoded, and of files that are no network or tokenizer.
func (o *ONNX) Open() (columns int, err error) {
	if _, open := o.Encoder.(*remembering); !open {
		if o.Encoder == nil {
			if o.Encoder, err = model.NewEncoder(o.Files); err != nil {
				return 0, err
			}
		}
		if err := o.Encoder.Ready(); err != nil {
			return 0, err
		}
		o.Encoder = &remembering{Encoder: o.Encoder, place: map[string]int{}}
	}
	return o.Encoder.Columns()
}

// encodeBlock is how many texts are encoded between two looks at the context.
const encodeBlock = 1024

// encode gives the rows with the numbers of their texts behind the features.
func (o *ONNX) encode(ctx context.Context, rows *Rows, columns int) (*Rows, error) {
	if rows.Text == nil {
		return nil, orrery.Errorf(orrery.Invalid, "train_text", "a model of kind %s reads a text, and the rows have none", model.ONNXKind).
			WithNext("name the text that the model reads, or use another kind")
	}
	features := len(rows.Names)
	if len(rows.X) != rows.Len()*features || len(rows.Text) != rows.Len() {
		return nil, orrery.Errorf(orrery.Invalid, "train_rows", "%d values and %d texts do not make %d rows of %d columns", len(rows.X), len(rows.Text), rows.Len(), features)
	}
	out := *rows
	width := features + columns
	out.Names = slices.Concat(rows.Names, model.ONNXColumns(columns))
	out.Encoded = columns
	out.X = make([]float64, rows.Len()*width)
	if rows.Categorical != nil {
		out.Categorical = append(slices.Clone(rows.Categorical), make([]bool, columns)...)
	}
	if rows.Monotone != nil {
		out.Monotone = append(slices.Clone(rows.Monotone), make([]int8, columns)...)
	}
	block := make([]float64, min(rows.Len(), encodeBlock)*columns)
	for from := 0; from < rows.Len(); from += encodeBlock {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		to := min(from+encodeBlock, rows.Len())
		if err := o.Encoder.Run(rows.Text[from:to], block[:(to-from)*columns]); err != nil {
			return nil, err
		}
		for i := from; i < to; i++ {
			row := out.X[i*width : (i+1)*width]
			copy(row, rows.Row(i))
			copy(row[features:], block[(i-from)*columns:(i-from+1)*columns])
		}
	}
	return &out, nil
}

// mostRemembered bounds the numbers that are remembered, in bytes.
const mostRemembered = 1 << 30

// remembering is an encoder that runs a text once: folds, calibration and tests of
// one run ask for the same texts again.
type remembering struct {
	model.Encoder
	mu    sync.Mutex
	place map[string]int // the row of each text in rows
	rows  []float64
}

// Run implements model.Encoder.
func (r *remembering) Run(texts []string, rows []float64) error {
	columns, err := r.Columns()
	if err != nil {
		return err
	}
	// Which texts are new, each once, and for each of texts its row among those that
	// are remembered, or behind them among the new ones.
	var fresh []string
	at := make([]int, len(texts))
	r.mu.Lock()
	known := len(r.rows) / columns
	places := map[string]int{}
	for i, text := range texts {
		place, ok := r.place[text]
		if !ok {
			if place, ok = places[text]; !ok {
				place = known + len(fresh)
				places[text], fresh = place, append(fresh, text)
			}
		}
		at[i] = place
	}
	held := r.rows // rows are only ever added
	r.mu.Unlock()
	added := make([]float64, len(fresh)*columns)
	if len(fresh) > 0 {
		if err := r.Encoder.Run(fresh, added); err != nil {
			return err
		}
	}
	for i, place := range at {
		from := held[:known*columns]
		if place >= known {
			from, place = added, place-known
		}
		copy(rows[i*columns:(i+1)*columns], from[place*columns:])
	}
	r.remember(fresh, added, columns)
	return nil
}

// remember keeps the rows of texts, as long as there is room.
func (r *remembering) remember(texts []string, rows []float64, columns int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, text := range texts {
		if _, ok := r.place[text]; ok {
			continue
		}
		if (len(r.rows)+columns)*8 > mostRemembered {
			return
		}
		r.place[text] = len(r.rows) / columns
		r.rows = append(r.rows, rows[i*columns:(i+1)*columns]...)
	}
}
