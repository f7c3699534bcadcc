package ingest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"orrery.dev"
)

// Decode reads one flat JSON object. What it gives shares no memory with data;
// Received is set to Time. The error is an *EventError with every fault.
func (d *Decoder) Decode(data []byte) (orrery.Event, error) {
	p := parser{Decoder: d}
	event, ok := p.object(string(data), make([]orrery.Value, len(d.rules)))
	if !ok {
		return orrery.Event{}, &EventError{Event: d.event.Name, Faults: p.faults}
	}
	return event, nil
}

// parser reads events one after another, on one goroutine.
type parser struct {
	*Decoder
	days   dayCache
	faults []Fault
	// s is the event's text, values what was read of it, idText the text of its
	// id field.
	s      string
	values []orrery.Value
	idText string
	// receivedAt is the offset of the received time.
	receivedAt int
	seen       [4]uint64
	more       []uint64
}

// maxFaults bounds the faults that are listed of one event.
const maxFaults = 100

func (p *parser) add(f Fault) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, f)
	}
}

// begin makes ready for the next event.
func (p *parser) begin(s string, values []orrery.Value) {
	p.s, p.values, p.idText, p.faults = s, values, "", nil
	p.seen = [4]uint64{}
	if len(p.rules) > len(p.seen)*64 {
		p.more = make([]uint64, len(p.rules)/64+1)
	}
}

// mark notes that field i has been seen, and reports whether it had been before.
func (p *parser) mark(i int) bool {
	words := p.more
	if words == nil {
		words = p.seen[:]
	}
	before := words[i/64] & (1 << (i % 64))
	words[i/64] |= 1 << (i % 64)
	return before != 0
}

// object reads the text of one event into values, one for each field, all missing.
func (p *parser) object(s string, values []orrery.Value) (orrery.Event, bool) {
	start, ok := p.open(s, values)
	if !ok {
		return orrery.Event{}, false
	}
	p.missing(start)
	return p.end()
}

// open reads what the text says of the values and gives the offset of its brace.
// It is not ok where the text is no JSON object.
func (p *parser) open(s string, values []orrery.Value) (start int, ok bool) {
	p.begin(s, values)
	p.checkUTF8()
	i := p.space(0)
	if i >= len(s) || s[i] != '{' {
		p.add(Fault{Code: "json_not_object", Message: "the event is not a JSON object but " + p.describe(i), Next: "send {\"field\": value, …}", Offset: i})
		return i, false
	}
	start = i
	if i = p.members(i + 1); i < 0 {
		return start, false
	}
	if i = p.space(i); i < len(s) {
		p.add(Fault{Code: "json_trailing", Message: fmt.Sprintf("after the event comes %s", p.excerpt(s[i:])), Next: "send one JSON object for each event", Offset: i})
	}
	return start, true
}

// end makes the event of what has been read, unless it has faults.
func (p *parser) end() (orrery.Event, bool) {
	if p.received >= 0 {
		p.checkReceived()
	}
	if len(p.faults) > 0 {
		return orrery.Event{}, false
	}
	return p.finish(p.values, p.idText), true
}

// checkReceived faults an event that was received before it happened.
func (p *parser) checkReceived() {
	at, received := p.values[p.event.TimeField], p.values[p.received]
	if at.IsMissing() || received.IsMissing() || received.Instant() >= at.Instant() {
		return
	}
	name := p.names[p.received]
	p.add(Fault{Field: name, Code: "received_before_time", Offset: p.receivedAt,
		Message: fmt.Sprintf("`%s` is %s, before the event happened at %s", name, received.Instant(), at.Instant()),
		Next:    "an event is known when it happens or later: check the clocks, or leave the event out"})
}

func (p *parser) checkUTF8() {
	if utf8.ValidString(p.s) {
		return
	}
	at := invalidUTF8(p.s)
	p.add(Fault{Code: "utf8_invalid", Message: fmt.Sprintf("byte %#02x is not UTF-8", p.s[at]), Next: "encode the text as UTF-8", Offset: at})
}

// invalidUTF8 gives the offset of the first byte that is not UTF-8.
func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(s)
}

// members reads the object's members from behind its brace; it gives the offset
// behind the closing brace, or -1 after a fault of syntax.
func (p *parser) members(i int) int {
	next := 0
	if i = p.space(i); i < len(p.s) && p.s[i] == '}' {
		return i + 1
	}
	for {
		if i = p.space(i); i >= len(p.s) || p.s[i] != '"' {
			return p.syntax(i, "a field's name in double quotes")
		}
		at := i
		key, end := p.str(i)
		if end < 0 {
			return -1
		}
		if i = p.space(end); i >= len(p.s) || p.s[i] != ':' {
			return p.syntax(i, "a colon")
		}
		if i = p.member(key, at, p.space(i+1), &next); i < 0 {
			return -1
		}
		i = p.space(i)
		if i < len(p.s) && p.s[i] == ',' {
			i++
			continue
		}
		if i < len(p.s) && p.s[i] == '}' {
			return i + 1
		}
		return p.syntax(i, "a comma or a closing brace")
	}
}

// member reads the value at i of the key at offset at. Events mostly have their
// fields in the declared order: next is where the key is looked for first.
func (p *parser) member(key string, at, i int, next *int) int {
	f, known := *next, true
	if f >= len(p.rules) || p.names[f] != key {
		f, known = p.index[key]
	}
	if !known && p.passed != "" && key == p.passed {
		return p.skip(i)
	}
	if !known {
		p.unknown(key, at)
		return p.skip(i)
	}
	*next = f + 1
	if p.mark(f) {
		p.add(Fault{Field: key, Code: "field_duplicate", Message: fmt.Sprintf("`%s` is there twice", key), Next: "send each field once", Offset: at})
		return p.skip(i)
	}
	return p.value(f, i)
}

func (p *parser) unknown(key string, at int) {
	if len(p.faults) >= maxFaults {
		return // Looking for what was meant costs time.
	}
	f := Fault{Field: key, Code: "field_unknown", Message: fmt.Sprintf("the %s has no field %s", p.event.Name, excerpt(key)), Offset: at}
	if near := nearest(key, p.names); near != "" {
		f.Next = fmt.Sprintf("did you mean `%s`?", near)
	} else {
		f.Next = "its fields are " + listed(p.names)
	}
	p.add(f)
}

// missing faults the required fields that have no value. One that had a faulty
// value has its fault already.
func (p *parser) missing(at int) {
	for i := range p.values {
		if !p.values[i].IsMissing() || !p.rules[i].required || p.faulted(i) {
			continue
		}
		p.add(p.missingFault(i, at))
	}
}

func (d *Decoder) missingFault(i, at int) Fault {
	if i == d.received {
		return Fault{Field: d.names[i], Code: "field_missing", Message: fmt.Sprintf("the received time `%s` is missing", d.names[i]),
			Next: "write when the event became known, like " + d.rules[i].example(), Offset: at}
	}
	return Fault{Field: d.names[i], Code: "field_missing", Message: fmt.Sprintf("the required field `%s` is missing", d.names[i]),
		Next: "send it, like " + d.rules[i].example(), Offset: at}
}

func (p *parser) faulted(i int) bool {
	for j := range p.faults {
		if p.faults[j].Field == p.names[i] {
			return true
		}
	}
	return false
}

// syntax faults the text at i, where something else was wanted. It gives -1.
func (p *parser) syntax(i int, want string) int {
	p.add(Fault{Code: "json_invalid", Message: fmt.Sprintf("the JSON is broken at byte %d: %s where %s should be", i+1, p.describe(i), want),
		Next: "check the program that writes it", Offset: min(i, len(p.s))})
	return -1
}

// describe names what stands at i.
func (p *parser) describe(i int) string {
	if i >= len(p.s) {
		return "the end of the text"
	}
	switch c := p.s[i]; {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '-' || c-'0' <= 9:
		return "a number"
	case strings.HasPrefix(p.s[i:], "null"), strings.HasPrefix(p.s[i:], "true"):
		return p.s[i : i+4]
	case strings.HasPrefix(p.s[i:], "false"):
		return "false"
	}
	_, size := utf8.DecodeRuneInString(p.s[i:])
	return excerpt(p.s[i : i+size])
}

// space skips JSON's white space.
func (p *parser) space(i int) int {
	for i < len(p.s) && (p.s[i] == ' ' || p.s[i] == '\n' || p.s[i] == '\t' || p.s[i] == '\r') {
		i++
	}
	return i
}

// listed writes names for a sentence, the first dozen of them.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return "`" + strings.Join(names[:most], "`, `") + "` and others"
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
