package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
)

// calibratedSamples are models behind each calibrator and its edges.
func calibratedSamples(t testing.TB, trees, linear Model) map[string]Model {
	t.Helper()
	out := make(map[string]Model)
	add := func(name string, inner Model, c Calibrator, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = NewCalibrated(inner, c); err != nil {
			t.Fatal(err)
		}
	}
	beta, err := NewBeta(0.8, 1.25, -0.5, 0)
	add("gbdt, beta", trees, beta, err)
	floored, err := NewBeta(0, 2, 1, 1e-4)
	add("logistic, beta with a floor", linear, floored, err)
	isotonic, err := NewIsotonic([]float64{0.1, 0.2, 0.9}, []float64{0, 0.25, 0.25})
	add("gbdt, isotonic", trees, isotonic, err)
	point, err := NewIsotonic([]float64{0.5}, []float64{1})
	add("logistic, one corner", linear, point, err)
	return out
}

// The files of models that are not calibrated are those of format 1, written
// before calibration was.
func TestPlainFilesKeepTheirBytes(t *testing.T) {
	golden := map[string]string{
		"empty":    "1eb0e56d45d8d883a4af9d5dbd47d7fbb83a1f7db4511f1e8821e89139595637",
		"forest":   "be99eb6274e6bc6d11c88e1603d22a14407bb79f1ea668a9c3d67a4780ac98fd",
		"gbdt":     "661347164bfa284c9c1315cc177112cd13632e12b0ca078221474f473c2c5dca",
		"leaf":     "8ca0694a82e9b302030a448b830c890914e0daf826ae5589f7b0d6b470fc7c1a",
		"logistic": "eb3e7b867f125c73591cdc05296c4159bf4a878232e410c8c7ad52c013b5ff3d",
	}
	all := samples(t)
	for name, want := range golden {
		if got := fmt.Sprintf("%x", sha256.Sum256(encode(t, all[name]))); got != want {
			t.Errorf("%s: the file has the digest %s, want %s", name, got, want)
		}
	}
}

func TestCalibratedScores(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for name, m := range samples(t) {
		c, ok := m.(*Calibrated)
		if !ok {
			continue
		}
		for range 100 {
			row := randomRows(r, 1, len(c.Features()))
			if got, want := c.Score(row), c.Calibrator().Calibrate(c.Inner().Score(row)); got != want {
				t.Fatalf("%s: score %v, want %v", name, got, want)
			}
		}
		decoded, err := Decode(encode(t, m))
		if err != nil {
			t.Fatal(err)
		}
		again := decoded.(*Calibrated)
		if again.Kind() != c.Inner().Kind() || again.Calibrator().Kind() != c.Calibrator().Kind() {
			t.Errorf("%s: kinds %s and %s", name, again.Kind(), again.Calibrator().Kind())
		}
		for range 100 {
			if row := randomRows(r, 1, len(c.Features())); again.Score(row) != c.Score(row) {
				t.Fatalf("%s: decoded, the score differs", name)
			}
		}
	}
}

func TestBetaByItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	for range 1000 {
		a, b, c, s := 3*r.Float64(), 3*r.Float64(), r.NormFloat64(), r.Float64()
		beta, err := NewBeta(a, b, c, 0)
		if err != nil {
			t.Fatal(err)
		}
		// The paper's own form: 1/(1 + 1/(eᶜ sᵃ/(1−s)ᵇ)).
		want := 1 / (1 + 1/(math.Exp(c)*math.Pow(s, a)/math.Pow(1-s, b)))
		if got := beta.Calibrate(s); math.Abs(got-want) > 1e-12 {
			t.Fatalf("a=%v b=%v c=%v: %v becomes %v, want %v", a, b, c, s, got, want)
		}
	}
	same, _ := NewBeta(1, 1, 0, 0)
	for _, s := range []float64{1e-9, 0.01, 0.5, 0.999} {
		if got := same.Calibrate(s); math.Abs(got-s) > 1e-15 {
			t.Errorf("a=b=1, c=0 makes %v of %v", got, s)
		}
	}
}

func TestCalibratorsKeepTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	for trial := range 200 {
		var c Calibrator = &Beta{5 * r.Float64(), 5 * r.Float64(), r.NormFloat64(), float64(trial%2) * 1e-3}
		slack := 1e-14
		if trial%4 >= 2 {
			c, slack = randomCurve(r), 0
		}
		scores := []float64{0, 1, math.SmallestNonzeroFloat64, 1 - 0x1p-53}
		for range 200 {
			scores = append(scores, r.Float64(), numeric.Exp(-40*r.Float64()))
		}
		slices.Sort(scores)
		last := 0.0
		for _, s := range scores {
			p := c.Calibrate(s)
			if !(p >= last-slack && p <= 1) {
				t.Fatalf("%+v: %v becomes %v, after %v", c, s, p, last)
			}
			last = p
		}
	}
}

func randomCurve(r *rand.Rand) *Isotonic {
	n := 1 + r.IntN(20)
	scores, probabilities := make([]float64, n), make([]float64, n)
	for i := range n {
		scores[i], probabilities[i] = r.Float64(), float64(r.IntN(5))/4
	}
	slices.Sort(scores)
	slices.Sort(probabilities)
	return &Isotonic{scores, probabilities}
}

func TestIsotonicBetweenCorners(t *testing.T) {
	c, err := NewIsotonic([]float64{0.25, 0.5, 0.75}, []float64{0.125, 0.25, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[float64]float64{0: 0.125, 0.25: 0.125, 0.375: 0.1875, 0.5: 0.25, 0.6: 0.25, 0.75: 0.25, 1: 0.25} {
		if got := c.Calibrate(s); got != want {
			t.Errorf("%v becomes %v, want %v", s, got, want)
		}
	}
}

func TestCalibratorsRefuse(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, p := range [][4]float64{{-1, 1, 0, 0}, {1, -1, 0, 0}, {nan, 1, 0, 0}, {1, inf, 0, 0}, {1, 1, nan, 0}, {1, 1, -inf, 0}, {1, 1, 0, -1}, {1, 1, 0, 0.5}, {1, 1, 0, nan}} {
		if _, err := NewBeta(p[0], p[1], p[2], p[3]); orrery.CodeOf(err) != "model_calibration" {
			t.Errorf("%v: error %v", p, err)
		}
	}
	for _, c := range [][2][]float64{
		{nil, nil}, {{0.5}, nil}, {{0.5, 0.5}, {0, 1}}, {{0.6, 0.5}, {0, 1}}, {{0.5, 0.6}, {1, 0.5}},
		{{-1}, {0}}, {{0}, {2}}, {{nan}, {0}}, {{0, nan}, {0, 1}}, {{0}, {nan}},
	} {
		if _, err := NewIsotonic(c[0], c[1]); orrery.CodeOf(err) != "model_calibration" {
			t.Errorf("%v: error %v", c, err)
		}
	}
	m := samples(t)["gbdt, beta"].(*Calibrated)
	for _, pair := range []struct {
		m Model
		c Calibrator
	}{{m, m.Calibrator()}, {nil, m.Calibrator()}, {m.Inner(), nil}} {
		if _, err := NewCalibrated(pair.m, pair.c); orrery.CodeOf(err) != "model_calibration" {
			t.Errorf("error %v", err)
		}
	}
}

func TestDamagedSections(t *testing.T) {
	whole := encode(t, samples(t)["gbdt, beta"])
	plain := encode(t, samples(t)["gbdt"])
	section := len(plain) - trailerBytes
	altered := func(change func(b []byte) []byte) []byte {
		return resum(append(change(slices.Clone(whole[:len(whole)-trailerBytes])), 0, 0, 0, 0))
	}
	cases := []struct {
		name, want string
		file       []byte
	}{
		{"another name", `no section "Xalibration"`, altered(func(b []byte) []byte { b[section+4] = 'X'; return b })},
		{"later version", "version 2", altered(func(b []byte) []byte { b[section+4+len(calibrationSection)] = 2; return b })},
		{"another kind", `kind "bexa"`, altered(func(b []byte) []byte { b[section+4+len(calibrationSection)+4+4+2] = 'x'; return b })},
		{"bad number", "floor", altered(func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[len(b)-8:], math.Float64bits(math.NaN()))
			return b
		})},
		{"no section", "ends early", altered(func(b []byte) []byte { return b[:section] })},
		{"two sections", "follow the model", altered(func(b []byte) []byte { return append(b, b[section:]...) })},
		{"section in format 1", "follow the model", altered(func(b []byte) []byte { b[len(magic)] = formatPlain; return b })},
	}
	for _, c := range cases {
		_, err := Decode(c.file)
		if orrery.CodeOf(err) != "model_damaged" || orrery.KindOf(err) != orrery.Damaged || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want damage with %q", c.name, err, c.want)
		}
	}
	if !bytes.HasPrefix(whole[headerBytes:], plain[headerBytes:section]) {
		t.Error("a calibrated file does not begin with the model's own payload")
	}
}

func TestCalibratedScoreDoesNotAllocate(t *testing.T) {
	for _, name := range []string{"gbdt, beta", "gbdt, isotonic"} {
		m := samples(t)[name]
		row := make([]float64, len(m.Features()))
		if n := testing.AllocsPerRun(1000, func() { m.Score(row) }); n != 0 {
			t.Errorf("%s: %v allocations a row", name, n)
		}
	}
}

func BenchmarkCalibrate(b *testing.B) {
	for _, c := range []Calibrator{&Beta{0.8, 1.2, 0.3, 0}, randomCurve(rand.New(rand.NewPCG(24, 1)))} {
		b.Run(c.Kind(), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				c.Calibrate(float64(i%1000) / 1000)
			}
		})
	}
}
