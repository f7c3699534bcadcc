package ingest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"orrery.dev"
)

func zstdText(tb testing.TB, text []byte, options ...zstd.EOption) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestZstd reads what the plain file holds, whatever the file is called, from
// one frame, from several, and behind a frame to be skipped.
func TestZstd(t *testing.T) {
	text := transactionsCSV(20_000)
	head, tail, _ := strings.Cut(string(text), "\n")
	skippable := []byte{0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
	for name, content := range map[string][]byte{
		"x.csv.zst":  zstdText(t, text),
		"x.csv.zstd": zstdText(t, text, zstd.WithEncoderLevel(zstd.SpeedBestCompression)),
		"x":          zstdText(t, text),
		"x.csv":      append(zstdText(t, []byte(head+"\n")), zstdText(t, []byte(tail))...),
		"y.csv.zst":  append(slices.Clone(skippable), zstdText(t, text)...),
	} {
		in := []Input{{Path: write(t, t.TempDir(), name, string(content)), Type: transactionType()}}
		events, rejected, err := drain(t, in, Options{})
		if err != nil || len(rejected) > 0 || len(events) != 20_000 || events[19_999].ID != "19999" {
			t.Errorf("%s: %d events, %v, %v", name, len(events), rejected, err)
		}
	}
	in := []Input{{Path: write(t, t.TempDir(), "x.ndjson.zst", string(zstdText(t, []byte(`{"id":1,"at":"2018-04-01T00:00:31Z"}`)))), Type: everyType()}}
	if events, _, err := drain(t, in, Options{}); err != nil || len(events) != 1 {
		t.Errorf("NDJSON: %d events, %v", len(events), err)
	}
}

// TestTruncatedZstd cuts a file in many places: whole lines before the cut are
// given, then the error.
func TestTruncatedZstd(t *testing.T) {
	whole := zstdText(t, transactionsCSV(20_000))
	most := 0
	for cut := 1; cut < len(whole)-20; cut += len(whole) / 40 {
		in := Input{Path: write(t, t.TempDir(), "x.csv.zst", string(whole[:len(whole)-cut])), Type: transactionType()}
		events, _, err := drain(t, []Input{in}, Options{Sort: cut%2 == 0})
		if orrery.CodeOf(err) != "zstd_truncated" || orrery.KindOf(err) != orrery.Damaged {
			t.Fatalf("cut by %d: %d events, %v", cut, len(events), err)
		}
		most = max(most, len(events))
	}
	if most < 10_000 {
		t.Errorf("at most %d events were given before a cut", most)
	}
}

func TestDamagedZstd(t *testing.T) {
	whole := zstdText(t, transactionsCSV(3000))
	for name, content := range map[string][]byte{
		"middle":   slices.Concat(whole[:len(whole)/2], make([]byte, 200), whole[len(whole)/2+200:]),
		"checksum": slices.Concat(whole[:len(whole)-1], []byte{whole[len(whole)-1] ^ 1}),
		"after":    append(slices.Clone(whole), "more text"...),
	} {
		in := Input{Path: write(t, t.TempDir(), "x.csv.zst", string(content)), Type: transactionType()}
		if events, _, err := drain(t, []Input{in}, Options{}); orrery.CodeOf(err) != "zstd_damaged" {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
	// A frame that asks for a window of 1 GiB, in the form of RFC 8878, 3.1.1.1.2.
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, (30 - 10) << 3, 1, 0, 0}
	in := []Input{{Path: write(t, t.TempDir(), "x.csv.zst", string(wide)), Type: transactionType()}}
	if err := Readable(in); orrery.CodeOf(err) != "zstd_window" || orrery.KindOf(err) != orrery.Invalid {
		t.Errorf("window: %v", err)
	}
	if _, err := Open(context.Background(), in, Options{}); orrery.CodeOf(err) != "zstd_window" {
		t.Errorf("window: %v", err)
	}
}

// TestZstdMemory reads 200 MB of lines over the limit: what is held stays small,
// however well the text compresses.
func TestZstdMemory(t *testing.T) {
	good := `{"id":1,"at":"2018-04-01T00:00:31Z"}` + "\n"
	path := write(t, t.TempDir(), "x.ndjson.zst", string(zstdText(t, []byte(good+strings.Repeat("x", 200<<20)+"\n"+good))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	events, rejected, err := drain(t, []Input{{Path: path, Type: everyType()}}, Options{})
	runtime.ReadMemStats(&after)
	if err != nil || len(events) != 2 || len(rejected) != 1 {
		t.Fatalf("%d events, %d refused, %v", len(events), len(rejected), err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 48<<20 {
		t.Errorf("allocated %d bytes", used)
	}
}

// FuzzUnpack opens any bytes: the outcome is events, rejections or an error with
// a code, and the file's bytes are never more than it has.
func FuzzUnpack(f *testing.F) {
	whole := zstdText(f, transactionsCSV(3))
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(zipped(f, transactionsCSV(3)))
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		in := []Input{{Path: "x", memory: inMemory(string(content)), Type: transactionType()}}
		_, _, err := drain(t, in, Options{Sort: true, Workers: 1, blockSize: 4096})
		var known *orrery.Error
		if err != nil && !errors.As(err, &known) {
			t.Fatal(err)
		}
	})
}
