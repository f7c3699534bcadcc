package train

import (
	"context"
	"math"

	"orrery.dev/numeric"
)

// textProblem is one logistic regression on a textMatrix: which rows are positive
// and how much each counts.
type textProblem struct {
	matrix *textMatrix
	rows   []int32   // those fitted to
	y      []float64 // [rows of the matrix], 1 or -1
	c      []float64 // [rows of the matrix], the weight of each row's loss
	spread []float64 // [columns], the variance of each weight's prior
	seed   uint64
}

// What the solver stops at.
const (
	dualEpochs    = 200
	dualTolerance = 0.05 // of the gradient, in log-odds
	dualNewton    = 20
)

// dualPoint is a weight, and the variance of its prior.
type dualPoint struct{ weight, spread float64 }

// solve minimises 0.5·Σ w²/spread + Σ c·logloss, and gives w [columns]. It goes
// up the dual, one row after the other in random order (Yu, Huang and Lin, "Dual
// coordinate descent methods for logistic regression and maximum entropy models",
// Machine Learning 85, 2011). A row's dual is c·sigmoid(t), and solving for t in
// log-odds keeps it within its bounds; the function solved rises at least as fast
// as t, so that Newton's steps, held between bounds, end quickly.
func (p *textProblem) solve(ctx context.Context) ([]float64, error) {
	points := make([]dualPoint, p.matrix.width)
	for j := range points {
		points[j].spread = p.spread[j]
	}
	n := len(p.rows)
	dual, place, square := make([]float64, n), make([]float64, n), make([]float64, n)
	order := make([]int32, n)
	for k, i := range p.rows {
		order[k], place[k] = int32(k), -7
		dual[k] = p.c[i] * numeric.Sigmoid(place[k])
		column, value := p.matrix.row(int(i))
		for e, j := range column {
			x := float64(value[e])
			square[k] += float64(float64(x*x) * points[j].spread)
			points[j].weight += float64(float64(dual[k]*p.y[i]*x) * points[j].spread)
		}
	}
	random := numeric.NewRandom(p.seed, 0)
	for range dualEpochs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		random.Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
		worst := 0.0
		for _, k := range order {
			i := p.rows[k]
			if p.c[i] == 0 {
				continue
			}
			column, value := p.matrix.row(int(i))
			sum := 0.0
			for e, j := range column {
				sum += float64(points[j].weight * float64(value[e]))
			}
			margin := sum * p.y[i]
			gradient := math.Abs(place[k] + margin)
			worst = max(worst, gradient)
			if gradient < dualTolerance/10 {
				continue
			}
			t := dualStep(place[k], margin, dual[k], square[k], p.c[i])
			next := p.c[i] * numeric.Sigmoid(t)
			change := (next - dual[k]) * p.y[i]
			dual[k], place[k] = next, t
			for e, j := range column {
				points[j].weight += float64(float64(change*float64(value[e])) * points[j].spread)
			}
		}
		if worst < dualTolerance {
			break
		}
	}
	out := make([]float64, len(points))
	for j := range points {
		out[j] = points[j].weight
	}
	return out, nil
}

// dualStep gives the t at which t + square·(c·sigmoid(t) − dual) + margin is 0.
func dualStep(t, margin, dual, square, c float64) float64 {
	low, high := -margin-float64(square*(c-dual)), -margin+float64(square*dual)
	t = min(max(t, low), high)
	for range dualNewton {
		share := numeric.Sigmoid(t)
		value := t + float64(square*(float64(c*share)-dual)) + margin
		if value > 0 {
			high = t
		} else {
			low = t
		}
		slope := 1 + float64(float64(square*c)*float64(share*(1-share)))
		next := t - value/slope
		if !(next >= low && next <= high) {
			next = low + (high-low)/2
		}
		if math.Abs(next-t) < 1e-6 {
			return next
		}
		t = next
	}
	return t
}
