package numeric

import "math"

const (
	parts       = 64 // of an octave
	partsPerE   = parts / math.Ln2
	partHigh    = ln2High / parts
	partLow     = ln2Low / parts
	greatestExp = 0x1.62e42fefa39efp+9  // e to it is finite
	leastExp    = -0x1.74910d52d3051p+9 // e to what is below rounds to 0
	whole       = 0x1.8p52              // adding it rounds to a whole number
	mantissa    = 52
	bias        = 1023
)

// Exp gives eˣ to within one unit in the last place: +Inf above 709.78, 0 below
// -745.13, NaN for NaN.
//
// x is n·(ln 2)/64+r with |r| ≤ (ln 2)/128; eˣ is 2^(n/64), whole octaves from
// the exponent and the rest from a table, times a short series in r (Tang,
// "Table-driven implementation of the exponential function in IEEE
// floating-point arithmetic", TOMS 15(2), 1989).
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > greatestExp:
		return math.Inf(1)
	case x < leastExp:
		return 0
	}
	n := (float64(x*partsPerE) + whole) - whole
	r := (x - float64(n*partHigh)) - float64(n*partLow)
	rr := float64(r * r)
	series := r + float64(rr*((0.5+float64(r*(1./6)))+float64(rr*((1./24+float64(r*(1./120)))+float64(rr*(1./720))))))
	i := int(n)
	entry := &octave[i&(parts-1)]
	value := entry.high + (entry.low + float64(entry.high*series))
	octaves := i >> 6
	if octaves > -1022 && octaves < 1023 {
		return value * math.Float64frombits(uint64(octaves+bias)<<mantissa)
	}
	return math.Ldexp(value, octaves)
}
