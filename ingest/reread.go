package ingest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery.dev"
)

// Reread decodes refused input again, as the contract says now. A received time
// in it is ignored: the event becomes known when it is accepted. The error is an
// *EventError, or an *orrery.Error with code input_cut, input_columns or
// event_unknown where the input cannot be read at all.
func (in RawInput) Reread(contract *orrery.Contract, event string) (orrery.Event, error) {
	if !in.Whole() {
		return orrery.Event{}, orrery.Errorf(orrery.TooLarge, "input_cut", "of %d bytes of the input, the first %d were kept", in.Length, len(in.Text)).
			WithNext("give the whole of it: --file")
	}
	if in.Format == InputCloudEvent {
		return CloudEvents{Decoders: Decoders(contract)}.Decode([]byte(in.Text))
	}
	d, err := in.decoder(contract, event)
	if err != nil {
		return orrery.Event{}, err
	}
	if in.Format == InputCSV {
		return d.record(in)
	}
	return d.Decode([]byte(in.Text))
}

func (in RawInput) decoder(contract *orrery.Contract, event string) (*Decoder, error) {
	t := contract.Event(event)
	if t == nil {
		return nil, orrery.Errorf(orrery.Invalid, "event_unknown", "the system has no event %q", event).
			WithNext("drop it, or declare the event")
	}
	d := NewDecoder(t)
	if _, field := d.index[in.Received]; !field {
		d.passed = in.Received
	}
	return d, nil
}

// record decodes a single record of CSV.
func (d *Decoder) record(in RawInput) (orrery.Event, error) {
	if len(in.Columns) == 0 {
		return orrery.Event{}, orrery.Errorf(orrery.Invalid, "input_columns", "the names of the columns were too long to be kept").
			WithNext("give the event as JSON: --file")
	}
	h, err := d.matchHeader(&file{path: "the file"}, in.Columns)
	if err != nil {
		return orrery.Event{}, err
	}
	p := blockParser{parser: parser{Decoder: d}, header: h, quoted: true}
	p.parser.values = make([]orrery.Value, len(d.rules))
	event, ok := p.row(in.Text)
	if !utf8.ValidString(in.Text) {
		p.parser.checkUTF8()
		ok = false
	}
	if !ok {
		return orrery.Event{}, &EventError{Event: d.event.Name, Faults: p.parser.faults}
	}
	return event, nil
}

// With gives the input with other values for the named fields of its event, as
// text: an empty one leaves the field out. The error has code input_broken
// where the text cannot be taken apart, field_unknown or input_columns.
func (in RawInput) With(t *orrery.EventType, values map[string]string) (RawInput, error) {
	if len(values) == 0 {
		return in, nil
	}
	var text string
	var err error
	switch in.Format {
	case InputCSV:
		text, err = in.withCells(values)
	case InputCloudEvent:
		text, err = withMembers(in.Text, "data", t, values)
	default:
		text, err = withMembers(in.Text, "", t, values)
	}
	in.Text, in.Length = text, int64(len(text))
	return in, err
}

func broken(err error) error {
	return orrery.Errorf(orrery.Invalid, "input_broken", "the input cannot be taken apart to change a field of it").Because(err).
		WithNext("give the whole of it, mended: --file")
}

// withMembers changes members of a JSON object, or of the object inside it.
func withMembers(text, inside string, t *orrery.EventType, values map[string]string) (string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return "", broken(err)
	}
	if inside != "" {
		data, err := withMembers(string(members[inside]), "", t, values)
		if err != nil {
			return "", err
		}
		members[inside] = json.RawMessage(data)
		out, err := json.Marshal(members)
		return string(out), err
	}
	if members == nil {
		return "", broken(nil)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == "" {
			delete(members, name)
			continue
		}
		i := slices.IndexFunc(t.Fields, func(f orrery.Field) bool { return f.Name == name })
		if i < 0 {
			return "", noField(t.Name, name)
		}
		quoted, err := json.Marshal(values[name])
		if err != nil {
			return "", err
		}
		members[name] = quoted
		if kind := t.Fields[i].Type; (kind.Numeric() || kind == orrery.Bool) && json.Valid([]byte(values[name])) {
			members[name] = json.RawMessage(values[name])
		}
	}
	out, err := json.Marshal(members)
	return string(out), err
}

func noField(event, name string) error {
	return orrery.Errorf(orrery.Invalid, "field_unknown", "there is no field or column %q to change in the %s", name, event).WithField(name)
}

// withCells changes cells of a record.
func (in RawInput) withCells(values map[string]string) (string, error) {
	cells, fault := splitCells(in.Text, nil)
	switch {
	case fault.Code != "":
		return "", broken(fmt.Errorf("%s", fault.Message))
	case len(cells) != len(in.Columns):
		return "", broken(fmt.Errorf("it has %s, the header %d", plural(len(cells), "column"), len(in.Columns)))
	}
	record := make([]string, len(cells))
	for i := range cells {
		record[i] = cells[i].text
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.Index(in.Columns, name)
		if i < 0 {
			return "", noField("record", name)
		}
		record[i] = values[name]
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(record); err != nil {
		return "", err
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n"), w.Error()
}
