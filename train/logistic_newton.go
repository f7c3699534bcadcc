package train

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"orrery.dev"
	"orrery.dev/numeric"
)

// logisticProblem is the minimisation of 0.5·wᵀw + Σ weight·logloss. Its points
// and gradients are [columns+1], the intercept last.
type logisticProblem struct {
	columns   int
	z         []float64 // [rows × columns], standardised, 0 where missing
	y, weight []float64 // [rows]
	// curvature is [rows], the second derivative of each row's loss at the point
	// last evaluated.
	curvature []float64
	block     int
}

const (
	logisticSteps     = 100   // Newton steps before giving up; a dozen is usual
	logisticTolerance = 1e-12 // of the objective, that one more step would gain
	blockRows         = 1024
	maxBlocks         = 256
)

func newLogisticProblem(rows *Rows, c float64, means, scales []float64) *logisticProblem {
	n := rows.Len()
	p := &logisticProblem{
		columns: len(rows.Names), z: make([]float64, len(rows.X)),
		y: rows.Y, weight: make([]float64, n), curvature: make([]float64, n),
		block: max(blockRows, (n+maxBlocks-1)/maxBlocks),
	}
	for i, x := range rows.X {
		if f := i % p.columns; x == x {
			p.z[i] = (x - means[f]) / scales[f]
		}
	}
	for i := range p.weight {
		p.weight[i] = c * rows.weight(i)
	}
	return p
}

// solve is Newton's method, each step by conjugate gradients as exact as the
// gradient is small (Nocedal and Wright, Numerical Optimization, algorithm 7.1).
func (p *logisticProblem) solve(ctx context.Context, progress Progress) ([]float64, error) {
	w := make([]float64, p.columns+1)
	gradient, objective := p.evaluate(w)
	first := math.Sqrt(dot(gradient, gradient))
	for i := range logisticSteps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(i, logisticSteps)
		}
		if first == 0 {
			return w, nil
		}
		eta := min(0.1, math.Sqrt(math.Sqrt(dot(gradient, gradient))/first))
		step, err := p.newtonStep(ctx, gradient, eta)
		if err != nil {
			return nil, err
		}
		gain := -dot(gradient, step) / 2
		w, gradient, objective = p.search(w, step, gradient, objective)
		if gain <= logisticTolerance*(1+objective) {
			if progress != nil {
				progress(logisticSteps, logisticSteps)
			}
			return w, nil
		}
	}
	return nil, orrery.Errorf(orrery.Invalid, "train_diverged",
		"logistic regression has not converged after %d steps", logisticSteps).
		WithNext("use a smaller c, or leave out features that say the same")
}

// search takes the step, or the first of its halves, quarters, … that lowers the
// objective enough.
func (p *logisticProblem) search(w, step, gradient []float64, objective float64) (at, slope []float64, value float64) {
	const enough, rounding = 1e-4, 1e-14
	descent := dot(gradient, step)
	for size := 1.0; ; size /= 2 {
		at = make([]float64, len(w))
		for j := range w {
			at[j] = w[j] + float64(size*step[j])
		}
		slope, value = p.evaluate(at)
		if value <= objective+float64(enough*size*descent)+float64(rounding*objective) || size < 1e-10 {
			return at, slope, value
		}
	}
}

// newtonStep solves H·step = −gradient until the residual is eta of what it was,
// preconditioned by the diagonal of H.
func (p *logisticProblem) newtonStep(ctx context.Context, gradient []float64, eta float64) ([]float64, error) {
	n := len(gradient)
	diagonal := p.diagonal()
	step, residual, direction := make([]float64, n), make([]float64, n), make([]float64, n)
	scaled := make([]float64, n)
	for j, g := range gradient {
		residual[j] = -g
		scaled[j] = -g / diagonal[j]
		direction[j] = scaled[j]
	}
	enough := float64(eta*eta) * dot(gradient, gradient)
	rz := dot(residual, scaled)
	for range 2*n + 10 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		curved := p.hessianTimes(direction)
		bend := dot(direction, curved)
		if bend <= 0 {
			break // only rounding can bring this about
		}
		alpha := rz / bend
		for j := range step {
			step[j] += float64(alpha * direction[j])
			residual[j] -= float64(alpha * curved[j])
			scaled[j] = residual[j] / diagonal[j]
		}
		if dot(residual, residual) <= enough {
			break
		}
		next := dot(residual, scaled)
		beta := next / rz
		rz = next
		for j := range direction {
			direction[j] = scaled[j] + float64(beta*direction[j])
		}
	}
	return step, nil
}

// evaluate gives the gradient and the objective at w, and keeps the curvature.
func (p *logisticProblem) evaluate(w []float64) (gradient []float64, objective float64) {
	n := p.columns
	out := p.reduce(n+2, func(i int, z, sum []float64) {
		margin := w[n] + dot(z, w[:n])
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
		addScaled(sum[:n], float64(p.weight[i]*residual), z)
		sum[n] += float64(p.weight[i] * residual)
		sum[n+1] += float64(p.weight[i] * loss)
	})
	addScaled(out[:n], 1, w[:n])
	return out[:n+1], out[n+1] + dot(w[:n], w[:n])/2
}

// hessianTimes gives H·v at the point last evaluated.
func (p *logisticProblem) hessianTimes(v []float64) []float64 {
	n := p.columns
	out := p.reduce(n+1, func(i int, z, sum []float64) {
		s := float64(p.curvature[i] * (v[n] + dot(z, v[:n])))
		addScaled(sum[:n], s, z)
		sum[n] += s
	})
	addScaled(out[:n], 1, v[:n])
	return out
}

// diagonal gives that of H at the point last evaluated, kept above zero.
func (p *logisticProblem) diagonal() []float64 {
	n := p.columns
	out := p.reduce(n+1, func(i int, z, sum []float64) {
		for j, x := range z {
			sum[j] += float64(p.curvature[i] * float64(x*x))
		}
		sum[n] += p.curvature[i]
	})
	for j := range n {
		out[j]++
	}
	out[n] = max(out[n], math.SmallestNonzeroFloat64)
	return out
}

// reduce sums what add gives for each row into width numbers. The rows are cut
// into blocks by their number alone, and the blocks are summed in order, so
// that the result is the same at any number of cores.
func (p *logisticProblem) reduce(width int, add func(i int, z, sum []float64)) []float64 {
	rows := len(p.y)
	blocks := (rows + p.block - 1) / p.block
	sums := make([]float64, blocks*width)
	var next atomic.Int64
	work := func() {
		for b := int(next.Add(1)) - 1; b < blocks; b = int(next.Add(1)) - 1 {
			sum := sums[b*width : (b+1)*width]
			for i := b * p.block; i < min((b+1)*p.block, rows); i++ {
				add(i, p.z[i*p.columns:(i+1)*p.columns], sum)
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

func dot(a, b []float64) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x * b[i])
	}
	return sum
}

// addScaled adds s·b to a.
func addScaled(a []float64, s float64, b []float64) {
	for i, x := range b {
		a[i] += float64(s * x)
	}
}
