package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery.dev"
)

// drain gives all events of a stream, cloned, its rejections and what ended it.
func drain(t testing.TB, inputs []Input, o Options) (events []orrery.Event, rejected []Rejection, err error) {
	t.Helper()
	s, err := Open(context.Background(), inputs, o)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			return events, rejected, nil
		}
		if err != nil {
			return events, rejected, err
		}
		for _, e := range b.Events {
			e.Values = slices.Clone(e.Values)
			events = append(events, e)
		}
		rejected = append(rejected, b.Rejected...)
		b.Release()
	}
}

// lineOf writes a line of an everyType file that tells where it came from.
func lineOf(id int, at orrery.Instant, note string) string {
	return fmt.Sprintf("%d,%s,%s\n", id, at, note)
}

// history writes a file of n events whose times lie close enough to tie.
func history(r *rand.Rand, file, n int, sorted bool) string {
	times := make([]orrery.Instant, n)
	for i := range times {
		times[i] = orrery.Instant(r.IntN(n/2+1)) * orrery.Instant(orrery.Second)
	}
	if sorted {
		slices.Sort(times)
	}
	out := "id,at,note\n"
	for i, at := range times {
		out += lineOf(i, at, fmt.Sprintf("%d/%d", file, i))
	}
	return out
}

// TestMergeOrder holds the merge against sorting everything by (time, decided on
// or not, input, line).
func TestMergeOrder(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		decided, other := everyType(), everyType()
		decided.Name = "decided"
		type key struct {
			at         orrery.Instant
			rank, file int
			line       int
			note       string
		}
		var inputs []Input
		var want []key
		sorted := r.IntN(2) == 0
		for i := range 1 + r.IntN(5) {
			in := Input{Type: other}
			rank := 0
			if r.IntN(2) == 0 {
				in.Type, rank = decided, 1
			}
			in.Path = write(t, dir, fmt.Sprintf("%d.csv", i), history(r, i, r.IntN(200), sorted))
			inputs = append(inputs, in)
			alone, _, err := drain(t, []Input{in}, Options{Sort: !sorted})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range alone {
				want = append(want, key{e.Time, rank, i, int(e.Values[0].Units()), e.Values[3].Text()})
			}
		}
		slices.SortStableFunc(want, func(a, b key) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
		})
		got, _, err := drain(t, inputs, Options{DecideOn: decided, Sort: !sorted, blockSize: 1 + r.IntN(400), Workers: 1 + r.IntN(4)})
		if err != nil || len(got) != len(want) {
			t.Fatalf("seed %d: %d events, want %d: %v", seed, len(got), len(want), err)
		}
		for i := range got {
			if got[i].Values[3].Text() != want[i].note || got[i].Received != got[i].Time {
				t.Fatalf("seed %d: event %d is %s, want %s", seed, i, got[i].Values[3].Text(), want[i].note)
			}
		}
	}
}

// TestBatches reads more than a batch, with and without releasing.
func TestBatches(t *testing.T) {
	path := write(t, t.TempDir(), "x.csv.gz", string(zipped(t, transactionsCSV(50_000))))
	for _, release := range []bool{false, true} {
		s, err := Open(context.Background(), []Input{{Path: path, Type: transactionType()}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var kept []*Batch
		n := 0
		for {
			b, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range b.Events {
				if e.ID != fmt.Sprint(n) {
					t.Fatalf("event %d has id %s", n, e.ID)
				}
				n++
			}
			if kept = append(kept, b); release {
				b.Release()
			}
		}
		if p := s.Progress(); n != 50_000 || p.Events != 50_000 || p.Read != p.Total || p.Total == 0 {
			t.Errorf("%d events, progress %v", n, p)
		}
		s.Close()
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		if !release {
			n = 0
			for _, b := range kept {
				for _, e := range b.Events {
					if e.Values[0].Text() != fmt.Sprint(n) {
						t.Fatalf("event %d changed to %s", n, e.Values[0].Text())
					}
					n++
				}
			}
		}
	}
}

func TestUnsorted(t *testing.T) {
	text := "id,at,note\n" + lineOf(1, 10, "a") + lineOf(2, 30, "b") + "x\n" + lineOf(3, 20, "c") + lineOf(4, 20, "d") + lineOf(5, 10, "e")
	dir := t.TempDir()
	bad := Input{Path: write(t, dir, "bad.csv", text), Type: everyType()}
	good := Input{Path: write(t, dir, "good.csv", "id,at,note\n"+lineOf(9, 10, "z")), Type: everyType()}
	inputs := []Input{good, bad}
	for _, size := range []int{1, 1 << 20} {
		_, _, err := drain(t, inputs, Options{blockSize: size})
		var unsorted *UnsortedError
		if !errors.As(err, &unsorted) || unsorted.Path != bad.Path || unsorted.Line != 5 || unsorted.Time != 20 || unsorted.Before != 30 {
			t.Fatalf("got %v", err)
		}
		if orrery.CodeOf(err) != "file_unsorted" || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("got %v", err)
		}
		if err := CheckOrder(context.Background(), inputs, Options{}); !errors.As(err, &unsorted) {
			t.Errorf("got %v", err)
		}
		if err := CheckOrder(context.Background(), inputs[:1], Options{}); err != nil {
			t.Errorf("got %v", err)
		}
		if _, _, err := drain(t, inputs, Options{CheckOrder: true}); !errors.As(err, &unsorted) {
			t.Errorf("got %v", err)
		}
		for _, check := range []bool{false, true} {
			events, rejected, err := drain(t, inputs, Options{Sort: true, CheckOrder: check, blockSize: size})
			if err != nil || len(rejected) != 1 || rejected[0].Line != 4 {
				t.Fatalf("got %v, %v", err, rejected)
			}
			notes := ""
			for _, e := range events {
				notes += e.Values[3].Text()
			}
			if notes != "zaecdb" {
				t.Errorf("got %s", notes)
			}
		}
	}
}

// TestTruncatedGzip cuts a file everywhere: every whole line before the cut is
// given, and the error says where the text ends.
func TestTruncatedGzip(t *testing.T) {
	text := transactionsCSV(3000)
	whole := zipped(t, text)
	dir := t.TempDir()
	for cut := 1; cut < len(whole); cut += 997 {
		for _, options := range []Options{{}, {Sort: true}, {CheckOrder: true}} {
			in := Input{Path: write(t, dir, "x.csv.gz", string(whole[:len(whole)-cut])), Type: transactionType()}
			events, _, err := drain(t, []Input{in}, options)
			if orrery.CodeOf(err) != "gzip_truncated" || orrery.KindOf(err) != orrery.Damaged {
				t.Fatalf("cut by %d: %v", cut, err)
			}
			if want := fmt.Sprintf("in line %d, ", len(events)+2); !strings.Contains(err.Error(), want) {
				t.Fatalf("cut by %d: %d events, %v", cut, len(events), err)
			}
			lines := strings.SplitAfter(string(text), "\n")
			if want := fmt.Sprintf("%d bytes of text", len(strings.Join(lines[:len(events)+1], ""))); !strings.Contains(err.Error(), want) && len(events) > 0 {
				t.Fatalf("cut by %d: %v, want %s", cut, err, want)
			}
		}
	}
}

func TestDamagedGzip(t *testing.T) {
	whole := zipped(t, transactionsCSV(3000))
	dir := t.TempDir()
	for name, change := range map[string]func(b []byte) []byte{
		"middle":   func(b []byte) []byte { clear(b[len(b)/2 : len(b)/2+200]); return b },
		"checksum": func(b []byte) []byte { b[len(b)-8] ^= 1; return b },
		"after":    func(b []byte) []byte { return append(b, "more"...) },
	} {
		in := Input{Path: write(t, dir, "x.csv.gz", string(change(slices.Clone(whole)))), Type: transactionType()}
		events, _, err := drain(t, []Input{in}, Options{Sort: true})
		if code := orrery.CodeOf(err); !strings.HasPrefix(code, "gzip_") {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
	// Several gzip members one after the other are one text.
	head, tail, _ := strings.Cut(string(transactionsCSV(10)), "\n")
	in := Input{Path: write(t, dir, "two.gz", string(zipped(t, []byte(head+"\n")))+string(zipped(t, []byte(tail)))), Type: transactionType()}
	if events, _, err := drain(t, []Input{in}, Options{}); err != nil || len(events) != 10 {
		t.Errorf("two members: %d events, %v", len(events), err)
	}
}

// TestHugeLine reads a line of 100 MB without holding it.
func TestHugeLine(t *testing.T) {
	const size = 100 << 20
	good := `{"id":1,"at":"2018-04-01T00:00:31Z"}` + "\n"
	path := write(t, t.TempDir(), "x.ndjson.gz", string(zipped(t, []byte(good+strings.Repeat("x", size)+"\n"+good))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	events, rejected, err := drain(t, []Input{{Path: path, Type: everyType()}}, Options{})
	runtime.ReadMemStats(&after)
	if err != nil || len(events) != 2 || len(rejected) != 1 {
		t.Fatalf("%d events, %v, %v", len(events), rejected, err)
	}
	if got := rejected[0].String(); !strings.HasSuffix(got, ":2:1: the line has 104857600 bytes; at most 1048576 are taken; check the program that writes it") {
		t.Errorf("got %s", got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("allocated %d bytes", used)
	}
}

func TestRejectionLimit(t *testing.T) {
	path := write(t, t.TempDir(), "x.csv", "id,at\n"+strings.Repeat("x,2018-04-01T00:00:31Z\n", 5000)+"1,2018-04-01T00:00:31Z\n")
	for limit, want := range map[int]int{0: 1000, 7: 7, -1: 0} {
		s, err := Open(context.Background(), []Input{{Path: path, Type: everyType()}}, Options{MaxRejections: limit, blockSize: 1000})
		if err != nil {
			t.Fatal(err)
		}
		listed := 0
		for {
			b, err := s.Next()
			if err != nil {
				break
			}
			listed += len(b.Rejected)
		}
		if stats := s.Stats(); listed != want || stats.Rejected != 5000 || stats.Codes["number_invalid"] != 5000 || stats.Events != 1 {
			t.Errorf("limit %d: %d listed, %+v", limit, listed, stats)
		}
		s.Close()
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		path, code, says string
	}{
		{dir + "/none.csv", "file_missing", "there is no file"},
		{dir, "file_is_directory", "is a directory; name a file in it"},
		{write(t, dir, "empty.csv", ""), "file_empty", "is empty"},
		{write(t, dir, "cut.csv.gz", "\x1f\x8b\x08"), "gzip_truncated", "ends in the middle"},
		{write(t, dir, "bad.csv.gz", "\x1f\x8bnot gzip at all"), "gzip_damaged", "is damaged"},
	} {
		in := []Input{{Path: c.path, Type: everyType()}}
		err := Readable(in)
		if orrery.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.path, err)
		}
		if _, err := Open(context.Background(), in, Options{}); orrery.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	// A device can be read once only.
	device := []Input{{Path: os.DevNull, Type: everyType()}}
	if err := CheckOrder(context.Background(), device, Options{}); orrery.CodeOf(err) != "file_not_regular" {
		t.Error(err)
	}
	if err := Readable([]Input{{Path: write(t, dir, "x.csv", "id,at\n")}}); err != nil {
		t.Error(err)
	}
}

// TestStop ends streams early in both ways; no goroutine is left.
func TestStop(t *testing.T) {
	path := write(t, t.TempDir(), "x.csv.gz", string(zipped(t, transactionsCSV(60_000))))
	table := parquetOf(t, payments(60_000, 1522540800_000_000, 9_000_000))
	inputs := []Input{{Path: path, Type: transactionType()}, {Path: path, Type: transactionType()}, {Path: table, Type: transactionType()}}
	before := runtime.NumGoroutine()
	for i := range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		s, err := Open(ctx, inputs, Options{blockSize: 4 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for range i % 3 {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if i%2 == 0 {
			cancel()
			for err == nil {
				_, err = s.Next()
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		s.Close()
		s.Close()
		if _, err := s.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("after closing: %v", err)
		}
		cancel()
	}
	// A goroutine that has been waited for may still be counted for a moment.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}
