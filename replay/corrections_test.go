package replay_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"orrery.dev/ingest"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
)

// TestCorrectionsInFiles: each says what it does to the event as it stood, one at
// the same instant as its event comes behind it, and one that names nothing
// before it is refused.
func TestCorrectionsInFiles(t *testing.T) {
	s := orrerytest.Spec(t, `orrery: 1
system: shop
entities: [buyer]
events:
  order: {id: order_id, time: at, fields: {order_id: string, at: timestamp, buyer: entity, amount: int, pieces: int}}
  fix:
    corrects: order
    withdraws: gone
    id: fix_id
    time: at
    fields: {fix_id: string, at: timestamp, order_id: string, amount: {type: int, optional: true}, pieces: {type: int, optional: true}, gone: {type: bool, optional: true}}
decide_on: order
features: {n: {count: order, by: buyer, window: 1d}}
policy: [{action: approve}]
`)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inputs := []ingest.Input{
		{Type: s.Contract.Event("fix"), Path: write("fix.csv", `fix_id,at,order_id,amount,pieces,gone
early,2024-01-01T00:00:00Z,2,7,,
a,2024-01-01T00:00:00Z,1,11,,
b,2024-01-01T00:02:00Z,1,,5,
a,2024-01-01T00:03:00Z,1,11,,
c,2024-01-01T00:04:00Z,1,12,,true
never,2024-01-01T00:05:00Z,9,7,,
`)},
		{Type: s.Contract.Event("order"), Path: write("order.csv", `order_id,at,buyer,amount,pieces
1,2024-01-01T00:00:00Z,b,10,1
2,2024-01-01T00:01:00Z,b,20,2
`)},
	}
	files, err := replay.FromFiles(t.Context(), s, inputs, replay.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	type seen struct {
		id             string
		amount, pieces int64
		gone           bool
	}
	var got []seen
	for {
		b, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Events {
			e := &b.Events[i]
			if c := e.Corrected; c != nil {
				got = append(got, seen{e.ID, c.After.Values[3].Units(), c.After.Values[4].Units(), c.Withdraws})
			} else {
				got = append(got, seen{id: e.ID})
			}
		}
	}
	want := []seen{{id: "1"}, {"a", 11, 1, false}, {id: "2"}, {"b", 11, 5, false}, {"c", 12, 5, true}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	if st := files.Stats(); st.Refused != 2 || st.Reasons["corrected_event_unknown"] != 2 || st.Repeated != 1 || len(st.First) != 2 {
		t.Errorf("%+v", st)
	}
}
