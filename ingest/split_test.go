package ingest

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// recordsOf cuts a text into records, in blocks of a size. A line over the limit
// is "…".
func recordsOf(t *testing.T, r io.Reader, csv bool, size, limit int) []string {
	t.Helper()
	s := splitter{r: r, csv: csv, limit: limit, size: size, line: 1, take: func(n int) []byte { return make([]byte, 0, n) }}
	var out []string
	line, offset := int64(1), int64(0)
	for {
		p, err := s.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.line != line || p.offset != offset {
			t.Fatalf("a piece at line %d, byte %d; want %d, %d", p.line, p.offset, line, offset)
		}
		if p.tooLong > 0 {
			out = append(out, "…")
			line, offset = s.line, s.offset
			continue
		}
		line, offset = line+int64(p.lines), offset+int64(len(p.text))
		for text, ends := string(p.text), p.ends; text != ""; {
			var record string
			record, text, ends = cutRecord(text, ends, len(p.text))
			if len(trimLine(record)) > limit {
				record = "…"
			}
			out = append(out, record)
		}
	}
}

// TestSplitAnyWay cuts random texts full of quotes and breaks into blocks of all
// sizes: the records are the same, and together they are the text.
func TestSplitAnyWay(t *testing.T) {
	const alphabet = "\",a\n\r\"\n,"
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		b := make([]byte, r.IntN(60))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		text := string(b)
		limit := 5 + r.IntN(40)
		want := recordsOf(t, strings.NewReader(text), true, 1000, limit)
		for _, size := range []int{1, 2, 3, 7, 16} {
			got := recordsOf(t, iotest.OneByteReader(strings.NewReader(text)), true, size, limit)
			if !slices.Equal(got, want) {
				t.Fatalf("%q, limit %d: blocks of %d give %q, one gives %q", text, limit, size, got, want)
			}
		}
		if joined := strings.Join(want, ""); !slices.Contains(want, "…") && joined != text {
			t.Fatalf("%q became %q", text, joined)
		}
	}
}

func TestSplitLines(t *testing.T) {
	text := "a\n\nbb\r\n" + strings.Repeat("c", 50) + "\nd\n\"e\nf"
	want := []string{"a\n", "\n", "bb\r\n", "…", "d\n", "\"e\n", "f"}
	for size := range 70 {
		if got := recordsOf(t, strings.NewReader(text), false, size+1, 20); !slices.Equal(got, want) {
			t.Errorf("blocks of %d: %q", size+1, got)
		}
	}
}
