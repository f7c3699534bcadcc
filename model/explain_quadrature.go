package model

import "math"

// quad is four numbers that are worked on together.
type quad struct{ a, b, c, d float64 }

func (x quad) plus(y quad) quad     { return quad{x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d} }
func (x quad) minus(y quad) quad    { return quad{x.a - y.a, x.b - y.b, x.c - y.c, x.d - y.d} }
func (x quad) times(y quad) quad    { return quad{x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d} }
func (x quad) by(f float64) quad    { return quad{x.a * f, x.b * f, x.c * f, x.d * f} }
func (x quad) under(f float64) quad { return quad{f / x.a, f / x.b, f / x.c, f / x.d} }

// rounded keeps the numbers from being computed in one step, unrounded, with
// what is added to them next.
func (x quad) rounded() quad { return quad{float64(x.a), float64(x.b), float64(x.c), float64(x.d)} }

func (x quad) sum() float64 { return (x.a + x.b) + (x.c + x.d) }

// block is four points of a quadrature rule on [0, 1], with 1 − t and the
// weights of the points.
type block struct{ t, rest, weight quad }

// maxPoints is the most points of a rule. They are exact for polynomials of
// degree 1023. What is integrated here has no greater variation than
// t^(n/2)·(1−t)^(n/2), for which they are enough up to rounding when n is ten
// times that.
const maxPoints = 512

// gaussLegendre gives the rule of n points that is exact for polynomials of
// degree 2n−1, in blocks of four, the last filled up with points of weight 0.
// Each point is a root of the Legendre polynomial, found by Newton's method.
func gaussLegendre(n int) []block {
	points := make([][3]float64, (n+3)/4*4)
	for i := range points {
		points[i] = [3]float64{0.5, 0.5, 0}
	}
	for i := range (n + 1) / 2 {
		x := cosine(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		if 2*i+1 == n {
			x = 0
		}
		var slope float64
		for range 20 {
			var p float64
			p, slope = legendre(n, x)
			step := p / slope
			x -= step
			if math.Abs(step) < 1e-15 {
				break
			}
		}
		_, slope = legendre(n, x)
		weight := 1 / (float64((1-x)*(1+x)) * float64(slope*slope))
		points[i] = [3]float64{(1 + x) / 2, (1 - x) / 2, weight}
		points[n-1-i] = [3]float64{(1 - x) / 2, (1 + x) / 2, weight}
	}
	blocks := make([]block, len(points)/4)
	for i := range blocks {
		p := points[4*i : 4*i+4]
		column := func(k int) quad { return quad{p[0][k], p[1][k], p[2][k], p[3][k]} }
		blocks[i] = block{t: column(0), rest: column(1), weight: column(2)}
	}
	return blocks
}

// legendre gives the n-th Legendre polynomial at x, -1 < x < 1, and its slope.
func legendre(n int, x float64) (p, slope float64) {
	before, p := 0.0, 1.0
	for k := 1; k <= n; k++ {
		j := float64(k)
		next := (float64((2*j-1)*float64(x*p)) - float64((j-1)*before)) / j
		before, p = p, next
	}
	return p, float64(n) * (float64(x*p) - before) / (float64(x*x) - 1)
}

// cosine is for 0 <= x <= π/2 and, unlike math.Cos, the same on every processor.
func cosine(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 2.0; k <= 24; k += 2 {
		term = float64(term * -x * x / (k * (k - 1)))
		sum += term
	}
	return sum
}
