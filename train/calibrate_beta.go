package train

import (
	"context"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

const (
	// betaPull is the weight of the penalty 0.5·betaPull·((a−1)² + (b−1)² + c²),
	// a millionth of that of the heaviest row. It decides nothing where the rows do, and keeps the
	// parameters finite where a cut through the scores parts the classes.
	betaPull  = 1e-6
	betaSteps = 200
	betaGain  = 1e-13 // of the objective, that one more step would gain
)

// FitBeta fits beta calibration (see model.Beta) to scores and labels: the
// logistic regression of the label on ln s and −ln(1−s) with the least log loss
// for which neither a nor b is negative. As in the paper, a parameter that comes
// out negative is dropped and the rest fitted again; where both do, the better
// of the two fits with one of them is taken, and a = b = 0 if there is none.
//
// Where a score is exactly 0 or 1, as forests give, the floor is half the least
// distance of any other score to 0 or 1, and at most 0.001; else it is 0.
//
// An error of kind Invalid says that the set is not well formed, a score is no
// probability (code metric_input) or the rows with weight are all of one class
// (train_one_class).
func FitBeta(ctx context.Context, s metric.Set) (*model.Beta, error) {
	if _, err := metric.LogLoss(s); err != nil {
		return nil, err
	}
	p := newBetaProblem(s)
	if p.oneClass() {
		return nil, orrery.Errorf(orrery.Invalid, "train_one_class", "the rows to calibrate on are all of one class").
			WithNext("calibrate on rows of both classes")
	}
	best, least := [3]float64{}, math.Inf(1)
	for _, uses := range [][2]bool{{true, true}, {false, true}, {true, false}, {false, false}} {
		at, objective, err := p.solve(ctx, uses)
		if err != nil {
			return nil, err
		}
		if at[0] >= 0 && at[1] >= 0 && objective < least {
			best, least = at, objective
		}
		if uses[0] && uses[1] && least < math.Inf(1) {
			break // the minimum over all a and b is the minimum over those allowed
		}
	}
	return model.NewBeta(best[0], best[1], best[2], p.floor)
}

// betaProblem is the minimisation of Σ weight·logloss and the penalty.
type betaProblem struct {
	x, y          []float64 // [rows], what a and b multiply
	label, weight []float64 // [rows], the heaviest of weight 1
	floor         float64
}

func newBetaProblem(s metric.Set) *betaProblem {
	n, heaviest := len(s.Score), 1.0
	if s.Weight != nil {
		heaviest = slices.Max(s.Weight) // above 0, or there would be no log loss
	}
	p := &betaProblem{label: s.Label, floor: scoreFloor(s)}
	p.x, p.y, p.weight = make([]float64, n), make([]float64, n), make([]float64, n)
	for i, score := range s.Score {
		p.x[i], p.y[i] = model.BetaInputs(score, p.floor)
		p.weight[i] = 1
		if s.Weight != nil {
			p.weight[i] = s.Weight[i] / heaviest
		}
	}
	return p
}

func scoreFloor(s metric.Set) float64 {
	least, atEnd := 2e-3, false
	for i, score := range s.Score {
		if s.Weight != nil && s.Weight[i] == 0 {
			continue
		}
		if distance := min(score, 1-score); distance > 0 {
			least = min(least, distance)
		} else {
			atEnd = true
		}
	}
	if !atEnd {
		return 0
	}
	return least / 2
}

func (p *betaProblem) oneClass() bool {
	var weight [2]float64
	for i, y := range p.label {
		weight[int(y)] += p.weight[i]
	}
	return weight[0] == 0 || weight[1] == 0
}

// solve is Newton's method with halved steps, over c and those of a and b that
// uses names; the others are 0.
func (p *betaProblem) solve(ctx context.Context, uses [2]bool) (at [3]float64, objective float64, err error) {
	for j, used := range uses {
		if used {
			at[j] = 1
		}
	}
	gradient, hessian, objective := p.evaluate(at)
	for range betaSteps {
		if err := ctx.Err(); err != nil {
			return at, 0, context.Cause(ctx)
		}
		step := newtonStep3(gradient, hessian, uses)
		gain := 0.0
		for j := range step {
			gain -= float64(step[j]*gradient[j]) / 2
		}
		if !(gain > betaGain*(1+objective)) {
			return at, objective, nil
		}
		for size := 1.0; ; size /= 2 {
			next := at
			for j := range next {
				next[j] += float64(size * step[j])
			}
			g, h, value := p.evaluate(next)
			if value < objective {
				at, gradient, hessian, objective = next, g, h, value
				break
			}
			if size < 1e-10 {
				return at, objective, nil // what is left to gain is rounding
			}
		}
	}
	return at, objective, nil
}

// evaluate gives the gradient, the upper triangle of the Hessian and the
// objective at (a, b, c). The rows are summed in order by one goroutine: a slice
// takes milliseconds.
func (p *betaProblem) evaluate(at [3]float64) (gradient [3]float64, hessian [3][3]float64, objective float64) {
	for i, w := range p.weight {
		inputs := [3]float64{p.x[i], p.y[i], 1}
		margin := float64(at[0]*inputs[0]) + float64(at[1]*inputs[1]) + at[2]
		e := numeric.Exp(-math.Abs(margin))
		probability, against := 1/(1+e), e/(1+e)
		if margin < 0 {
			probability, against = against, probability
		}
		residual := probability
		if p.label[i] == 1 {
			residual = -against
		}
		curvature := float64(w * float64(probability*against))
		residual *= w
		for j := range inputs {
			gradient[j] += float64(residual * inputs[j])
			for k := j; k < 3; k++ {
				hessian[j][k] += float64(curvature * float64(inputs[j]*inputs[k]))
			}
		}
		loss := max(margin, 0) + numeric.Log(1+e) - float64(p.label[i]*margin)
		objective += float64(w * loss)
	}
	for j, prior := range [3]float64{1, 1, 0} {
		d := at[j] - prior
		gradient[j] += float64(betaPull * d)
		hessian[j][j] += betaPull
		objective += float64(betaPull/2*d) * d
	}
	return gradient, hessian, objective
}

// newtonStep3 solves H·step = −gradient over the parameters in use, by
// Cholesky's decomposition; the last is always in use.
func newtonStep3(gradient [3]float64, h [3][3]float64, uses [2]bool) (step [3]float64) {
	for j, used := range uses {
		if !used {
			gradient[j] = 0
			for k := range 3 {
				h[min(j, k)][max(j, k)] = 0
			}
			h[j][j] = 1
		}
	}
	var l [3][3]float64
	var z [3]float64
	for j := range 3 {
		for k := range j + 1 {
			sum := h[k][j]
			for m := range k {
				sum -= float64(l[j][m] * l[k][m])
			}
			if j == k {
				l[j][j] = math.Sqrt(max(sum, betaPull/2))
			} else {
				l[j][k] = sum / l[k][k]
			}
		}
		z[j] = -gradient[j]
		for m := range j {
			z[j] -= float64(l[j][m] * z[m])
		}
		z[j] /= l[j][j]
	}
	for j := 2; j >= 0; j-- {
		step[j] = z[j]
		for m := j + 1; m < 3; m++ {
			step[j] -= float64(l[m][j] * step[m])
		}
		step[j] /= l[j][j]
	}
	return step
}
