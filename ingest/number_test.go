package ingest

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery.dev"
)

func TestDecimalUnits(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		units int64
		wrong flaw
	}{
		{"57.16", 2, 5716, fine},
		{"57.160", 2, 5716, fine},
		{"57.165", 2, 0, flawDigits},
		{"57.1600000000000000000000000000000000", 2, 5716, fine},
		{"-0.01", 2, -1, fine},
		{"-0", 2, 0, fine},
		{"0e99999999999999999999", 2, 0, fine},
		{"1e-99999999999999999999", 2, 0, flawDigits},
		{"1e99999999999999999999", 2, 0, flawTooLarge},
		{"92233720368547758.07", 2, math.MaxInt64, fine},
		{"92233720368547758.08", 2, 0, flawTooLarge},
		{"-92233720368547758.08", 2, math.MinInt64, fine},
		{"0.000000000001", 12, 1, fine},
		{"5e-1", 0, 0, flawDigits},
		{"50e-1", 0, 5, fine},
		{"", 2, 0, flawNumber}, {"-", 2, 0, flawNumber}, {".5", 2, 0, flawNumber}, {"5.", 2, 0, flawNumber},
		{"05", 2, 0, flawNumber}, {"+5", 2, 0, flawNumber}, {"5e", 2, 0, flawNumber}, {" 5", 2, 0, flawNumber},
		{"5x", 2, 0, flawNumber}, {"0x10", 2, 0, flawNumber}, {"1_000", 2, 0, flawNumber}, {"٣", 2, 0, flawNumber},
		{"nan", 2, 0, flawNotFinite}, {"-Infinity", 2, 0, flawNotFinite},
	} {
		units, wrong := decimalUnits(c.text, c.scale)
		if units != c.units || wrong != c.wrong {
			t.Errorf("%q at scale %d: %d, flaw %d; want %d, %d", c.text, c.scale, units, wrong, c.units, c.wrong)
		}
	}
}

// isNumber asks encoding/json whether the text is a number of JSON's grammar.
func isNumber(s string) bool {
	return json.Valid([]byte(s)) && s != "" && strings.ContainsRune("-0123456789", rune(s[0])) && strings.TrimSpace(s) == s
}

// FuzzDecimal holds decimals against big.Rat, and floats against strconv.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"57.16", "-0.005", "1e3", "12345678901234567890", "9.99e-2", "0", "-", "00", "1E+2", "NaN", "92233720368547758.07"} {
		f.Add(seed, uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, scale uint8) {
		scale %= orrery.MaxScale + 1
		if n, ok := splitNumber(text); ok && (n.exponent > 400 || n.exponent < -400) {
			return // Exact, but too long for the oracle.
		}
		units, wrong := decimalUnits(text, int(scale))
		x, floatWrong := floatNumber(text)
		exact, ok := new(big.Rat).SetString(text)
		if !isNumber(text) || !ok {
			if wrong != flawNumber && wrong != flawNotFinite || floatWrong != wrong {
				t.Fatalf("%q is no number, yet %d, flaws %d and %d", text, units, wrong, floatWrong)
			}
			return
		}
		checkFloat(t, text, x, floatWrong)
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		exact.Mul(exact, new(big.Rat).SetInt(power))
		want := fine
		switch {
		case !exact.IsInt():
			want = flawDigits
		case !exact.Num().IsInt64():
			want = flawTooLarge
		}
		if want == flawDigits && wrong == flawTooLarge && new(big.Rat).Abs(exact).Cmp(new(big.Rat).SetInt64(math.MaxInt64)) > 0 {
			return // Both are true.
		}
		if wrong != want || want == fine && exact.Num().Int64() != units {
			t.Fatalf("%q at scale %d: %d, flaw %d; want %s, flaw %d", text, scale, units, wrong, exact, want)
		}
	})
}

func checkFloat(t *testing.T, text string, x float64, wrong flaw) {
	t.Helper()
	want, err := strconv.ParseFloat(text, 64)
	if (err != nil) != (wrong == flawTooLarge) || wrong == fine && x != want {
		t.Fatalf("%q: %v, flaw %d; want %v, %v", text, x, wrong, want, err)
	}
	if x == 0 && math.Signbit(x) {
		t.Fatalf("%q is minus zero", text)
	}
}

func TestInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2018-04-01T00:00:31Z":             "2018-04-01T00:00:31Z",
		"2018-04-01T02:00:31+02:00":        "2018-04-01T00:00:31Z",
		"2018-04-01T00:00:31-23:59":        "2018-04-01T23:59:31Z",
		"2018-04-01T00:00:31.123456789Z":   "2018-04-01T00:00:31.123456Z",
		"1969-12-31T23:59:59.9999999Z":     "1969-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00Z":             "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999Z":      "9999-12-31T23:59:59.999999Z",
		"2000-02-29T12:00:00.000000-00:00": "2000-02-29T12:00:00Z",
		"2018-04-01 02:00:31.5+02":         "2018-04-01T00:00:31.5Z",
		"2018-04-01 00:00:31-0130":         "2018-04-01T01:30:31Z",
		"2018-04-01t00:00:31z":             "2018-04-01T00:00:31Z",
	} {
		var c dayCache
		got, wrong := c.instant(text)
		if wrong != fine || got.String() != want {
			t.Errorf("%s: %s, flaw %d; want %s", text, got, wrong, want)
		}
	}
}

// TestEveryDay compares each day of 800 years with package time.
func TestEveryDay(t *testing.T) {
	var c dayCache
	for day := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2400; day = day.AddDate(0, 0, 1) {
		if got, wrong := c.instant(day.Format(time.RFC3339)); wrong != fine || got != orrery.InstantOf(day) {
			t.Fatalf("%s: %s, flaw %d", day, got, wrong)
		}
	}
}

// timestamp is the grammar of RFC 3339, section 5.6, without leap seconds, and the
// forms of its parts that are taken beside; package time reads more than that.
var timestamp = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)(?:[Zz]|([+-](?:[01][0-9]|2[0-3]))(?::?([0-5][0-9]))?)$`)

// plainly writes a timestamp as RFC 3339 has it, empty where it is none.
func plainly(text string) string {
	parts := timestamp.FindStringSubmatch(text)
	switch {
	case parts == nil:
		return ""
	case parts[3] == "":
		return parts[1] + "T" + parts[2] + "Z"
	case parts[4] == "":
		parts[4] = "00"
	}
	return parts[1] + "T" + parts[2] + parts[3] + ":" + parts[4]
}

// FuzzInstant holds timestamps against the grammar and package time.
func FuzzInstant(f *testing.F) {
	for _, seed := range []string{"2018-04-01T00:00:31Z", "2018-04-31T00:00:31Z", "2016-12-31T23:59:60Z", "2018-04-01T24:00:00Z", "0000-01-01T00:00:00Z",
		"2018-04-01T00:00:31.1234567+05:30", "9999-12-31T23:59:59-00:01", "2018-04-01T00:00:31,5Z", "2018-04-01T1:00:31Z", "2018-04-01T00:00:31.Z",
		"2018-04-01 00:00:31+05", "2018-04-01t00:00:31-0530", "2018-04-01 00:00:31.5z"} {
		f.Add(seed)
	}
	var c dayCache
	f.Fuzz(func(t *testing.T, text string) {
		got, wrong := c.instant(text)
		at, err := time.Parse(time.RFC3339, plainly(text))
		utc := at.UTC().Year()
		want := err == nil && !strings.HasPrefix(text, "0000") && utc >= 1 && utc <= 9999
		if (wrong == fine) != want {
			t.Fatalf("%q: flaw %d, package time says %v, %v", text, wrong, at, err)
		}
		if want && got != orrery.InstantOf(at) {
			t.Fatalf("%q: %s, want %s", text, got, orrery.InstantOf(at))
		}
	})
}
