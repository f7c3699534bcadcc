package ingest

import (
	"fmt"
	"slices"

	"orrery.dev"
)

// noType is the decoder of an envelope, which has no fields of its own.
var noType = &Decoder{event: &orrery.EventType{Name: "CloudEvent"}, received: -1}

// readEnvelope takes the JSON object of a CloudEvent apart. Faults that it has
// are of the JSON itself, or of single members.
func readEnvelope(s string) *envelope {
	e := &envelope{attributes: map[string]attribute{}}
	p := &parser{Decoder: noType}
	p.begin(s, nil)
	p.checkUTF8()
	i := p.space(0)
	if i >= len(s) || s[i] != '{' {
		p.add(Fault{Code: "json_not_object", Message: "the CloudEvent is not a JSON object but " + p.describe(i), Next: "send {\"specversion\": \"1.0\", …}", Offset: i})
	} else if i = p.envelopeMembers(e, i+1); i >= 0 && p.space(i) < len(s) {
		p.add(Fault{Code: "json_trailing", Message: fmt.Sprintf("after the CloudEvent comes %s", p.excerpt(s[p.space(i):])), Next: "send several as application/cloudevents-batch+json", Offset: p.space(i)})
	}
	if e.broken = len(p.faults) > 0; e.broken {
		e.faults = p.faults
	} else if base64, ok := e.attributes["data_base64"]; ok {
		e.dataBase64(base64)
	}
	return e
}

// envelopeMembers reads the members from behind the brace; it gives the offset
// behind the closing brace, or -1 after a fault of syntax.
func (p *parser) envelopeMembers(e *envelope, i int) int {
	seen := map[string]bool{}
	if i = p.space(i); i < len(p.s) && p.s[i] == '}' {
		return i + 1
	}
	for {
		if i = p.space(i); i >= len(p.s) || p.s[i] != '"' {
			return p.syntax(i, "an attribute's name in double quotes")
		}
		name, end := p.str(i)
		if end < 0 {
			return -1
		}
		if seen[name] {
			e.fault(name, "cloudevent_attribute_duplicate", i, "send each attribute once", "the CloudEvent has `%s` twice", name)
		}
		seen[name] = true
		if i = p.space(end); i >= len(p.s) || p.s[i] != ':' {
			return p.syntax(i, "a colon")
		}
		if i = p.envelopeMember(e, name, p.space(i+1)); i < 0 {
			return -1
		}
		i = p.space(i)
		switch {
		case i < len(p.s) && p.s[i] == ',':
			i++
		case i < len(p.s) && p.s[i] == '}':
			return i + 1
		default:
			return p.syntax(i, "a comma or a closing brace")
		}
	}
}

// envelopeMember reads the value at i of the member of that name.
func (p *parser) envelopeMember(e *envelope, name string, i int) int {
	known := name == "data_base64" || slices.Contains(knownAttributes, name)
	if known && i < len(p.s) && p.s[i] == '"' {
		text, end := p.str(i)
		e.attributes[name] = attribute{text, i}
		return end
	}
	end := p.skip(i)
	switch {
	case end < 0 || p.s[i:end] == "null":
	case name == "data":
		e.data, e.offset, e.has = p.s[i:end], i, true
	case known:
		e.fault(name, "cloudevent_attribute_invalid", i, "write it as a string", "the CloudEvent's `%s` is %s, not a string", name, p.describe(i))
	}
	return end
}
