package ingest

import (
	"fmt"

	"orrery.dev"
)

// flaw is what is wrong with a value, before a Fault is made of it.
type flaw uint8

const (
	fine flaw = iota
	flawEmpty
	flawTooLong
	flawNumber
	flawNotFinite
	flawTooLarge
	flawDigits
	flawBelow
	flawAbove
	flawBool
	flawTimeShape
	flawTimeZone
	flawTimeDate
	flawTimeClock
	flawTimeMidnight
	flawTimeLeap
	flawTimeYear
)

// fault describes the flaw of a value written as text.
func (r *rule) fault(wrong flaw, text string, offset int) Fault {
	f := Fault{Field: r.field.Name, Offset: offset}
	name, shown := "`"+r.field.Name+"`", r.excerpt(text)
	switch wrong {
	case flawEmpty:
		f.Code, f.Message = "value_empty", name+" is empty"
		f.Next = "an " + r.role() + " needs at least one character"
	case flawTooLong:
		return r.longFault(len(text), offset)
	case flawNumber:
		f.Code, f.Message = "number_invalid", fmt.Sprintf("%s is %s, which is no number", name, shown)
		f.Next = "write it like " + r.example()
	case flawNotFinite:
		f.Code, f.Message = "number_not_finite", fmt.Sprintf("%s is %s, not a finite number", name, shown)
		f.Next = "leave the field out where there is no number"
		if r.required {
			f.Next = "do not send the event without a number, or declare the field optional"
		}
	case flawTooLarge:
		f.Code, f.Message = "number_too_large", fmt.Sprintf("%s is %s, more than %s can hold", name, shown, r.article())
		f.Next = "the largest is " + r.largest()
	case flawDigits:
		f = r.digitsFault(f, shown)
	case flawBelow:
		f.Code, f.Message = "value_below_min", fmt.Sprintf("%s is %s, below its minimum %s", name, shown, r.field.Min.Format(r.scale))
	case flawAbove:
		f.Code, f.Message = "value_above_max", fmt.Sprintf("%s is %s, above its maximum %s", name, shown, r.field.Max.Format(r.scale))
	case flawBool:
		f.Code, f.Message, f.Next = "bool_invalid", fmt.Sprintf("%s is %s, neither true nor false", name, shown), "write true or false"
	default:
		f.Code = "timestamp_invalid"
		f.Message, f.Next = timeText(wrong)
		f.Message = fmt.Sprintf("%s is %s%s", name, shown, f.Message)
	}
	return f
}

func (r *rule) longFault(length, offset int) Fault {
	return Fault{Field: r.field.Name, Code: "text_too_long", Offset: offset, Next: "shorten it",
		Message: fmt.Sprintf("`%s` has %d bytes; at most %d are taken", r.field.Name, length, r.limit)}
}

func (r *rule) digitsFault(f Fault, shown string) Fault {
	if r.kind == orrery.Int || r.scale == 0 {
		f.Code, f.Message, f.Next = "number_not_whole", fmt.Sprintf("`%s` is %s, not a whole number", r.field.Name, shown), "round it first"
		return f
	}
	f.Code = "decimal_digits"
	f.Message = fmt.Sprintf("`%s` is %s: more than %s after the point", r.field.Name, shown, plural(r.scale, "digit"))
	f.Next = fmt.Sprintf("round it to %s first", plural(r.scale, "digit"))
	return f
}

func timeText(wrong flaw) (message, next string) {
	const form = "write it like 2018-04-01T09:30:00Z or 2018-04-01T11:30:00+02:00"
	switch wrong {
	case flawTimeZone:
		return ", a timestamp without a zone", "end it with Z for UTC, or with an offset such as +02:00"
	case flawTimeDate:
		return ", a day that no calendar has", "check its month and day"
	case flawTimeClock:
		return ", a time that no clock shows", "hours are 00 to 23, minutes and seconds 00 to 59"
	case flawTimeMidnight:
		return ": the hour 24 does not exist", "write 00 of the next day"
	case flawTimeLeap:
		return ": event time has no leap seconds", "write second 59, or 00 of the next minute"
	case flawTimeYear:
		return ", outside of the years 1 to 9999 in UTC", "check its year"
	}
	return ", which is no timestamp", form
}

// role says what a string or entity field is for.
func (r *rule) role() string {
	if r.kind == orrery.Entity {
		return "entity's key"
	}
	return "event's id"
}

// article is the field's type with its article.
func (r *rule) article() string {
	switch r.kind {
	case orrery.Entity, orrery.Int:
		return "an " + r.kind.String()
	}
	return "a " + r.kind.String()
}

// example shows a value of the field as JSON writes it.
func (r *rule) example() string {
	switch r.kind {
	case orrery.String, orrery.Entity:
		return `"a17"`
	case orrery.Timestamp:
		return `"2018-04-01T09:30:00Z"`
	case orrery.Int:
		return "57"
	case orrery.Decimal:
		return orrery.DecimalValue(5716).Format(r.scale)
	case orrery.Float:
		return "57.16"
	}
	return "true"
}

func (r *rule) largest() string {
	switch r.kind {
	case orrery.Float:
		return "1.7976931348623157e308"
	case orrery.Decimal:
		return orrery.DecimalValue(1<<63 - 1).Format(r.scale)
	}
	return "9223372036854775807"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
