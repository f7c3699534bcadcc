package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
)

// TestReceivedColumn reads a received time in each format; an event known
// before it happened is refused, one known at once is not.
func TestReceivedColumn(t *testing.T) {
	const at = "2018-04-01T00:00:10Z"
	csv := "id,known,at,note\n" +
		"1," + at + "," + at + ",equal\n" +
		"2,2018-04-01T00:00:09.999999Z," + at + ",before\n" +
		"3,2018-04-01T02:00:11+02:00," + at + ",later\n" +
		"4,," + at + ",none\n" +
		"5,soon," + at + ",no timestamp\n" +
		"6,2018-04-01T00:00:11Z,never,no time\n"
	var nd strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(csv), "\n")[1:] {
		c := strings.Split(line, ",")
		fmt.Fprintf(&nd, `{"id":%s,"known":%q,"at":%q,"note":%q}`+"\n", c[0], c[1], c[2], c[3])
	}
	const before = "`known` is 2018-04-01T00:00:09.999999Z, before the event happened at 2018-04-01T00:00:10Z; " +
		"an event is known when it happens or later: check the clocks, or leave the event out"
	dir := t.TempDir()
	for name, text := range map[string]string{"x.csv": csv, "x.ndjson": nd.String()} {
		in := Input{Path: write(t, dir, name, text), Type: everyType(), Received: "known"}
		for _, size := range []int{1, 0} {
			events, rejected, err := drain(t, []Input{in}, Options{blockSize: size})
			if err != nil || len(events) != 2 || len(rejected) != 4 {
				t.Fatalf("%s: %d events, %v, %v", name, len(events), rejected, err)
			}
			for i, gap := range []orrery.Duration{0, orrery.Second} {
				e := events[i]
				if e.Time.String() != at || e.Received != e.Time.Add(gap) || len(e.Values) != len(e.Type.Fields) {
					t.Errorf("%s: event %d at %s, received %s, %d values", name, i, e.Time, e.Received, len(e.Values))
				}
			}
			if got := rejected[0].String(); !strings.HasSuffix(got, before) || rejected[0].Faults[0].Code != "received_before_time" {
				t.Errorf("%s: %s", name, got)
			}
			if got := rejected[3].Faults; len(got) != 1 || got[0].Field != "at" {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
	_, rejected, _ := drain(t, []Input{{Path: write(t, dir, "y.csv", csv), Type: everyType(), Received: "known"}}, Options{})
	for i, want := range []string{"3:3 received_before_time", "5:3 field_missing", "6:3 timestamp_invalid", "7:24 timestamp_invalid"} {
		if got := fmt.Sprintf("%d:%d %s", rejected[i].Line, rejected[i].Column, rejected[i].Faults[0].Code); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestReceivedAsNull lacks the key altogether, or has null for it.
func TestReceivedAsNull(t *testing.T) {
	text := `{"id":1,"at":"2018-04-01T00:00:31Z","known":null}` + "\n" + `{"id":1,"at":"2018-04-01T00:00:31Z"}` + "\n"
	in := Input{Path: write(t, t.TempDir(), "x.ndjson", text), Type: everyType(), Received: "known"}
	events, rejected, err := drain(t, []Input{in}, Options{})
	if err != nil || len(events) != 0 || len(rejected) != 2 {
		t.Fatalf("%d events, %v, %v", len(events), rejected, err)
	}
	for _, r := range rejected {
		if r.Faults[0].Code != "field_missing" || r.Faults[0].Message != "the received time `known` is missing" {
			t.Errorf("got %v", r)
		}
	}
}

func TestReceivedErrors(t *testing.T) {
	path := write(t, t.TempDir(), "x.csv", "id,at,knwon\n1,2018-04-01T00:00:31Z,2018-04-01T00:00:31Z\n")
	_, _, err := drain(t, []Input{{Path: path, Type: everyType(), Received: "known"}}, Options{})
	if orrery.CodeOf(err) != "header_missing" || !strings.Contains(err.Error(), "lacks the column `known` of the received time; rename the column `knwon` to `known`") {
		t.Errorf("got %v", err)
	}
	_, _, err = drain(t, []Input{{Path: path, Type: everyType(), Received: "seen"}}, Options{})
	if orrery.CodeOf(err) != "received_is_field" {
		t.Errorf("got %v", err)
	}
}

// TestReceivedOrder merges files of which some have a received time, against
// sorting everything by (received, decided on or not, input, line).
func TestReceivedOrder(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		dir := t.TempDir()
		decided, other := everyType(), everyType()
		decided.Name = "decided"
		type key struct {
			received         orrery.Instant
			rank, file, line int
		}
		var inputs []Input
		var want []key
		sorted := r.IntN(2) == 0
		for i := range 1 + r.IntN(4) {
			in, rank := Input{Type: other}, 0
			if r.IntN(2) == 0 {
				in.Type, rank = decided, 1
			}
			known := r.IntN(3) > 0
			if known {
				in.Received = "known"
			}
			var rows []key
			for line := range r.IntN(100) {
				rows = append(rows, key{orrery.Instant(r.IntN(40)) * 1e6, rank, i, line})
			}
			if sorted {
				slices.SortStableFunc(rows, func(a, b key) int { return cmp.Compare(a.received, b.received) })
			}
			text := "id,at,known,count,note\n"
			for line := range rows {
				rows[line].line = line
				at := rows[line].received
				if known {
					at -= orrery.Instant(r.IntN(40)) * 1e6
				}
				text += fmt.Sprintf("%d,%s,%s,%d,%d\n", line, at, rows[line].received, i, line)
			}
			in.Path = write(t, dir, fmt.Sprintf("%d.csv", i), text)
			inputs, want = append(inputs, in), append(want, rows...)
		}
		slices.SortFunc(want, func(a, b key) int {
			return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.rank, b.rank), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
		})
		got, _, err := drain(t, inputs, Options{DecideOn: decided, Sort: !sorted, blockSize: 1 + r.IntN(400), Workers: 1 + r.IntN(3)})
		if err != nil || len(got) != len(want) {
			t.Fatalf("seed %d: %d events, want %d: %v", seed, len(got), len(want), err)
		}
		for i, e := range got {
			if w := want[i]; e.Received != w.received || int(e.Values[4].Units()) != w.file || e.ID != fmt.Sprint(w.line) {
				t.Fatalf("seed %d: event %d is %s of file %d, want %v", seed, i, e.ID, e.Values[4].Units(), w)
			}
		}
	}
}

// TestReceivedUnsorted has times in order and received times that are not.
func TestReceivedUnsorted(t *testing.T) {
	text := "id,at,known\n1,2018-04-01T00:00:01Z,2018-04-01T00:00:09Z\n2,2018-04-01T00:00:02Z,2018-04-01T00:00:03Z\n"
	in := []Input{{Path: write(t, t.TempDir(), "x.csv", text), Type: everyType(), Received: "known"}}
	for _, size := range []int{1, 0} {
		_, _, err := drain(t, in, Options{blockSize: size})
		var unsorted *UnsortedError
		if !errors.As(err, &unsorted) || unsorted.Line != 3 || !strings.Contains(err.Error(), "is not in the order of received times: line 3 was received at 2018-04-01T00:00:03Z") {
			t.Errorf("got %v", err)
		}
	}
	if err := CheckOrder(context.Background(), in, Options{}); orrery.CodeOf(err) != "file_unsorted" {
		t.Errorf("got %v", err)
	}
	events, _, err := drain(t, in, Options{Sort: true})
	if err != nil || len(events) != 2 || events[0].ID != "2" {
		t.Errorf("got %v, %v", events, err)
	}
}
