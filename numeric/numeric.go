// Package numeric has the few functions on which the equality of a replay
// depends: exponential, logarithm, sigmoid and random numbers that give the
// same bits on every processor and with every compiler. Package math does not
// promise that, since it has assembly for some processors.
//
// Every product that is added is converted first, float64(x*y)+z, which keeps
// the compiler from fusing the two where the processor could.
package numeric

import "math"

const (
	// ln2High has its last 24 bits zero, so that its product with an exponent is
	// exact; ln2High+ln2Low is ln 2 to 100 bits.
	ln2High = 0x1.62e42fep-01
	ln2Low  = 0x1.f473de6af278fp-30
)

// Sigmoid gives 1/(1+e⁻ˣ) to within 2 units in the last place, and NaN for NaN.
func Sigmoid(x float64) float64 {
	if x < 0 {
		e := Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + Exp(-x))
}

// Log gives the natural logarithm to within one unit in the last place; -Inf
// for 0, NaN for what is below.
//
// With x = 2ᵏ(1+f) and s = f/(2+f), log(1+f) is f-f²/2+s(f²/2+R) where R is
// the tail of 2·artanh(s), as in fdlibm's e_log.c; here R is its plain series.
func Log(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	m, exponent := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		exponent--
	}
	f, k := m-1, float64(exponent)
	s := f / (2 + f)
	z := float64(s * s)
	tail := 0.0
	for i := len(artanh) - 1; i >= 0; i-- {
		tail = float64(z * (artanh[i] + tail))
	}
	half := float64(0.5 * float64(f*f))
	low := float64(s*(half+tail)) + float64(k*ln2Low)
	return float64(k*ln2High) - ((half - low) - f)
}

// artanh has the factors of s², s⁴, … in 2·artanh(s)/s - 2.
var artanh = [...]float64{2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21, 2. / 23}
