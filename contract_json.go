package orrery

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// ContractFormat is the newest version of the JSON that Contract.Encode writes:
// a contract with personal fields or a correction is of format 3, another with a
// default of format 2, any other still of format 1, so that its fingerprint stays.
const ContractFormat = 3

type contractJSON struct {
	Format   int         `json:"format"`
	Entities []string    `json:"entities"`
	Events   []eventJSON `json:"events"`
}

type eventJSON struct {
	Name   string      `json:"name"`
	ID     string      `json:"id"`
	Time   string      `json:"time"`
	Fields []fieldJSON `json:"fields"`
	// Subject is that of the personal fields.
	Subject string `json:"subject,omitempty"`
	// Corrects names the type corrected, Withdraws the field that withdraws.
	Corrects  string `json:"corrects,omitempty"`
	Withdraws string `json:"withdraws,omitempty"`
}

type fieldJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Entity   string `json:"entity,omitempty"`
	Scale    int    `json:"scale,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	Min      string `json:"min,omitempty"`
	Max      string `json:"max,omitempty"`
	// Default is written as Format does; the empty text is a default too.
	Default  *string `json:"default,omitempty"`
	Personal bool    `json:"personal,omitempty"`
}

// Encode writes everything of the contract that decides what a record means,
// as canonical JSON: equal contracts give equal bytes. What is only for people
// (about, unit) takes no part.
func (c *Contract) Encode() []byte {
	out := contractJSON{Format: 1, Entities: c.Entities}
	for _, t := range c.Events {
		e := eventJSON{Name: t.Name, ID: t.Fields[t.IDField].Name, Time: t.Fields[t.TimeField].Name, Subject: t.Subject}
		if t.Subject != "" {
			out.Format = ContractFormat
		}
		if of := t.Corrects; of != nil {
			e.Corrects, out.Format = of.Event, ContractFormat
			if of.Withdraws >= 0 {
				e.Withdraws = t.Fields[of.Withdraws].Name
			}
		}
		for _, f := range t.Fields {
			j := fieldJSON{Name: f.Name, Type: f.Type.String(), Entity: f.Entity, Scale: f.Scale,
				Optional: f.Optional, Min: boundText(f.Min, f.Scale), Max: boundText(f.Max, f.Scale), Personal: f.Personal}
			if !f.Default.IsMissing() {
				text := f.Default.Format(f.Scale)
				j.Default, out.Format = &text, max(out.Format, 2)
			}
			e.Fields = append(e.Fields, j)
		}
		out.Events = append(out.Events, e)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("orrery: a contract is plain data: " + err.Error())
	}
	return text
}

func boundText(v Value, scale int) string {
	if v.IsMissing() {
		return ""
	}
	return v.Format(scale)
}

// DecodeContract reads what Encode wrote. The error is of kind Damaged, or of
// kind Unavailable for a newer format.
func DecodeContract(text []byte) (*Contract, error) {
	var in contractJSON
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, Errorf(Damaged, "contract_damaged", "a recorded contract cannot be read").Because(err)
	}
	if in.Format > ContractFormat {
		return nil, Errorf(Unavailable, "contract_newer", "the contract was recorded in format %d; this program reads up to %d", in.Format, ContractFormat).
			WithNext("use the newer program that wrote it")
	}
	c := &Contract{Entities: in.Entities}
	for _, e := range in.Events {
		t := &EventType{Name: e.Name, Index: len(c.Events), Subject: e.Subject}
		for _, f := range e.Fields {
			field, err := f.field()
			if err != nil {
				return nil, err
			}
			t.Fields = append(t.Fields, field)
		}
		t.IDField, t.TimeField = t.Field(e.ID), t.Field(e.Time)
		if t.IDField < 0 || t.TimeField < 0 {
			return nil, Errorf(Damaged, "contract_damaged", "the recorded contract's event %q lacks its id or time field", e.Name)
		}
		if i := t.Field(t.Subject); t.Subject != "" && (i < 0 || t.Fields[i].Type != Entity) {
			return nil, Errorf(Damaged, "contract_damaged", "the recorded contract's event %q lacks its subject", e.Name)
		}
		c.Events = append(c.Events, t)
	}
	for i, e := range in.Events {
		if e.Corrects == "" {
			continue
		}
		if err := c.decodeCorrection(c.Events[i], e); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Contract) decodeCorrection(t *EventType, e eventJSON) error {
	of := &CorrectionOf{Event: e.Corrects, Names: -1, Withdraws: -1}
	if corrected := c.Event(e.Corrects); corrected != nil && corrected != t {
		of.Names = t.Field(corrected.Fields[corrected.IDField].Name)
	}
	if e.Withdraws != "" {
		of.Withdraws = t.Field(e.Withdraws)
	}
	if of.Names < 0 || e.Withdraws != "" && (of.Withdraws < 0 || t.Fields[of.Withdraws].Type != Bool) {
		return Errorf(Damaged, "contract_damaged", "the recorded contract's event %q corrects %q and does not fit it", e.Name, e.Corrects)
	}
	t.Corrects = of
	return nil
}

func (f fieldJSON) field() (Field, error) {
	kind, ok := FieldTypeOf(f.Type)
	if !ok || f.Scale < 0 || f.Scale > MaxScale {
		return Field{}, Errorf(Damaged, "contract_damaged", "the recorded contract's field %q has type %q, scale %d", f.Name, f.Type, f.Scale)
	}
	out := Field{Name: f.Name, Type: kind, Entity: f.Entity, Scale: f.Scale, Optional: f.Optional, Personal: f.Personal}
	var err error
	if out.Min, err = parseBound(f.Min, kind); err == nil {
		out.Max, err = parseBound(f.Max, kind)
	}
	if err != nil {
		return Field{}, Errorf(Damaged, "contract_damaged", "the recorded contract's field %q has a bound that is no number", f.Name).Because(err)
	}
	if f.Default != nil {
		if out.Default, err = parseDefault(*f.Default, kind); err != nil {
			return Field{}, Errorf(Damaged, "contract_damaged", "the recorded contract's field %q has a default that is no value of it", f.Name).Because(err)
		}
	}
	return out, nil
}

func parseDefault(text string, kind FieldType) (Value, error) {
	switch kind {
	case String:
		return StringValue(text), nil
	case Bool:
		b, err := strconv.ParseBool(text)
		return BoolValue(b), err
	case Int, Decimal, Float:
		if text == "" {
			return Value{}, strconv.ErrSyntax
		}
		return parseBound(text, kind)
	}
	return Value{}, strconv.ErrSyntax
}

func parseBound(text string, kind FieldType) (Value, error) {
	if text == "" {
		return Value{}, nil
	}
	switch kind {
	case Float:
		x, err := strconv.ParseFloat(text, 64)
		return FloatValue(x), err
	case Decimal:
		// Format wrote exactly scale digits after the point.
		n, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
		return DecimalValue(n), err
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		return IntValue(n), err
	}
}
