package train

import (
	"context"
	"math"

	"orrery.dev"
)

// smooth is a function of points [size] to be minimised, with 0.5·wᵀw in it for
// every entry that is not an intercept.
type smooth interface {
	// evaluate gives the gradient and the objective at w, and keeps the curvature.
	evaluate(w []float64) (gradient []float64, objective float64)
	// hessianTimes gives H·v at the point last evaluated.
	hessianTimes(v []float64) []float64
	// diagonal gives that of H at the point last evaluated, kept above zero.
	diagonal() []float64
}

// newton minimises a problem by Newton's method, each step by conjugate gradients
// as exact as the gradient is small (Nocedal and Wright, Numerical Optimization,
// algorithm 7.1). Where entries are bound to a sign, those at 0 that the gradient
// draws to the wrong side are left out of the step, and the line search follows
// the step's projection (Bertsekas, "Projected Newton Methods for Optimization
// Problems with Simple Constraints", SIAM J. Control 20, 1982).
type newton struct {
	problem smooth
	size    int
	signs   []int8 // [size]: 1 for at least 0, -1 for at most 0; nil for none
}

const (
	logisticSteps     = 100   // Newton steps before giving up; a dozen is usual
	logisticTolerance = 1e-12 // of the objective, that one more step would gain
)

func (s *newton) solve(ctx context.Context, progress Progress) ([]float64, error) {
	w := make([]float64, s.size)
	gradient, objective := s.problem.evaluate(w)
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
		fixed := s.fix(w, gradient)
		eta := min(0.1, math.Sqrt(math.Sqrt(dot(gradient, gradient))/first))
		step, err := s.step(ctx, gradient, eta, fixed)
		if err != nil {
			return nil, err
		}
		gain := -dot(gradient, step) / 2
		var cut bool
		w, gradient, objective, cut = s.search(w, step, gradient, objective)
		if gain <= logisticTolerance*(1+objective) && !cut {
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

// fix says which entries are held at 0, and sets their gradient to 0; nil where
// none is bound.
func (s *newton) fix(w, gradient []float64) []bool {
	if s.signs == nil {
		return nil
	}
	fixed := make([]bool, len(w))
	for j, sign := range s.signs {
		if sign != 0 && w[j] == 0 && gradient[j]*float64(sign) > 0 {
			fixed[j], gradient[j] = true, 0
		}
	}
	return fixed
}

// search takes the step, or the first of its halves, quarters, … that lowers the
// objective enough. cut says that a bound shortened it.
func (s *newton) search(w, step, gradient []float64, objective float64) (at, slope []float64, value float64, cut bool) {
	const enough, rounding = 1e-4, 1e-14
	descent := dot(gradient, step)
	for size := 1.0; ; size /= 2 {
		at, cut = make([]float64, len(w)), false
		fall := float64(size * descent)
		for j := range w {
			at[j] = w[j] + float64(size*step[j])
		}
		if s.signs != nil {
			if cut = s.project(at); cut {
				fall = 0
				for j := range w {
					fall += float64(gradient[j] * (at[j] - w[j]))
				}
			}
		}
		slope, value = s.problem.evaluate(at)
		if value <= objective+float64(enough*fall)+float64(rounding*objective) || size < 1e-10 {
			return at, slope, value, cut
		}
	}
}

// project puts entries of the wrong sign to 0, and says whether there were any.
func (s *newton) project(w []float64) (cut bool) {
	for j, sign := range s.signs {
		if w[j]*float64(sign) < 0 {
			w[j], cut = 0, true
		}
	}
	return cut
}

// step solves H·step = −gradient, over the entries that are not fixed, until the
// residual is eta of what it was, preconditioned by the diagonal of H.
func (s *newton) step(ctx context.Context, gradient []float64, eta float64, fixed []bool) ([]float64, error) {
	n := len(gradient)
	diagonal := s.problem.diagonal()
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
		curved := s.problem.hessianTimes(direction)
		for j := range fixed {
			if fixed[j] {
				curved[j] = 0
			}
		}
		bend := dot(direction, curved)
		if bend <= 0 {
			break // only rounding can bring this about, or no entry that is free
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
