package expr

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"score>=0.5":                 "score|>=|0.5",
		"a.b in[0,6]// c\n&& d":      "a|.|b|in|[|0|,|6|]|&&|d",
		"7d-90s +2w":                 "7d|-|90s|+|2w",
		`"7d" + '\'7d' r'\' "a\\"`:   `"7d"|+|'\'7d'|r'\'|"a\\"`,
		`"""a "7d" b""" x`:           `"""a "7d" b"""|x`,
		"'open\n7d":                  "'open|7d",
		"1e5 1e 1.5e-3 0x1F .5 5u 1": "1e5|1e|1.5e-3|0x1F|.5|5u|1",
		"b'x' rb\"y\" `odd name`":    "b'x'|rb\"y\"|`odd name`",
		"a7d _7d":                    "a7d|_7d",
	} {
		s, _ := newSource(text)
		var got []string
		for i := range s.tokens {
			got = append(got, s.word(i))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: %q, not %q", text, strings.Join(got, "|"), want)
		}
	}
}

// TestSourceKeepsPlaces checks on random text that tokens are in order and apart,
// and that what CEL reads is as long as what was written.
func TestSourceKeepsPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune(`ad7sx.'"\rb€() +-e0/`+"\n`"))).Draw(t, "text")
		s, _ := newSource(text)
		if len(s.plain) != len(text) {
			t.Fatalf("%q is read as %q", text, s.plain)
		}
		last := 0
		for _, token := range s.tokens {
			if token.from < last || token.to <= token.from || token.to > len(text) {
				t.Fatalf("%q has the token %v behind %d", text, token, last)
			}
			last = token.to
		}
	})
}

// TestLog1p compares with a logarithm of 200 bits, through the inverse: the
// series of exp at the answer must come back within 3 units in the last place.
func TestLog1p(t *testing.T) {
	for _, x := range []float64{1e-300, 1e-17, 1e-9, 0.1, 0.5, 1, 3, 1e6, 1e17, -1e-12, -0.3, -0.9, -0.999999} {
		got, want := log1p(x), bigLog1p(x)
		if math.Abs(got-want) > 3*(math.Nextafter(math.Abs(want), math.Inf(1))-math.Abs(want)) {
			t.Errorf("log1p(%v) = %v, not %v", x, got, want)
		}
	}
	for _, x := range []float64{-1, -2, math.NaN(), math.Inf(1)} {
		if got := finite(log1p(x)); got == got {
			t.Errorf("log1p(%v) = %v", x, got)
		}
	}
	if x := math.Copysign(0, -1); math.Float64bits(log1p(x)) != math.Float64bits(x) {
		t.Error("log1p(-0) is not -0")
	}
}

// bigLog1p sums 2·artanh(x/(2+x)) where that converges fast, and halves 1+x by
// square roots where it does not.
func bigLog1p(x float64) float64 {
	const bits = 300
	num := func(v float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(v) }
	y := new(big.Float).Add(num(1), num(x))
	u, scale := num(x), 1.0
	for math.Abs(first64(u)) > 0.01 {
		y.Sqrt(y)
		u.Sub(y, num(1))
		scale *= 2
	}
	s := new(big.Float).Quo(u, new(big.Float).Add(num(2), u))
	square, power, sum := new(big.Float).Mul(s, s), new(big.Float).Set(s), num(0)
	for k := 1; k < 160; k += 2 {
		sum.Add(sum, new(big.Float).Quo(power, num(float64(k))))
		power.Mul(power, square)
	}
	return first64(sum.Mul(sum, num(2*scale)))
}

func first64(x *big.Float) float64 { f, _ := x.Float64(); return f }
