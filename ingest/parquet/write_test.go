package parquet

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"orrery.dev"
)

func TestWrittenRowsReadBack(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, []OutColumn{{"who", Text}, {"at", Timestamp}, {"fraud", Bool}, {"amount", Double}})
	for i, name := range []string{"ann", "", "bob"} {
		w.Text(0, name)
		w.Instant(1, orrery.Instant(i*1_000_000))
		w.Bool(2, i == 0, i < 2)
		w.Number(3, []float64{1.5, math.NaN(), -2}[i])
		if err := w.Write(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open("x.parquet", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != 3 {
		t.Errorf("%d rows", f.NumRows())
	}
	for name, nulls := range map[string][]bool{
		"who": {false, false, false}, "at": {false, false, false}, "fraud": {false, false, true}, "amount": {false, true, false},
	} {
		cells := column(t, f, name)
		got := make([]bool, len(cells))
		for i, c := range cells {
			got[i] = c == "null"
		}
		if !slices.Equal(got, nulls) {
			t.Errorf("%s: %v", name, cells)
		}
	}
	if who := column(t, f, "who"); who[0] != "ann" || who[2] != "bob" {
		t.Errorf("who: %v", who)
	}
}
