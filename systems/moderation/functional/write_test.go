package functional

import (
	"bytes"
	"encoding/csv"
	"testing"
)

func TestWriteMessages(t *testing.T) {
	cases := Builtin().Cases(nil)
	var b bytes.Buffer
	if err := WriteMessages(&b, cases); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != len(cases)+1 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for i, c := range cases {
		if r := rows[i+1]; r[0] != c.ID || r[1] != c.Text || r[2] != c.Class || r[3] != c.Functionality || r[4] != c.Group {
			t.Errorf("%q of %+v", r, c)
		}
	}
}
