package tokenizer_test

import "testing"

// BenchmarkEncode gives tokens/s on one core, of the texts of the test data;
// testdata/bench.py does the same with the reference library.
func BenchmarkEncode(b *testing.B) {
	texts := read(b).Texts[15:45]
	for _, name := range []string{"bert", "roberta", "cl100k", "llama", "xlm_roberta", "unigram_whole"} {
		b.Run(name, func(b *testing.B) {
			tok, tokens := load(b, name), 0
			for b.Loop() {
				tokens = 0
				for _, text := range texts {
					tokens += tok.Encode(text).Len()
				}
			}
			b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
