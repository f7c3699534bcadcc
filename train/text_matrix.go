package train

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev/model"
	"orrery.dev/numeric"
	"orrery.dev/text/ngram"
)

// textMatrix is the inputs of a linear model of texts, sparse: the n-grams first,
// then the features beside the text, then 1 for the intercept.
type textMatrix struct {
	hashes []uint32  // [n-grams], rising
	rarity []float32 // [n-grams]
	first  []int     // [rows+1], where the entries of each row begin
	column []int32   // of each entry
	value  []float32
	width  int // columns, the intercept the last of them
}

// gramCount is an n-gram of a row: how often it occurs there.
type gramCount struct {
	hash  uint32
	count int32
	block ngram.Block
}

// textBlock is how many rows a worker reads at a time.
const textBlock = 256

// newTextMatrix takes the n-grams of the rows' texts that are frequent enough, and
// weighs them as model.Text does.
func newTextMatrix(o Text, lexicon *ngram.Lexicon, rows *Rows, own int, d *design, team *team) *textMatrix {
	counts := make([][]gramCount, rows.Len())
	readers := make([]*model.TextReader, team.size)
	team.each((rows.Len()+textBlock-1)/textBlock, func(worker, b int) {
		if readers[worker] == nil {
			readers[worker] = model.NewTextReader(o.Grams, lexicon)
		}
		for i := b * textBlock; i < min((b+1)*textBlock, rows.Len()); i++ {
			counts[i] = countGrams(readers[worker].Read(rows.Text[i]))
		}
	})
	m := &textMatrix{}
	m.choose(o, rows, counts[:own])
	m.fill(counts, d)
	return m
}

// countGrams gives each n-gram once, by hash.
func countGrams(grams []ngram.Gram) []gramCount {
	all := make([]gramCount, len(grams))
	for i, g := range grams {
		all[i] = gramCount{g.Hash, 1, g.Block}
	}
	slices.SortFunc(all, func(a, b gramCount) int { return cmp.Compare(a.hash, b.hash) })
	out := all[:0]
	for _, g := range all {
		if n := len(out); n > 0 && out[n-1].hash == g.hash {
			out[n-1].count++
		} else {
			out = append(out, g)
		}
	}
	return slices.Clip(out)
}

// choose sets which n-grams count, and how rare they are: 1 + ln((1+n)/(1+df)) of
// rows that weigh n, as scikit-learn's TfidfVectorizer has it.
func (m *textMatrix) choose(o Text, rows *Rows, counts [][]gramCount) {
	total := 0
	for _, row := range counts {
		total += len(row)
	}
	all := make([]uint64, 0, total)
	for _, row := range counts {
		for _, g := range row {
			all = append(all, uint64(g.hash)<<8|uint64(g.block))
		}
	}
	sortHashes(all)
	type chosen struct {
		hash uint32
		rows int
	}
	var list []chosen
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to]>>8 == all[from]>>8 {
			to++
		}
		least := o.MinRows
		if ngram.Block(all[from]&0xff) == ngram.Chars && least > 1 {
			least++
		}
		if to-from >= least {
			list = append(list, chosen{uint32(all[from] >> 8), to - from})
		}
		from = to
	}
	if len(list) > o.MaxGrams {
		slices.SortStableFunc(list, func(a, b chosen) int { return cmp.Compare(b.rows, a.rows) })
		list = list[:o.MaxGrams]
		slices.SortFunc(list, func(a, b chosen) int { return cmp.Compare(a.hash, b.hash) })
	}
	for _, c := range list {
		m.hashes = append(m.hashes, c.hash)
	}
	weight, of := 0.0, make([]float64, len(list))
	for i, row := range counts {
		w := rows.weight(i)
		weight += w
		m.each(row, func(_, at int) { of[at] += w })
	}
	for _, df := range of {
		m.rarity = append(m.rarity, float32(1+numeric.Log((1+weight)/(1+df))))
	}
}

// each visits those n-grams of a row that count, with their places in the row and
// among the hashes.
func (m *textMatrix) each(row []gramCount, visit func(i, at int)) {
	at := 0
	for i, g := range row {
		at += indexFrom(m.hashes[at:], g.hash)
		if at == len(m.hashes) {
			return
		}
		if m.hashes[at] == g.hash {
			visit(i, at)
		}
	}
}

// sortHashes sorts numbers below 2⁴⁰, 10 bits at a time.
func sortHashes(list []uint64) {
	const digit = 10
	other := make([]uint64, len(list))
	for shift := 0; shift < 40; shift += digit {
		var at [1 << digit]int
		for _, x := range list {
			at[x>>shift&(1<<digit-1)]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for _, x := range list {
			d := x >> shift & (1<<digit - 1)
			other[at[d]] = x
			at[d]++
		}
		list, other = other, list
	}
}

// fill makes the entries of each row.
func (m *textMatrix) fill(counts [][]gramCount, d *design) {
	m.width = len(m.hashes) + d.width() + 1
	m.first = make([]int, 1, len(counts)+1)
	for i, row := range counts {
		var squares [ngram.Blocks]float64
		begin := len(m.value)
		blocks := make([]ngram.Block, 0, len(row))
		m.each(row, func(k, at int) {
			x := model.TermFrequency(int(row[k].count)) * float64(m.rarity[at])
			squares[row[k].block] += float64(x * x)
			m.column, m.value = append(m.column, int32(at)), append(m.value, float32(x))
			blocks = append(blocks, row[k].block)
		})
		for j, block := range blocks {
			m.value[begin+j] = float32(float64(m.value[begin+j]) / math.Sqrt(squares[block]))
		}
		m.beside(i, d)
		m.first = append(m.first, len(m.value))
	}
}

// indexFrom gives where a hash stands in a rising list, or would, looking near the
// beginning first.
func indexFrom(list []uint32, hash uint32) int {
	reach := 1
	for reach < len(list) && list[reach] < hash {
		reach *= 2
	}
	from := reach / 2
	i, _ := slices.BinarySearch(list[min(from, len(list)):min(reach+1, len(list))], hash)
	return min(from, len(list)) + i
}

// beside adds the features beside the text, and the intercept.
func (m *textMatrix) beside(i int, d *design) {
	z, ones := d.row(i)
	base := int32(len(m.hashes))
	for j, x := range z {
		if x != 0 {
			m.column, m.value = append(m.column, base+int32(j)), append(m.value, float32(x))
		}
	}
	for _, j := range ones {
		m.column, m.value = append(m.column, base+j), append(m.value, 1)
	}
	m.column, m.value = append(m.column, int32(m.width-1)), append(m.value, 1)
}

// row gives the entries of a row.
func (m *textMatrix) row(i int) (column []int32, value []float32) {
	return m.column[m.first[i]:m.first[i+1]], m.value[m.first[i]:m.first[i+1]]
}

// margin gives what a row comes to at a point [columns].
func (m *textMatrix) margin(i int, w []float64) float64 {
	column, value := m.row(i)
	sum := 0.0
	for e, j := range column {
		sum += float64(w[j] * float64(value[e]))
	}
	return sum
}
