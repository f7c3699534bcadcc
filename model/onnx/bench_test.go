//go:build unix

package onnx_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"orrery.dev/model/onnx"
	"orrery.dev/model/onnx/onnxtest"
	"orrery.dev/text/tokenizer"
)

// What is measured has the shape of a small sentence encoder: four layers 384 wide,
// twelve heads, 8,192 tokens of WordPiece.
const measuredWords = 8188

func measuredModel(whole bool) []byte {
	t := &onnxtest.Transformer{Vocabulary: measuredWords + 4, Positions: 128, Width: 384, Heads: 12, Inner: 1536, Layers: 4, Int8: whole, Seed: 11}
	return t.Model()
}

// measuredTokenizer has made-up words of two to nine letters, and half of them as
// continuations.
func measuredTokenizer() (file []byte, list []string) {
	r := rand.New(rand.NewPCG(5, 5))
	seen := map[string]bool{}
	for len(list) < measuredWords {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteByte("bdfgklmnprstvz"[r.IntN(14)])
			b.WriteByte("aeiou"[r.IntN(5)])
		}
		word := b.String()
		if len(list)%2 == 1 {
			word = "##" + word
		}
		if !seen[word] {
			seen[word] = true
			list = append(list, word)
		}
	}
	return onnxtest.Tokenizer(list...), list
}

// measuredTexts are messages as a chat has them: 3 to 40 words, short ones more often.
func measuredTexts(n int, list []string) []string {
	r := rand.New(rand.NewPCG(6, 6))
	var out []string
	for range n {
		var b strings.Builder
		for range 3 + int(37*r.Float64()*r.Float64()*r.Float64()) {
			b.WriteString(list[2*r.IntN(len(list)/2)])
			if r.IntN(3) == 0 {
				b.WriteString(strings.TrimPrefix(list[2*r.IntN(len(list)/2)+1], "##"))
			}
			b.WriteByte(' ')
		}
		out = append(out, b.String())
	}
	return out
}

func measured(b testing.TB, whole bool, s onnx.Settings) (*onnx.Text, []string, int) {
	library(b)
	file, list := measuredTokenizer()
	s.Pool, s.MaxTokens = onnx.Mean, 128
	m, err := onnx.NewText(measuredModel(whole), file, s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	if err := m.Ready(); err != nil {
		b.Fatal(err)
	}
	columns, err := m.Columns()
	if err != nil {
		b.Fatal(err)
	}
	return m, measuredTexts(512, list), columns
}

// spent is the processor time of this process so far, in µs.
func spent(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

// report gives texts/s, and the processor time of a text, which other work on the
// machine distorts less.
func report(b *testing.B, texts int, before float64) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(texts)/b.Elapsed().Seconds(), "texts/s")
	b.ReportMetric((spent(b)-before)/float64(texts), "cpu-µs/text")
}

// BenchmarkText gives texts/s: one caller that asks for one text after another, 16
// or 64 callers at once, and all texts in one call; by how many run together at most.
func BenchmarkText(b *testing.B) {
	for _, whole := range []bool{false, true} {
		kind := map[bool]string{false: "float", true: "int8"}[whole]
		b.Run(kind+"/one", func(b *testing.B) {
			m, list, columns := measured(b, whole, onnx.Settings{})
			row, i := make([]float64, columns), 0
			before := spent(b)
			for b.Loop() {
				if err := m.Run(list[i%len(list):i%len(list)+1], row); err != nil {
					b.Fatal(err)
				}
				i++
			}
			report(b, b.N, before)
		})
		for _, c := range []struct{ callers, batch int }{{16, 1}, {16, 4}, {16, 16}, {64, 16}} {
			b.Run(fmt.Sprintf("%s/callers=%d/batch=%d", kind, c.callers, c.batch), func(b *testing.B) {
				m, list, columns := measured(b, whole, onnx.Settings{Batch: c.batch})
				b.ResetTimer()
				before := spent(b)
				var group sync.WaitGroup
				for caller := range c.callers {
					group.Go(func() {
						row := make([]float64, columns)
						for i := caller; i < b.N; i += c.callers {
							if err := m.Run(list[i%len(list):i%len(list)+1], row); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
				report(b, b.N, before)
			})
		}
		for _, batch := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("%s/together/batch=%d", kind, batch), func(b *testing.B) {
				m, list, columns := measured(b, whole, onnx.Settings{Batch: batch})
				rows := make([]float64, len(list)*columns)
				before := spent(b)
				for b.Loop() {
					if err := m.Run(list, rows); err != nil {
						b.Fatal(err)
					}
				}
				report(b, b.N*len(list), before)
			})
		}
	}
	b.Run("tokens", func(b *testing.B) {
		file, words := measuredTokenizer()
		list := measuredTexts(512, words)
		tok, err := tokenizer.Decode(file)
		if err != nil {
			b.Fatal(err)
		}
		tokens := 0
		before := spent(b)
		for b.Loop() {
			tokens = 0
			for _, text := range list {
				tokens += tok.Encode(text).Len()
			}
		}
		report(b, b.N*len(list), before)
		b.ReportMetric(float64(tokens)/float64(len(list)), "tokens/text")
	})
}

// BenchmarkRowsInBatches gives how many of 512 rows are not bit by bit those of
// texts that run by themselves, and the greatest difference of a number.
func BenchmarkRowsInBatches(b *testing.B) {
	for _, whole := range []bool{false, true} {
		alone, list, columns := measured(b, whole, onnx.Settings{})
		want, got := make([]float64, len(list)*columns), make([]float64, len(list)*columns)
		if err := alone.Run(list, want); err != nil {
			b.Fatal(err)
		}
		for _, s := range []onnx.Settings{{Batch: 2}, {Batch: 16}, {Threads: 2}} {
			b.Run(fmt.Sprintf("int8=%v/batch=%d/threads=%d", whole, max(s.Batch, 1), max(s.Threads, 1)), func(b *testing.B) {
				m, _, _ := measured(b, whole, s)
				for b.Loop() {
					if err := m.Run(list, got); err != nil {
						b.Fatal(err)
					}
				}
				rows, most := 0, 0.0
				for i := range list {
					if !slices.Equal(got[i*columns:(i+1)*columns], want[i*columns:(i+1)*columns]) {
						rows++
					}
				}
				for i := range got {
					most = max(most, math.Abs(got[i]-want[i]))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(rows), "other-rows")
				b.ReportMetric(most, "greatest")
			})
		}
	}
}

// TestWriteMeasured writes what BenchmarkText measures to a folder, for
// testdata/bench.py to measure by the library's own Python module.
func TestWriteMeasured(t *testing.T) {
	dir := os.Getenv("ORRERY_ONNX_WRITE")
	if dir == "" {
		t.Skip("ORRERY_ONNX_WRITE names no folder")
	}
	file, words := measuredTokenizer()
	tok, err := tokenizer.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]int32
	for _, text := range measuredTexts(512, words) {
		all = append(all, tok.Encode(text).IDs)
	}
	tokens, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"float.onnx": measuredModel(false), "int8.onnx": measuredModel(true), "tokens.json": tokens} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
