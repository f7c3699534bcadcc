package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
)

// contract has a field of every type, an id of either type, and more than eight
// fields.
var contract = &orrery.Contract{
	Entities: []string{"customer", "terminal"},
	Events: []*orrery.EventType{
		{Name: "transaction", Index: 0, IDField: 0, TimeField: 1, Fields: []orrery.Field{
			{Name: "transaction_id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp},
			{Name: "customer", Type: orrery.Entity, Entity: "customer"}, {Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
			{Name: "amount", Type: orrery.Decimal, Scale: 2}, {Name: "items", Type: orrery.Int, Optional: true},
			{Name: "risk", Type: orrery.Float, Optional: true}, {Name: "online", Type: orrery.Bool, Optional: true},
			{Name: "note", Type: orrery.String, Optional: true}, {Name: "settled", Type: orrery.Timestamp, Optional: true},
		}},
		{Name: "tick", Index: 1, IDField: 1, TimeField: 0, Fields: []orrery.Field{
			{Name: "at", Type: orrery.Timestamp}, {Name: "number", Type: orrery.Int},
		}},
		{Name: "fix", Index: 2, IDField: 0, TimeField: 1, Corrects: &orrery.CorrectionOf{Event: "transaction", Names: 2, Withdraws: 4}, Fields: []orrery.Field{
			{Name: "fix_id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp}, {Name: "transaction_id", Type: orrery.String},
			{Name: "amount", Type: orrery.Decimal, Scale: 2, Optional: true}, {Name: "gone", Type: orrery.Bool, Optional: true},
		}},
	},
}

// fix corrects a transaction that was withdrawn, or was not.
func fix(withdrawn bool) *orrery.Event {
	before := *transaction()
	before.Offset = 300
	e := &orrery.Event{Type: contract.Events[2], ID: "f-1", Time: before.Time + 9, Received: before.Received + 9, Values: []orrery.Value{
		orrery.StringValue("f-1"), orrery.TimestampValue(before.Time + 9), orrery.StringValue("tx-000001"), orrery.DecimalValue(99), {}}}
	if withdrawn {
		e.Values[4] = orrery.BoolValue(false)
	}
	e.Corrected = orrery.Correct(e, before, withdrawn)
	return e
}

// TestCorrectionComesBack reads corrections with what they do, and none that
// has been cut short or corrects what it cannot.
func TestCorrectionComesBack(t *testing.T) {
	for _, withdrawn := range []bool{false, true} {
		e := fix(withdrawn)
		data := AppendEvent(nil, fingerprint, e)
		got, err := DecodeEvent(data, contracts)
		if err != nil || !reflect.DeepEqual(&got, e) {
			t.Fatalf("got %+v, %v, want %+v", got, err, e)
		}
		if c := got.Corrected; c.Withdrawn != withdrawn || c.Withdraws || c.After.Values[4] != orrery.DecimalValue(99) || c.Before.Values[4] != orrery.DecimalValue(5716) || c.After.Offset != 300 {
			t.Fatalf("%+v", c)
		}
		for n := range data {
			if _, err := DecodeEvent(data[:n], contracts); err == nil {
				t.Fatalf("%d of %d bytes are read", n, len(data))
			}
		}
	}
	nested, tick := fix(false), fix(false)
	nested.Corrected.Before = *fix(true)
	nested.Corrected.Before.Offset = 1
	tick.Corrected.Before = orrery.Event{Type: contract.Events[1], ID: "7", Offset: 1, Values: []orrery.Value{orrery.TimestampValue(0), orrery.IntValue(7)}}
	nowhere := fix(false)
	nowhere.Corrected.Before.Offset = 0
	for _, e := range []*orrery.Event{nested, tick, nowhere} {
		if got, err := DecodeEvent(AppendEvent(nil, fingerprint, e), contracts); err == nil {
			t.Errorf("%+v is read", got)
		}
	}
}

var asWritten = &orrery.View{Written: contract, Current: contract}

var fingerprint = orrery.Fingerprint{0x29, 0x2f, 0x06, 0x17, 0x87, 0x39, 0xaf, 0x67}

func contracts(f orrery.Fingerprint) *orrery.View {
	if f == fingerprint {
		return asWritten
	}
	return nil
}

func transaction() *orrery.Event {
	return &orrery.Event{Type: contract.Events[0], ID: "tx-000001", Time: 1522540837000000, Received: 1522540838123456,
		Values: []orrery.Value{
			orrery.StringValue("tx-000001"), orrery.TimestampValue(1522540837000000), orrery.EntityValue("596"), orrery.EntityValue("3156"),
			orrery.DecimalValue(5716), orrery.IntValue(-3), orrery.FloatValue(0.25), orrery.BoolValue(true),
			orrery.StringValue("naïve"), {},
		}}
}

func drawValue(t *rapid.T, f orrery.FieldType) orrery.Value {
	switch f {
	case orrery.String:
		return orrery.StringValue(rapid.String().Draw(t, "string"))
	case orrery.Entity:
		return orrery.EntityValue(rapid.String().Draw(t, "entity"))
	case orrery.Timestamp:
		return orrery.TimestampValue(orrery.Instant(rapid.Int64().Draw(t, "timestamp")))
	case orrery.Int:
		return orrery.IntValue(rapid.Int64().Draw(t, "int"))
	case orrery.Decimal:
		return orrery.DecimalValue(rapid.Int64().Draw(t, "decimal"))
	case orrery.Float:
		return orrery.FloatValue(rapid.Float64().Draw(t, "float"))
	}
	return orrery.BoolValue(rapid.Bool().Draw(t, "bool"))
}

func drawEvent(t *rapid.T) *orrery.Event {
	e := &orrery.Event{Type: rapid.SampledFrom(contract.Events).Draw(t, "type"), ID: rapid.String().Draw(t, "id"),
		Time: orrery.Instant(rapid.Int64().Draw(t, "time")), Received: orrery.Instant(rapid.Int64().Draw(t, "received"))}
	for _, f := range e.Type.Fields {
		var v orrery.Value
		if rapid.IntRange(0, 3).Draw(t, "present") > 0 {
			v = drawValue(t, f.Type)
		}
		e.Values = append(e.Values, v)
	}
	if id := e.Values[e.Type.IDField]; !id.IsMissing() && rapid.Bool().Draw(t, "id from field") {
		e.ID = id.Format(0)
	}
	if at := e.Values[e.Type.TimeField]; !at.IsMissing() && rapid.Bool().Draw(t, "time from field") {
		e.Time = at.Instant()
	}
	return e
}

func TestEventComesBack(t *testing.T) {
	var again orrery.Event
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		data := AppendEvent([]byte("before"), fingerprint, e)[len("before"):]
		got, err := DecodeEvent(data, contracts)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&got, e) {
			t.Fatalf("got %+v, want %+v", got, *e)
		}
		if err := DecodeEventInto(&again, data, contracts); err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("into a used event: %+v, %v", again, err)
		}
		for i := range data {
			if _, err := DecodeEvent(data[:i], contracts); orrery.CodeOf(err) != "record_damaged" && orrery.CodeOf(err) != "contract_unknown" {
				t.Fatalf("the first %d of %d bytes: %v", i, len(data), err)
			}
		}
		if _, err := DecodeEvent(append(data, 0), contracts); orrery.CodeOf(err) != "record_damaged" {
			t.Fatalf("a byte more: %v", err)
		}
	})
}

func TestEventIsSmall(t *testing.T) {
	data := AppendEvent(nil, fingerprint, transaction())
	if size := len(data) - HeaderSize; size > 60 {
		t.Fatalf("an event has %d bytes after the header", size)
	}
}

// TestEventRefused damages a record at one place after another.
func TestEventRefused(t *testing.T) {
	const flagsAt, typeAt, textsAt, presentAt = HeaderSize, HeaderSize + 1, HeaderSize + 2, HeaderSize + 3
	tests := []struct {
		name   string
		change func([]byte) []byte
		code   string
	}{
		{"empty", func([]byte) []byte { return nil }, "record_damaged"},
		{"newer", func(b []byte) []byte { b[0] = Version + 1; return b }, "record_newer"},
		{"newer and short", func([]byte) []byte { return []byte{9} }, "record_newer"},
		{"version 0", func(b []byte) []byte { b[0] = 0; return b }, "record_damaged"},
		{"no kind", func(b []byte) []byte { b[1] = 0; return b }, "record_damaged"},
		{"another kind", func(b []byte) []byte { b[1] = byte(DecisionKind); return b }, "record_damaged"},
		{"unknown kind", func(b []byte) []byte { b[1] = 4; return b }, "record_damaged"},
		{"unknown contract", func(b []byte) []byte { b[2]++; return b }, "contract_unknown"},
		{"unknown flag", func(b []byte) []byte { b[flagsAt] = 4; return b }, "record_damaged"},
		{"unknown type", func(b []byte) []byte { b[typeAt] = 2; return b }, "record_damaged"},
		{"type not in its shortest form", func(b []byte) []byte {
			return append(b[:typeAt:typeAt], append([]byte{0x80, 0}, b[textsAt:]...)...)
		}, "record_damaged"},
		{"an endless number", func(b []byte) []byte {
			return append(b[:typeAt:typeAt], bytes.Repeat([]byte{0x80}, 20)...)
		}, "record_damaged"},
		{"a field too many", func(b []byte) []byte { b[presentAt+1] |= 4; return b }, "record_damaged"},
		{"a field less", func(b []byte) []byte { b[presentAt] &^= 1 << 5; return b }, "record_damaged"},
		{"a bool of two", func(b []byte) []byte { b[bytes.Index(b, []byte{0xd0, 0x3f, 1})+2]++; return b }, "record_damaged"},
		{"texts that end early", func(b []byte) []byte { b[textsAt]--; return b }, "record_damaged"},
		{"texts that go on", func(b []byte) []byte { b[textsAt]++; return b }, "record_damaged"},
		{"texts longer than the record", func(b []byte) []byte { b[textsAt] += 64; return b }, "record_damaged"},
		{"a long text", func(b []byte) []byte { b[presentAt+2] += 5; return b }, "record_damaged"},
		{"a text of 2^63", func(b []byte) []byte {
			huge := binary.AppendUvarint(nil, 1<<63)
			return append(b[:presentAt+2:presentAt+2], append(huge, b[presentAt+3:]...)...)
		}, "record_damaged"},
	}
	for _, test := range tests {
		_, err := DecodeEvent(test.change(AppendEvent(nil, fingerprint, transaction())), contracts)
		if orrery.CodeOf(err) != test.code {
			t.Errorf("%s: %v, want code %s", test.name, err, test.code)
		}
	}
}

func TestAppendEventRefusesWhatDoesNotFit(t *testing.T) {
	short, wrong := transaction(), transaction()
	short.Values = short.Values[:3]
	wrong.Values[4] = orrery.IntValue(1)
	for _, e := range []*orrery.Event{short, wrong} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was encoded", e.Values)
				}
			}()
			AppendEvent(nil, fingerprint, e)
		}()
	}
}

// FuzzDecodeEvent holds every input that decodes to be the encoding of what it
// decodes to.
func FuzzDecodeEvent(f *testing.F) {
	f.Add(AppendEvent(nil, fingerprint, fix(false)))
	f.Add(AppendEvent(nil, fingerprint, fix(true)))
	f.Add(AppendEvent(nil, fingerprint, transaction()))
	other := transaction()
	other.ID, other.Time, other.Values[7], other.Values[9] = "other", math.MinInt64, orrery.Value{}, orrery.TimestampValue(math.MaxInt64)
	f.Add(AppendEvent(nil, fingerprint, other))
	f.Add(AppendEvent(nil, fingerprint, &orrery.Event{Type: contract.Events[1], ID: "7", Values: []orrery.Value{orrery.TimestampValue(0), orrery.IntValue(7)}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEvent(data, contracts)
		if err != nil {
			return
		}
		again := AppendEvent(nil, fingerprint, &e)
		if again[0] = data[0]; !bytes.Equal(again, data) {
			t.Fatalf("%x decodes to %+v, which is %x", data, e, again)
		}
	})
}

// TestReadUnderALaterContract reads the golden records as events of a contract
// that has more fields and events.
func TestReadUnderALaterContract(t *testing.T) {
	later, faults := contract.Merge(&orrery.Contract{Entities: contract.Entities, Events: []*orrery.EventType{
		{Name: "another", Fields: []orrery.Field{{Name: "id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp}}, TimeField: 1},
		contract.Events[1], contract.Events[2],
		{Name: "transaction", IDField: 1, TimeField: 2, Fields: append([]orrery.Field{
			{Name: "channel", Type: orrery.String, Default: orrery.StringValue("web")}}, append(contract.Events[0].Fields[:len(contract.Events[0].Fields):len(contract.Events[0].Fields)],
			orrery.Field{Name: "fee", Type: orrery.Decimal, Scale: 2, Default: orrery.DecimalValue(150)}, orrery.Field{Name: "more", Type: orrery.Bool, Optional: true})...)},
	}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	view := &orrery.View{Written: contract, Current: later}
	read := func(orrery.Fingerprint) *orrery.View { return view }
	var e orrery.Event
	for name, was := range goldenEvents() {
		if err := DecodeEventInto(&e, goldenRecords(t, 1)[name], read); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := append(was.Values[:len(was.Values):len(was.Values)], []orrery.Value{orrery.StringValue("web"), orrery.DecimalValue(150), {}}...)
		if was.Type.Name == "tick" {
			want = was.Values
		}
		if e.Type != later.Event(was.Type.Name) || !reflect.DeepEqual(e.Values, want) || e.ID != was.ID || e.Time != was.Time {
			t.Errorf("%s is read as %v, want values %v", name, e, want)
		}
		// Written under the later contract, it reads back as itself.
		again, err := DecodeEvent(AppendEvent(nil, later.Fingerprint(), &e), func(orrery.Fingerprint) *orrery.View {
			return &orrery.View{Written: later, Current: later}
		})
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%s is read again as %v, %v, want %v", name, again, err, e)
		}
	}
}
