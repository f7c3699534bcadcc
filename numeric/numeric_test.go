package numeric

import (
	"math"
	"math/big"
	"testing"
)

const precision = 200

func exact(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// bigExp sums the series of e^(x/2¹²) and squares twelve times.
func bigExp(x float64) *big.Float {
	const halvings = 12
	step := exact(math.Ldexp(x, -halvings))
	sum, term := exact(1), exact(1)
	for i := 1; i < 60; i++ {
		term.Mul(term, step)
		term.Quo(term, exact(float64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLog improves an answer of package math's by Newton's method on bigExp.
func bigLog(x float64) *big.Float {
	m, exponent := math.Frexp(x)
	y := exact(math.Log(m) + float64(exponent)*math.Ln2)
	for range 2 {
		near, _ := y.Float64()
		d := new(big.Float).Quo(exact(x), bigExp(near)) // x = eⁿᵉᵃʳ(1+d)
		d.Sub(d, exact(1))
		square := new(big.Float).Mul(d, d)
		d.Sub(d, square.Quo(square, exact(2)))
		y = d.Add(d, exact(near))
	}
	return y
}

func bigSigmoid(x float64) *big.Float {
	below := bigExp(-x)
	return new(big.Float).Quo(exact(1), below.Add(below, exact(1)))
}

// ulps gives how far got is from want, in units in the last place of want.
func ulps(got float64, want *big.Float) float64 {
	near, _ := want.Float64()
	unit := math.Nextafter(math.Abs(near), math.Inf(1)) - math.Abs(near)
	difference := new(big.Float).Sub(exact(got), want)
	f, _ := difference.Quo(difference, exact(unit)).Float64()
	return math.Abs(f)
}

func worst(t *testing.T, name string, limit float64, got func(float64) float64, want func(float64) *big.Float, at []float64) {
	t.Helper()
	most, where := 0.0, 0.0
	for _, x := range at {
		if d := ulps(got(x), want(x)); !(d <= most) {
			most, where = d, x
		}
	}
	t.Logf("%s: at most %.3f ulp, at %v", name, most, where)
	if !(most <= limit) {
		t.Errorf("%s(%v) is off by %v ulp, more than %v", name, where, most, limit)
	}
}

func TestAccuracy(t *testing.T) {
	random := NewRandom(1, 0)
	var around, logs []float64
	for range 4000 {
		u := random.Float64()
		around = append(around, 80*u-40, 2*u-1, float64(1400*u)-700, math.Ldexp(2*u-1, -random.IntN(60)))
		logs = append(logs, 1+float64(u-0.5)*1e-3, 0.5+float64(2*u), math.Ldexp(u+0x1p-60, random.IntN(2000)-1000))
	}
	logs = append(logs, math.SmallestNonzeroFloat64, math.MaxFloat64, 0x1p-1022, math.Nextafter(1, 2), math.Nextafter(1, 0), math.Sqrt2/2)
	var low []float64 // where eˣ is subnormal
	for range 500 {
		low = append(low, -745.1+float64(37*random.Float64()))
	}
	worst(t, "Exp", 1, Exp, bigExp, around)
	worst(t, "Exp", 1, Exp, bigExp, append(low, greatestExp, leastExp, -708.396, 709.78))
	worst(t, "Log", 1, Log, bigLog, logs)
	worst(t, "Sigmoid", 2, Sigmoid, bigSigmoid, around)
}

func TestEdges(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name    string
		f       func(float64) float64
		x, want float64
	}{
		{"Exp", Exp, 0, 1}, {"Exp", Exp, math.Copysign(0, -1), 1}, {"Exp", Exp, 1, math.E},
		{"Exp", Exp, inf, inf}, {"Exp", Exp, -inf, 0}, {"Exp", Exp, nan, nan},
		{"Exp", Exp, 709.79, inf}, {"Exp", Exp, -745.14, 0}, {"Exp", Exp, -745.13, math.SmallestNonzeroFloat64},
		{"Log", Log, 1, 0}, {"Log", Log, 0, -inf}, {"Log", Log, -1, nan}, {"Log", Log, inf, inf}, {"Log", Log, nan, nan},
		{"Log", Log, 2, math.Ln2}, {"Log", Log, -inf, nan},
		{"Sigmoid", Sigmoid, 0, 0.5}, {"Sigmoid", Sigmoid, inf, 1}, {"Sigmoid", Sigmoid, -inf, 0},
		{"Sigmoid", Sigmoid, nan, nan}, {"Sigmoid", Sigmoid, 800, 1}, {"Sigmoid", Sigmoid, -800, 0},
	} {
		if got := c.f(c.x); got != c.want && !(got != got && c.want != c.want) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, c.want)
		}
	}
}

// The bits themselves are pinned: a change of them would change every recorded
// score.
func TestPinnedBits(t *testing.T) {
	hash := uint64(0)
	for i := -4000; i <= 4000; i++ {
		x := float64(i) / 97
		for _, v := range []float64{Exp(x), Sigmoid(x), Log(float64(x*x) + 0x1p-30)} {
			hash = mix(hash ^ math.Float64bits(v))
		}
	}
	if want := uint64(0xdc5c0b1762931e6a); hash != want {
		t.Errorf("the results hash to %#x, not %#x", hash, want)
	}
}

func TestMonotone(t *testing.T) {
	before := Sigmoid(-40)
	for i := -40000; i <= 40000; i++ {
		s := Sigmoid(float64(i) / 1000)
		if s < before {
			t.Fatalf("Sigmoid falls at %v", float64(i)/1000)
		}
		before = s
	}
}

func BenchmarkExp(b *testing.B) {
	sum := 0.0
	for i := range b.N {
		sum += Exp(float64(i&1023) / 100)
	}
	_ = sum
}

func BenchmarkLog(b *testing.B) {
	sum := 0.0
	for i := range b.N {
		sum += Log(float64(i&1023+1) / 100)
	}
	_ = sum
}

func BenchmarkSigmoid(b *testing.B) {
	sum := 0.0
	for i := range b.N {
		sum += Sigmoid(float64(i&1023)/100 - 5)
	}
	_ = sum
}
