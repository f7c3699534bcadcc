package model

import (
	"bytes"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
)

// samples are one model of every kind and of the shapes at the edges.
func samples(t testing.TB) map[string]Model {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	out := make(map[string]Model)
	add := func(name string, m Model, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
	}
	trees, err := NewTrees(GBDT, names(3), -2.5, growTrees(r, 3, 3, 6, 4))
	add("gbdt", trees, err)
	forest, err := NewTrees(Forest, []string{"a", "été"}, 0, []Tree{stump(), pair()})
	add("forest", forest, err)
	empty, err := NewTrees(GBDT, nil, 1, nil)
	add("empty", empty, err)
	leaf, err := NewTrees(GBDT, names(1), 0, []Tree{{Value: []float64{1}, Cover: []float64{0}}})
	add("leaf", leaf, err)
	linear, err := NewLinear(names(2), []float64{1, 2}, []float64{3, 4}, []float64{5, -6}, 7)
	add("logistic", linear, err)
	for name, m := range calibratedSamples(t, trees, linear) {
		add(name, m, nil)
	}
	for name, m := range multiclassSamples(t) {
		add(name, m, nil)
	}
	for name, m := range textSamples(t) {
		add(name, m, nil)
	}
	return out
}

func encode(t testing.TB, m Model) []byte {
	t.Helper()
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFileRoundTrip(t *testing.T) {
	for name, m := range samples(t) {
		t.Run(name, func(t *testing.T) {
			b := encode(t, m)
			got, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind() != m.Kind() || !slices.Equal(got.Features(), m.Features()) {
				t.Errorf("kind %s and features %v", got.Kind(), got.Features())
			}
			if !bytes.Equal(encode(t, got), b) {
				t.Error("encoded again, the bytes differ")
			}
			row := make([]float64, len(m.Features()))
			if got.Score(row) != m.Score(row) {
				t.Error("the score differs")
			}
			after, err := m.AppendBinary([]byte("before"))
			if err != nil || !bytes.Equal(after, append([]byte("before"), b...)) {
				t.Error("appended after something, the bytes differ")
			}
		})
	}
}

func TestEveryTruncationAndFlipIsDamage(t *testing.T) {
	for name, m := range samples(t) {
		b := encode(t, m)
		refused := func(what string, at int, b []byte) {
			t.Helper()
			if _, err := Decode(b); orrery.CodeOf(err) != "model_damaged" || orrery.KindOf(err) != orrery.Damaged {
				t.Fatalf("%s, %s at %d: error %v", name, what, at, err)
			}
		}
		for i := range b {
			refused("cut", i, b[:i])
			for bit := range 8 {
				b[i] ^= 1 << bit
				refused("flip", i, b)
				b[i] ^= 1 << bit
			}
		}
		refused("more", len(b), append(b, 0))
	}
}

// resum makes the length and checksum of an altered file right again.
func resum(b []byte) []byte {
	if len(b) < headerBytes+trailerBytes {
		return b
	}
	copy(b, magic)
	binary.LittleEndian.PutUint64(b[headerBytes-8:], uint64(len(b)-headerBytes-trailerBytes))
	end := len(b) - trailerBytes
	binary.LittleEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
	return b
}

// With its checksum made right, an altered file either is refused as damaged or
// is another model; it is never a crash.
func TestPayloadFlips(t *testing.T) {
	for name, m := range samples(t) {
		whole := encode(t, m)
		for i := headerBytes; i < len(whole)-trailerBytes; i++ {
			for _, x := range []byte{1, 0x80, 0xff} {
				b := slices.Clone(whole)
				b[i] ^= x
				if _, err := Decode(resum(b)); err != nil && orrery.CodeOf(err) != "model_damaged" {
					t.Fatalf("%s, byte %d: error %v", name, i, err)
				}
			}
			cut := append(slices.Clone(whole[:i]), 0, 0, 0, 0)
			if _, err := Decode(resum(cut)); orrery.CodeOf(err) != "model_damaged" {
				t.Fatalf("%s, cut at %d: error %v", name, i, err)
			}
		}
	}
}

func TestNewerFormatSaysSo(t *testing.T) {
	b := encode(t, samples(t)["gbdt"])
	b[len(magic)] = format + 1
	if _, err := Decode(resum(b)); orrery.CodeOf(err) != "model_newer" {
		t.Errorf("error %v, want code model_newer", err)
	}
	b[len(magic)] = 0
	if _, err := Decode(resum(b)); orrery.CodeOf(err) != "model_damaged" {
		t.Errorf("error %v, want code model_damaged", err)
	}
}

// A length that the file cannot hold must be refused before it is allocated.
func TestHugeLengthsAreNotAllocated(t *testing.T) {
	for _, name := range []string{"gbdt", "gbdt, isotonic", "logistic of classes", "gbdt of classes, calibrated", "text", "text of classes"} {
		whole := encode(t, samples(t)[name])
		for i := headerBytes; i+4 <= len(whole)-trailerBytes; i++ {
			b := slices.Clone(whole)
			binary.LittleEndian.PutUint32(b[i:], 0xfffffff0)
			resum(b)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = Decode(b)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Fatalf("%s: %d bytes allocated for a file of %d", name, n, len(b))
			}
		}
	}
}

var update = flag.Bool("update", false, "write the golden files that are missing")

// Files written by earlier versions are read for ever: to the same bytes, where
// the format is still written, and to the same scores.
func TestGoldenFiles(t *testing.T) {
	for name, m := range samples(t) {
		path := filepath.Join("testdata", "files", strings.NewReplacer(", ", "-", " ", "-").Replace(name)+".model")
		if _, err := os.Stat(path); err != nil && *update {
			if err := os.WriteFile(path, encode(t, m), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if !bytes.Equal(encode(t, got), b) {
			t.Errorf("%s: written again, the bytes differ", path)
		}
		r := rand.New(rand.NewPCG(41, 1))
		for range 20 {
			row := randomRows(r, 1, len(m.Features()))
			if got.Score(row) != m.Score(row) {
				t.Errorf("%s: another score", path)
			}
			if m, ok := m.(TextModel); ok && got.(TextModel).ScoreText(sampleText, row) != m.ScoreText(sampleText, row) {
				t.Errorf("%s: another score of a text", path)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(encode(f, m))
	}
	for _, m := range onnxFileSamples(f) {
		f.Add(encode(f, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(resum(bytes.Clone(b)))
		if err != nil {
			if orrery.KindOf(err) != orrery.Damaged {
				t.Fatalf("error %v of kind %v", err, orrery.KindOf(err))
			}
			return
		}
		again := encode(t, m)
		if !bytes.Equal(again, resum(bytes.Clone(b))) {
			t.Fatal("one model has two files")
		}
		row := make([]float64, len(m.Features()))
		if m, ok := m.(Encoded); ok {
			if s := m.ScoreEncoded("", row, make([]float64, m.Columns())); !(s >= 0 && s <= 1) {
				t.Fatalf("score %v", s)
			}
			return // no network is run here
		}
		if s := m.Score(row); !(s >= 0 && s <= 1) {
			t.Fatalf("score %v", s)
		}
	})
}
