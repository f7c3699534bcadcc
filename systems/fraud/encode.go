package fraud

import (
	"slices"
	"strconv"

	"orrery.dev"
)

// column is one field of an event, as the files name it.
type column struct {
	name string
	// types are those that a contract may give the field.
	types  []orrery.FieldType
	append func(b []byte, e *Event) []byte
	// quoted says that JSON writes the field between quotes.
	quoted bool
}

var (
	nameTypes = []orrery.FieldType{orrery.String, orrery.Entity, orrery.Int}

	transactionColumns = []column{
		{"transaction_id", nameTypes, appendTransactionID, true},
		{"at", []orrery.FieldType{orrery.Timestamp}, appendAt, true},
		{"customer", nameTypes, appendCustomer, true},
		{"terminal", nameTypes, appendTerminal, true},
		{"amount", []orrery.FieldType{orrery.Decimal, orrery.Float}, appendAmount, false},
	}
	reportColumns = []column{
		{"report_id", []orrery.FieldType{orrery.String, orrery.Entity}, appendReportID, true},
		{"at", []orrery.FieldType{orrery.Timestamp}, appendAt, true},
		{"transaction_id", nameTypes, appendTransactionID, true},
		{"customer", nameTypes, appendCustomer, true},
		{"terminal", nameTypes, appendTerminal, true},
		{"fraud", []orrery.FieldType{orrery.Bool}, appendFraud, false},
	}
)

func columnsOf(eventType string) []column {
	if eventType == ReportType {
		return reportColumns
	}
	return transactionColumns
}

func appendTransactionID(b []byte, e *Event) []byte {
	return strconv.AppendInt(b, e.Transaction.ID, 10)
}
func appendReportID(b []byte, e *Event) []byte { return appendTransactionID(append(b, 'r'), e) }
func appendAt(b []byte, e *Event) []byte       { return appendInstant(b, e.At) }
func appendCustomer(b []byte, e *Event) []byte {
	return strconv.AppendInt(b, int64(e.Transaction.Customer), 10)
}
func appendTerminal(b []byte, e *Event) []byte {
	return strconv.AppendInt(b, int64(e.Transaction.Terminal), 10)
}
func appendFraud(b []byte, e *Event) []byte { return strconv.AppendBool(b, e.Transaction.Fraud()) }

func appendAmount(b []byte, e *Event) []byte {
	cents := e.Transaction.AmountCents
	b = append(strconv.AppendInt(b, cents/100, 10), '.')
	return append(b, byte('0'+cents/10%10), byte('0'+cents%10))
}

func appendInstant(b []byte, t orrery.Instant) []byte {
	return t.Time().AppendFormat(b, "2006-01-02T15:04:05.999999Z07:00")
}

// AppendCSVHeader appends the header line of the events of a type.
func AppendCSVHeader(b []byte, eventType string) []byte {
	for i, c := range columnsOf(eventType) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.name...)
	}
	return append(b, '\n')
}

// AppendCSV appends the event as one line of CSV, in the header's columns.
func (e Event) AppendCSV(b []byte) []byte {
	for i, c := range columnsOf(e.Type) {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.append(b, &e)
	}
	return append(b, '\n')
}

// AppendJSON appends the event as one flat JSON object, without a newline.
func (e Event) AppendJSON(b []byte) []byte {
	for i, c := range columnsOf(e.Type) {
		b = append(b, "{,"[min(i, 1)])
		b = strconv.AppendQuote(b, c.name)
		b = append(b, ':')
		if c.quoted {
			b = append(b, '"')
		}
		b = c.append(b, &e)
		if c.quoted {
			b = append(b, '"')
		}
	}
	return append(b, '}')
}

// Encoder turns events into those of a contract. It is safe for concurrent use.
type Encoder struct{ transaction, report encoding }

type encoding struct {
	eventType *orrery.EventType
	// fill has one entry for each field of the type, nil for one that the
	// sample data lacks.
	fill []func(*Event) orrery.Value
}

// NewEncoder prepares for a contract that has both event types of the fraud
// system, matching fields by name. Fields of the contract that the sample data
// lacks are left missing. The error is of kind Invalid, for an event type that
// is not there, a required field that the data lacks, or one of a type that
// cannot hold what the data has.
func NewEncoder(c *orrery.Contract) (*Encoder, error) {
	transaction, err := newEncoding(c, TransactionType)
	if err != nil {
		return nil, err
	}
	report, err := newEncoding(c, ReportType)
	if err != nil {
		return nil, err
	}
	return &Encoder{transaction: transaction, report: report}, nil
}

func newEncoding(c *orrery.Contract, name string) (encoding, error) {
	t := c.Event(name)
	if t == nil {
		return encoding{}, orrery.Errorf(orrery.Invalid, "sample_contract", "the contract has no event %q, which the sample data is made of", name).
			WithNext("declare it, or bring your own data")
	}
	e := encoding{eventType: t}
	columns := columnsOf(name)
	for i := range t.Fields {
		f := &t.Fields[i]
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == f.Name })
		switch {
		case at < 0 && (f.Optional || !f.Default.IsMissing()):
			e.fill = append(e.fill, nil)
		case at < 0:
			return e, orrery.Errorf(orrery.Invalid, "sample_contract", "the sample data has no %s.%s", name, f.Name).
				WithField(f.Name).WithNext("make the field optional, or bring your own data")
		case !slices.Contains(columns[at].types, f.Type) || f.Type == orrery.Decimal && f.Scale < 2:
			return e, orrery.Errorf(orrery.Invalid, "sample_contract", "%s.%s is declared as %s (scale %d), which cannot hold the sample data's %s",
				name, f.Name, f.Type, f.Scale, f.Name).WithField(f.Name).WithNext("declare it as %s", columns[at].types[0])
		default:
			e.fill = append(e.fill, filler(&columns[at], f))
		}
	}
	return e, nil
}

// filler gives what makes the value of one field.
func filler(c *column, f *orrery.Field) func(*Event) orrery.Value {
	switch f.Type {
	case orrery.Timestamp:
		return func(e *Event) orrery.Value { return orrery.TimestampValue(e.At) }
	case orrery.Bool:
		return func(e *Event) orrery.Value { return orrery.BoolValue(e.Transaction.Fraud()) }
	case orrery.Float:
		return func(e *Event) orrery.Value { return orrery.FloatValue(float64(e.Transaction.AmountCents) / 100) }
	case orrery.Decimal:
		unit := int64(orrery.Pow10(f.Scale - 2))
		return func(e *Event) orrery.Value { return orrery.DecimalValue(e.Transaction.AmountCents * unit) }
	case orrery.Int:
		return func(e *Event) orrery.Value {
			n, _ := strconv.ParseInt(string(c.append(nil, e)), 10, 64)
			return orrery.IntValue(n)
		}
	case orrery.Entity:
		return func(e *Event) orrery.Value { return orrery.EntityValue(string(c.append(nil, e))) }
	}
	return func(e *Event) orrery.Value { return orrery.StringValue(string(c.append(nil, e))) }
}

// Encode gives the event as the contract's. It counts as received when it
// happened; a caller that receives it later says so.
func (x *Encoder) Encode(e Event) orrery.Event {
	n := &x.transaction
	if e.Type == ReportType {
		n = &x.report
	}
	values := make([]orrery.Value, len(n.fill))
	for i, fill := range n.fill {
		if fill != nil {
			values[i] = fill(&e)
		}
	}
	out := orrery.Event{Type: n.eventType, Time: e.At, Received: e.At, Values: values}
	id := values[n.eventType.IDField]
	out.ID = id.Text()
	if id.Type() == orrery.Int {
		out.ID = strconv.FormatInt(id.Units(), 10)
	}
	return out
}
