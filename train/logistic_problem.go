package train

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"orrery.dev/numeric"
)

// logisticLoss is the rows that a loss is summed over.
type logisticLoss struct {
	y, weight []float64 // [rows]; the weight is times c
	// curvature is [rows], the second derivative of each row's loss at the point
	// last evaluated.
	curvature []float64
	block     int
}

const (
	blockRows = 1024
	maxBlocks = 256
)

func newLogisticLoss(rows *Rows, c float64, n int) *logisticLoss {
	l := &logisticLoss{y: rows.Y, weight: make([]float64, n), curvature: make([]float64, n),
		block: max(blockRows, (n+maxBlocks-1)/maxBlocks)}
	for i := range l.weight {
		l.weight[i] = c * rows.weight(i)
	}
	return l
}

// logisticProblem is the minimisation of 0.5·wᵀw + Σ weight·logloss.
type logisticProblem struct {
	*design
	*logisticLoss
}

func (p *logisticProblem) evaluate(w []float64) (gradient []float64, objective float64) {
	n := p.width()
	out := p.reduce(n+2, func(i int, sum []float64) {
		margin := p.margin(i, w)
		e := numeric.Exp(-math.Abs(margin))
		probability, against := 1/(1+e), e/(1+e)
		if margin < 0 {
			probability, against = against, probability
		}
		loss := max(margin, 0) + numeric.Log(1+e) - float64(p.y[i]*margin)
		p.curvature[i] = p.weight[i] * probability * against
		residual := probability
		if p.y[i] == 1 {
			residual = -against
		}
		p.add(i, float64(p.weight[i]*residual), sum)
		sum[n+1] += float64(p.weight[i] * loss)
	})
	addScaled(out[:n], 1, w[:n])
	return out[:n+1], out[n+1] + dot(w[:n], w[:n])/2
}

func (p *logisticProblem) hessianTimes(v []float64) []float64 {
	n := p.width()
	out := p.reduce(n+1, func(i int, sum []float64) {
		p.add(i, float64(p.curvature[i]*p.margin(i, v)), sum)
	})
	addScaled(out[:n], 1, v[:n])
	return out
}

func (p *logisticProblem) diagonal() []float64 {
	n := p.width()
	out := p.reduce(n+1, func(i int, sum []float64) { p.addSquares(i, p.curvature[i], sum) })
	for j := range n {
		out[j]++
	}
	out[n] = max(out[n], math.SmallestNonzeroFloat64)
	return out
}

// softmaxProblem is the minimisation of 0.5·wᵀw + Σ weight·logloss over several
// classes. Its points are [classes × (width+1)]. Adding a number to all intercepts
// changes nothing, and no step does it, since gradients sum to 0 over the classes.
type softmaxProblem struct {
	*design
	*logisticLoss
	classes int
	// shares are the probabilities at the point last evaluated, moves what margins
	// change by along a direction; both [rows × classes].
	shares, moves []float64
}

// part gives the part of a point that belongs to a class.
func (p *softmaxProblem) part(w []float64, class int) []float64 {
	n := p.width() + 1
	return w[class*n : (class+1)*n]
}

func (p *softmaxProblem) evaluate(w []float64) (gradient []float64, objective float64) {
	out := p.reduce(len(w)+1, func(i int, sum []float64) {
		shares := p.shares[i*p.classes : (i+1)*p.classes]
		most := math.Inf(-1)
		for k := range shares {
			shares[k] = p.margin(i, p.part(w, k))
			most = max(most, shares[k])
		}
		y, all := int(p.y[i]), 0.0
		loss := most - shares[y]
		for k := range shares {
			shares[k] = numeric.Exp(shares[k] - most)
			all += shares[k]
		}
		for k := range shares {
			shares[k] /= all
			residual := shares[k]
			if k == y {
				residual--
			}
			p.add(i, float64(p.weight[i]*residual), p.part(sum, k))
		}
		sum[len(w)] += float64(p.weight[i] * (loss + numeric.Log(all)))
	})
	gradient, objective = out[:len(w)], out[len(w)]
	for k := range p.classes {
		weights := p.part(w, k)[:p.width()]
		addScaled(p.part(gradient, k), 1, weights)
		objective += dot(weights, weights) / 2
	}
	return gradient, objective
}

func (p *softmaxProblem) hessianTimes(v []float64) []float64 {
	out := p.reduce(len(v), func(i int, sum []float64) {
		shares, moves := p.shares[i*p.classes:(i+1)*p.classes], p.moves[i*p.classes:(i+1)*p.classes]
		mean := 0.0
		for k := range moves {
			moves[k] = p.margin(i, p.part(v, k))
			mean += float64(shares[k] * moves[k])
		}
		for k, move := range moves {
			p.add(i, float64(p.weight[i]*shares[k]*(move-mean)), p.part(sum, k))
		}
	})
	for k := range p.classes {
		addScaled(p.part(out, k), 1, p.part(v, k)[:p.width()])
	}
	return out
}

func (p *softmaxProblem) diagonal() []float64 {
	n := p.width() + 1
	out := p.reduce(p.classes*n, func(i int, sum []float64) {
		for k, share := range p.shares[i*p.classes : (i+1)*p.classes] {
			p.addSquares(i, float64(p.weight[i]*share*(1-share)), p.part(sum, k))
		}
	})
	for j := range out {
		if j%n != n-1 {
			out[j]++
		}
		out[j] = max(out[j], math.SmallestNonzeroFloat64)
	}
	return out
}

// reduce sums what add gives for each row into width numbers. The rows are cut
// into blocks by their number alone, and the blocks are summed in order, so
// that the result is the same at any number of cores.
func (l *logisticLoss) reduce(width int, add func(i int, sum []float64)) []float64 {
	rows := len(l.y)
	blocks := (rows + l.block - 1) / l.block
	sums := make([]float64, blocks*width)
	var next atomic.Int64
	work := func() {
		for b := int(next.Add(1)) - 1; b < blocks; b = int(next.Add(1)) - 1 {
			sum := sums[b*width : (b+1)*width]
			for i := b * l.block; i < min((b+1)*l.block, rows); i++ {
				add(i, sum)
			}
		}
	}
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		all.Go(work)
	}
	work()
	all.Wait()
	out := make([]float64, width)
	for b := range blocks {
		addScaled(out, 1, sums[b*width:(b+1)*width])
	}
	return out
}
