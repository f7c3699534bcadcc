package onnx

import "orrery.dev/text/tokenizer"

// batch is what texts give to a model: lists of [texts × tokens], row-major.
type batch struct {
	texts, tokens    int
	ids, mask, types []int64
	left             bool
	begins, ends     []int // of each text's own tokens
}

// newBatch makes a batch of padding alone.
func newBatch(texts, tokens int, p *tokenizer.Padding) *batch {
	if p == nil {
		p = &tokenizer.Padding{}
	}
	n := texts * tokens
	b := &batch{texts: texts, tokens: tokens, left: p.Left, ids: make([]int64, n), mask: make([]int64, n), types: make([]int64, n),
		begins: make([]int, texts), ends: make([]int, texts)}
	for i := range n {
		b.ids[i], b.types[i] = int64(p.ID), int64(p.Type)
	}
	return b
}

// put writes the tokens of a text in place of padding.
func (b *batch) put(text int, e *tokenizer.Encoding) {
	from := text * b.tokens
	if b.left {
		from += b.tokens - e.Len()
	}
	for i, id := range e.IDs {
		b.ids[from+i], b.types[from+i], b.mask[from+i] = int64(id), int64(e.Types[i]), 1
	}
	b.begins[text], b.ends[text] = from-text*b.tokens, from-text*b.tokens+e.Len()
}

// of gives an input by its name.
func (b *batch) of(name string) []int64 {
	switch name {
	case inputIDs:
		return b.ids
	case inputMask:
		return b.mask
	}
	return b.types
}

// values is an output: its sizes, and its numbers row-major, in one of two forms,
// good until free.
type values struct {
	shape  []int64
	single []float32
	double []float64
	free   func()
}

// fits says whether an output has a row for each text, or token, of a batch.
func (v values) fits(b *batch, pool Pool, columns int) error {
	want := []int64{int64(b.texts), int64(b.tokens), int64(columns)}
	if pool == None {
		want = []int64{int64(b.texts), int64(columns)}
	}
	n := int64(1)
	same := len(v.shape) == len(want)
	for i := range want {
		same = same && v.shape[i] == want[i]
		n *= want[i]
	}
	if !same || int64(len(v.single)+len(v.double)) != n || columns == 0 {
		return unfit("it gives an output of the sizes %v where %v are due", v.shape, want)
	}
	return nil
}

// row writes the row of a text.
func (v values) row(b *batch, text int, pool Pool, row []float64) {
	if v.double != nil {
		pooled(b, text, pool, v.double, row)
		return
	}
	pooled(b, text, pool, v.single, row)
}

// pooled makes the row of a text of an output. A mean is a sum in the order of the
// tokens, in double precision.
func pooled[T float32 | float64](b *batch, text int, pool Pool, out []T, row []float64) {
	columns := len(row)
	begin, end, n := b.begins[text], b.ends[text], 1
	switch pool {
	case None:
		out = out[text*columns : (text+1)*columns]
	case First:
		begin = min(begin, b.tokens-1)
		out = out[(text*b.tokens+begin)*columns:][:columns]
	default:
		out, n = out[(text*b.tokens+begin)*columns:(text*b.tokens+end)*columns], max(end-begin, 1)
	}
	clear(row)
	for len(out) > 0 {
		for i, x := range out[:columns] {
			row[i] += float64(x)
		}
		out = out[columns:]
	}
	for i := range row {
		row[i] /= float64(n)
	}
}
