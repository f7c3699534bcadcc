package ingest

import (
	"math"
	"strconv"
	"strings"
)

// decimalUnits reads a number of JSON's grammar in units of 10^-scale, exactly.
// A digit other than zero beyond the scale is flawDigits.
func decimalUnits(s string, scale int) (int64, flaw) {
	i, negative := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, negative = 1, true
	}
	// The common case: few digits, no exponent, no more places than the scale.
	if n := len(s) - i; n == 0 || n > 18-scale {
		return decimalSlow(s, scale)
	}
	if s[i] == '0' && i+1 < len(s) && s[i+1] != '.' {
		return decimalSlow(s, scale)
	}
	var units int64
	digits := i
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		units = units*10 + int64(s[i]-'0')
	}
	if i == digits {
		return decimalSlow(s, scale)
	}
	places := 0
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			units = units*10 + int64(s[i]-'0')
			places++
		}
		if places == 0 {
			return decimalSlow(s, scale)
		}
	}
	if i < len(s) || places > scale {
		return decimalSlow(s, scale)
	}
	for ; places < scale; places++ {
		units *= 10
	}
	if negative {
		units = -units
	}
	return units, fine
}

// decimalSlow is decimalUnits for any text: it lines up the digits that count.
func decimalSlow(s string, scale int) (int64, flaw) {
	n, ok := splitNumber(s)
	if !ok {
		return 0, notANumber(s)
	}
	digits := strings.TrimLeft(n.whole+n.fraction, "0")
	exponent := n.exponent - len(n.fraction) + scale
	kept := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(kept)
	switch {
	case kept == "":
		return 0, fine
	case len(kept)+exponent > 19:
		return 0, flawTooLarge
	case exponent < 0:
		return 0, flawDigits
	}
	sign := ""
	if n.negative {
		sign = "-"
	}
	units, err := strconv.ParseInt(sign+kept+strings.Repeat("0", exponent), 10, 64)
	if err != nil {
		return 0, flawTooLarge
	}
	return units, fine
}

// number is the parts of a number's text.
type number struct {
	negative        bool
	whole, fraction string
	// exponent is bounded to ±1e9, beyond which its size no longer matters.
	exponent int
}

// splitNumber takes a number of JSON's grammar apart.
func splitNumber(s string) (n number, ok bool) {
	if s != "" && s[0] == '-' {
		n.negative, s = true, s[1:]
	}
	n.whole, s = leadingDigits(s)
	if n.whole == "" || len(n.whole) > 1 && n.whole[0] == '0' {
		return n, false
	}
	if s != "" && s[0] == '.' {
		if n.fraction, s = leadingDigits(s[1:]); n.fraction == "" {
			return n, false
		}
	}
	if s == "" {
		return n, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return n, false
	}
	s = s[1:]
	down := s != "" && s[0] == '-'
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	exponent, rest := leadingDigits(s)
	if exponent == "" || rest != "" {
		return n, false
	}
	for _, digit := range []byte(exponent) {
		n.exponent = min(n.exponent*10+int(digit-'0'), 1_000_000_000)
	}
	if down {
		n.exponent = -n.exponent
	}
	return n, true
}

func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return s[:i], s[i:]
}

// floatNumber reads a number of JSON's grammar as the nearest double. Minus
// zero becomes zero, so that equal numbers are equal values.
func floatNumber(s string) (float64, flaw) {
	if _, ok := splitNumber(s); !ok {
		return 0, notANumber(s)
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(x, 0) {
		return 0, flawTooLarge
	}
	if x == 0 {
		return 0, fine
	}
	return x, fine
}

// notANumber tells what programs write for NaN and infinity from other text.
func notANumber(s string) flaw {
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "nan", "inf", "infinity", "1.#inf", "1.#qnan":
		return flawNotFinite
	}
	return flawNumber
}

// wholeNumber reports whether the text is a plain whole number: no point, no
// exponent, no leading zero.
func wholeNumber(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	digits, rest := leadingDigits(s)
	return digits != "" && rest == "" && (len(digits) == 1 || digits[0] != '0')
}
