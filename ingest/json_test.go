package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"orrery.dev"
)

func typeOf(name string) *orrery.EventType {
	for _, t := range []*orrery.EventType{transactionType(), reportType(), everyType()} {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// TestJSON runs testdata/json*: each case is one event, with Go's escapes if it
// says so, and gives the event as it is written back, or every fault.
func TestJSON(t *testing.T) {
	datadriven.Walk(t, "testdata/json", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, c *datadriven.TestData) string {
			input := c.Input
			if c.HasArg("escaped") {
				text, err := strconv.Unquote(`"` + input + `"`)
				if err != nil {
					t.Fatal(err)
				}
				input = text
			}
			e, err := NewDecoder(typeOf(c.Cmd)).Decode([]byte(input))
			if err == nil {
				return fmt.Sprintf("%s\nid %q at %s\n", AppendJSON(nil, &e), e.ID, e.Time)
			}
			return faultsText(err)
		})
	})
}

func faultsText(err error) string {
	var wrong *EventError
	if !errors.As(err, &wrong) {
		return "unexpected: " + err.Error()
	}
	var b strings.Builder
	for _, f := range wrong.Faults {
		fmt.Fprintf(&b, "%d %s", f.Offset, f.Code)
		if f.Field != "" {
			fmt.Fprintf(&b, " [%s]", f.Field)
		}
		fmt.Fprintf(&b, ": %s\n", f)
	}
	return b.String()
}

func TestEventErrorIsInvalid(t *testing.T) {
	_, err := NewDecoder(transactionType()).Decode([]byte(`{"transaction_id":"1","at":"2018-04-01T00:00:31Z","customer":"5","terminal":"6","amount":-1}`))
	if orrery.KindOf(err) != orrery.Invalid || orrery.CodeOf(err) != "event_invalid" {
		t.Errorf("kind %d, code %q", orrery.KindOf(err), orrery.CodeOf(err))
	}
	var e *orrery.Error
	if !errors.As(err, &e) || e.Field != "amount" {
		t.Errorf("got %v", err)
	}
	if want := "the transaction is refused: `amount` is -1, below its minimum 0.00"; err.Error() != want {
		t.Errorf("got %q, want %q", err.Error(), want)
	}
}

func TestDecodeKeepsNothingOfItsInput(t *testing.T) {
	data := []byte(`{"transaction_id":"17","at":"2018-04-01T00:00:31Z","customer":"c\u0041","terminal":6,"amount":"57.160"}`)
	e, err := NewDecoder(transactionType()).Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	want := []orrery.Value{orrery.StringValue("17"), orrery.TimestampValue(1522540831_000_000), orrery.EntityValue("cA"), orrery.EntityValue("6"), orrery.DecimalValue(5716)}
	if e.ID != "17" || e.Time != 1522540831_000_000 || e.Received != e.Time || !slices.Equal(e.Values, want) {
		t.Errorf("got %+v", e)
	}
}

// TestManyFields has more fields than the bits kept for the usual type.
func TestManyFields(t *testing.T) {
	wide := &orrery.EventType{Name: "wide", TimeField: 1, Fields: []orrery.Field{{Name: "id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp}}}
	text := `{"id":"1","at":"2018-04-01T00:00:31Z"`
	for i := range 400 {
		name := "f" + strconv.Itoa(i)
		wide.Fields = append(wide.Fields, orrery.Field{Name: name, Type: orrery.Int})
		text += fmt.Sprintf(`,"%s":%d`, name, i)
	}
	d := NewDecoder(wide)
	e, err := d.Decode([]byte(text + "}"))
	if err != nil || e.Values[401].Units() != 399 {
		t.Fatalf("got %v", err)
	}
	if _, err := d.Decode([]byte(text + `,"f399":1}`)); err == nil || !strings.Contains(err.Error(), "`f399` is there twice") {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	d := NewDecoder(everyType())
	event := func(id, note string) []byte {
		return []byte(`{"id":1,"at":"2018-04-01T00:00:31Z","who":"` + id + `","note":"` + note + `"}`)
	}
	if _, err := d.Decode(event(strings.Repeat("k", MaxKey), strings.Repeat("n", MaxString))); err != nil {
		t.Error(err)
	}
	_, err := d.Decode(event(strings.Repeat("k", MaxKey+1), strings.Repeat("n", MaxString+1)))
	want := "42 text_too_long [who]: `who` has 4097 bytes; at most 4096 are taken; shorten it\n" +
		"4149 text_too_long [note]: `note` has 65537 bytes; at most 65536 are taken; shorten it\n"
	if got := faultsText(err); got != want {
		t.Errorf("got %s", got)
	}
	deep := func(n int) []byte {
		return []byte(`{"id":1,"at":"2018-04-01T00:00:31Z","note":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`)
	}
	if _, err := d.Decode(deep(MaxDepth)); strings.Contains(err.Error(), "nested") {
		t.Error(err)
	}
	if _, err := d.Decode(deep(1_000_000)); !strings.Contains(err.Error(), "nested more than 32 deep") {
		t.Error(err)
	}
}

var jsonSeeds = []string{
	`{"id":1,"at":"2018-04-01T00:00:31Z"}`,
	`{"id":12,"at":"2018-04-01T02:00:31.5+02:00","who":17,"note":"\ud83d\ude00 \n","count":5,"price":"0.10","ratio":-1e-3,"ok":true,"seen":null}`,
	`{"id":1,"at":"x","nope":[{"a":[1,2,{"b":null}]}],"price":57.165,"price":1}`,
	`{"id":NaN,"at":-Infinity}`, `{`, `[]`, `{"a":}`, `{"a":"\ud800"}`, "{\"id\":\"\xff\"}", `{"id":1}{}`, `{"note":{"a":01}}`,
}

// FuzzDecode holds the decoder against encoding/json: what it takes is valid
// JSON with the same members, what it calls broken is broken. What it takes, it
// takes again from its own writing.
func FuzzDecode(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	d := NewDecoder(everyType())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := d.Decode(data)
		valid := json.Valid(data)
		if err != nil {
			var wrong *EventError
			if !errors.As(err, &wrong) || len(wrong.Faults) == 0 {
				t.Fatalf("%q: %v", data, err)
			}
			for _, fault := range wrong.Faults {
				if valid && (fault.Code == "json_invalid" || fault.Code == "json_trailing") {
					t.Fatalf("%q is valid, yet: %s", data, fault)
				}
				if fault.Offset < 0 || fault.Offset > len(data) || fault.Message == "" {
					t.Fatalf("%q: %+v", data, fault)
				}
			}
			return
		}
		if !valid {
			t.Fatalf("%q is broken, yet taken", data)
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for i, field := range e.Type.Fields {
			member := members[field.Name]
			if (member == nil) != e.Values[i].IsMissing() {
				t.Fatalf("%q: %s is %v", data, field.Name, e.Values[i])
			}
			if text, ok := member.(string); ok && (field.Type == orrery.String || field.Type == orrery.Entity) && text != e.Values[i].Text() {
				t.Fatalf("%q: %s is %q", data, field.Name, e.Values[i].Text())
			}
		}
		again, err := d.Decode(AppendJSON(nil, &e))
		if err != nil || again.ID != e.ID || again.Time != e.Time || !slices.Equal(again.Values, e.Values) {
			t.Fatalf("%q became %s: %v", data, AppendJSON(nil, &e), err)
		}
	})
}
