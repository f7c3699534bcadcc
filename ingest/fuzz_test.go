package ingest

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"orrery.dev"
)

// FuzzNDJSON holds the stream against decoding line by line, at two block sizes.
func FuzzNDJSON(f *testing.F) {
	f.Add(strings.Join(jsonSeeds, "\n"))
	f.Add("{\"id\":1,\"at\":\"2018-04-01T00:00:31Z\"}\r\n\n \r\n{\"id\":2}\n{")
	f.Fuzz(func(t *testing.T, text string) {
		in := func() []Input { return []Input{{Path: "x.ndjson", memory: inMemory(text), Type: everyType()}} }
		small, smallRejected, smallErr := drain(t, in(), Options{blockSize: 5, MaxLine: 200, Sort: true, Workers: 1})
		events, rejected, err := drain(t, in(), Options{blockSize: 4096, MaxLine: 200, Sort: true})
		if orrery.CodeOf(err) != orrery.CodeOf(smallErr) || len(small) != len(events) || len(smallRejected) != len(rejected) {
			t.Fatalf("%q: %d and %d events, %v, %v", text, len(events), len(small), err, smallErr)
		}
		if err != nil {
			return
		}
		d := NewDecoder(everyType())
		var ids []string
		refused := 0
		for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
			line = strings.TrimSuffix(line, "\r")
			e, err := d.Decode([]byte(line))
			switch {
			case strings.Trim(line, " \t\r") == "":
			case err != nil || len(line) > 200:
				refused++
			default:
				ids = append(ids, e.ID)
			}
		}
		var got []string
		for _, e := range events {
			got = append(got, e.ID)
		}
		slices.Sort(ids)
		slices.Sort(got)
		if !slices.Equal(got, ids) || refused != len(rejected) {
			t.Fatalf("%q: ids %q, want %q; %d refused, want %d", text, got, ids, len(rejected), refused)
		}
	})
}

// FuzzCSV reads any text as CSV: however it is cut into blocks the outcome is
// the same, each line is accounted for, and what encoding/csv understands
// without a fault is read alike.
func FuzzCSV(f *testing.F) {
	f.Add("1,2018-04-01T00:00:31Z,\"a,\"\"b\"\"\nc\"\n2,2018-04-01T00:00:32Z,x\r\n")
	f.Add("1,2018-04-01T00:00:31Z,\"never\n2,2018-04-01T00:00:32Z,x\n")
	f.Add("1,2018-04-01T00:00:31Z,a\"b\n\"2\",\"2018-04-01T00:00:32Z\",\"\"\n,,\n\n\"")
	f.Fuzz(func(t *testing.T, rows string) {
		text := "id,at,note\n" + rows
		in := func() []Input { return []Input{{Path: "x.csv", memory: inMemory(text), Type: everyType()}} }
		o := Options{Sort: true, MaxLine: 64, blockSize: 4096}
		if len(text) < 10 {
			return
		}
		want := transcript(in(), o)
		for _, o.blockSize = range []int{1, 3, 64} {
			if got := transcript(in(), o); got != want {
				t.Fatalf("%q in blocks of %d:\n%s\nand whole:\n%s", text, o.blockSize, got, want)
			}
		}
		if !strings.Contains(rows, "\r") {
			compareCSV(t, text, in())
		}
	})
}

// compareCSV expects, of the records that encoding/csv reads, those that have
// three cells and decode as JSON would.
func compareCSV(t *testing.T, text string, in []Input) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return
	}
	d := NewDecoder(everyType())
	var want []string
	for _, record := range records[1:] {
		if len(record) != 3 || !utf8.ValidString(strings.Join(record, "")) {
			continue
		}
		id, wrongID := d.rules[0].value(record[0], &dayCache{})
		_, wrongTime := d.rules[1].value(record[1], &dayCache{})
		if _, wrongNote := d.rules[3].value(record[2], &dayCache{}); wrongID == fine && wrongTime == fine && wrongNote == fine {
			want = append(want, id.Format(0)+"|"+record[2])
		}
	}
	events, _, err := drain(t, in, Options{Sort: true, blockSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.ID+"|"+e.Values[3].Text())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%q: got %q, want %q", text, got, want)
	}
}

// TestCSVRoundTrip writes texts with encoding/csv and reads them back.
func TestCSVRoundTrip(t *testing.T) {
	notes := []string{"plain", "a,b", `say "hi"`, "two\nlines", `"`, `""`, ",", "\n", " x ", "é😀", "a\rb", `\`, "'", "\t"}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"note", "id", "at"})
	for _, note := range notes {
		_ = w.Write([]string{note, "1", "2018-04-01T00:00:31Z"})
	}
	w.Flush()
	path := write(t, t.TempDir(), "x.csv", b.String())
	for _, size := range []int{1, 20, 0} {
		events, rejected, err := drain(t, []Input{{Path: path, Type: everyType()}}, Options{blockSize: size})
		if err != nil || len(rejected) > 0 || len(events) != len(notes) {
			t.Fatalf("%d events, %v, %v", len(events), rejected, err)
		}
		for i, e := range events {
			if e.Values[3].Text() != notes[i] {
				t.Errorf("%q became %q", notes[i], e.Values[3].Text())
			}
		}
	}
}
