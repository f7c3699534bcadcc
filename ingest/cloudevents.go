package ingest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery.dev"
)

// CloudEvents reads events that come in envelopes of CloudEvents 1.0. The
// envelope's type is the event type's name, its data the flat JSON object. The
// data may leave out its id and its time, which are then the envelope's; where
// it has them, they must be the same. Extension attributes are passed over.
//
// Errors are *EventError, whose code is that of the first fault of the envelope
// (cloudevent_attribute_missing, cloudevent_attribute_invalid,
// cloudevent_attribute_duplicate, cloudevent_specversion, cloudevent_type_unknown,
// cloudevent_type_other, cloudevent_datacontenttype, cloudevent_data_missing,
// cloudevent_data_invalid, cloudevent_id_invalid, cloudevent_time_invalid,
// cloudevent_id_differs, cloudevent_time_differs, cloudevent_recordedtime_invalid), or event_invalid where the
// fault is of the JSON or of the data.
type CloudEvents struct {
	// Decoders has the event types by name.
	Decoders map[string]*Decoder
	// Only names the one type that is taken; any where empty.
	Only string
	// Recorded takes the received time from the extension attribute recordedtime,
	// where an event has it.
	Recorded bool
}

// attribute is one of an envelope's, as text.
type attribute struct {
	text string
	at   int
}

// envelope is what is read of a CloudEvent. Attributes that are absent or null
// are not in it.
type envelope struct {
	attributes map[string]attribute
	// data is the JSON text of the event, which begins at the offset of the
	// request's text unless it was encoded; has says that there is one.
	data   string
	offset int
	has    bool
	// broken says that the faults are of the JSON, so that no more can be said.
	broken bool
	faults []Fault
}

// recordedTime is the extension attribute that says when an event became known.
const recordedTime = "recordedtime"

// The attributes that mean something here. Others are extensions.
var (
	requiredAttributes = []string{"specversion", "type", "source", "id"}
	knownAttributes    = append([]string{"time", "datacontenttype", recordedTime}, requiredAttributes...)
)

func (e *envelope) fault(name, code string, at int, next, format string, args ...any) {
	if len(e.faults) >= maxFaults {
		return
	}
	e.faults = append(e.faults, Fault{Field: name, Code: code, Message: fmt.Sprintf(format, args...), Next: next, Offset: at})
}

// Decode reads an event in structured mode: the JSON object of the CloudEvents
// JSON format 1.0.
func (c CloudEvents) Decode(data []byte) (orrery.Event, error) {
	e := readEnvelope(string(data))
	if e.broken {
		return orrery.Event{}, &EventError{Event: "CloudEvent", Faults: e.faults}
	}
	return c.open(e)
}

// DecodeBinary reads an event in binary mode: attributes are HTTP headers, and
// the body is the data. header gives all values of the header of a name.
func (c CloudEvents) DecodeBinary(header func(name string) []string, body []byte) (orrery.Event, error) {
	e := &envelope{attributes: map[string]attribute{}, data: string(body), has: len(body) > 0}
	for _, name := range knownAttributes {
		values := header("ce-" + name)
		if name == "datacontenttype" {
			values = header("Content-Type")
		}
		switch text, ok := headerText(values); {
		case len(values) == 0:
		case len(values) > 1:
			e.fault(name, "cloudevent_attribute_duplicate", 0, "send each header once", "the header ce-%s is there twice", name)
		case !ok:
			e.fault(name, "cloudevent_attribute_invalid", 0, "encode it as UTF-8 in percent signs", "the header ce-%s is %s, which is not well encoded", name, excerpt(values[0]))
		default:
			e.attributes[name] = attribute{text: text}
		}
	}
	return c.open(e)
}

// Structured writes a CloudEvent in binary mode as one in structured mode.
func Structured(header func(name string) []string, body []byte) []byte {
	members := map[string]any{}
	for _, name := range knownAttributes {
		values := header("ce-" + name)
		if name == "datacontenttype" {
			values = header("Content-Type")
		}
		if text, ok := headerText(values); ok {
			members[name] = text
		}
	}
	if json.Valid(body) {
		members["data"] = json.RawMessage(body)
	} else {
		members["data_base64"] = body
	}
	out, err := json.Marshal(members)
	if err != nil {
		return nil // Texts that are valid UTF-8 always encode.
	}
	return out
}

// headerText decodes a header's value by the HTTP binding 1.0.2, 3.1.3.2.
func headerText(values []string) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	text := strings.TrimSpace(values[0])
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[1 : len(text)-1])
	}
	text, err := url.PathUnescape(text)
	return text, err == nil && utf8.ValidString(text)
}

// open makes the event of an envelope.
func (c CloudEvents) open(e *envelope) (orrery.Event, error) {
	d := c.check(e)
	name := "CloudEvent"
	if d != nil {
		name = d.event.Name
		if e.has {
			event, ok := d.unwrap(e)
			if ok && c.Recorded {
				ok = e.recorded(&event)
			}
			if ok {
				return event, nil
			}
		}
	}
	out := &EventError{Event: name, Faults: e.faults}
	if first := e.faults[0].Code; strings.HasPrefix(first, "cloudevent_") {
		out.code = first
	}
	return orrery.Event{}, out
}

// check faults the attributes and gives the decoder of the type, nil where the
// data cannot be read.
func (c CloudEvents) check(e *envelope) *Decoder {
	for _, name := range requiredAttributes {
		if a, ok := e.attributes[name]; !e.faulted(name) && (!ok || a.text == "") {
			e.fault(name, "cloudevent_attribute_missing", a.at, "a CloudEvent has "+listed(requiredAttributes), "the CloudEvent lacks the attribute `%s`", name)
		}
	}
	version, ok := e.attributes["specversion"]
	if ok && version.text != "1.0" && version.text != "" {
		e.fault("specversion", "cloudevent_specversion", version.at, "send specversion 1.0", "the CloudEvent is of specversion %s; 1.0 is understood", excerpt(version.text))
		return nil
	}
	if media, ok := e.attributes["datacontenttype"]; ok && !isJSON(media.text) {
		e.fault("datacontenttype", "cloudevent_datacontenttype", media.at, "send the data as application/json", "the CloudEvent's data is %s, not JSON", excerpt(media.text))
	} else if !e.has && !e.faulted("data") && !e.faulted("data_base64") {
		e.fault("data", "cloudevent_data_missing", 0, "send the event as its data", "the CloudEvent has no data")
	}
	kind, ok := e.attributes["type"]
	if !ok || kind.text == "" {
		return nil
	}
	return c.decoder(e, kind)
}

func (c CloudEvents) decoder(e *envelope, kind attribute) *Decoder {
	d := c.Decoders[kind.text]
	switch {
	case d == nil:
		names := slices.Sorted(maps.Keys(c.Decoders))
		next := "the types are " + listed(names)
		if near := nearest(kind.text, names); near != "" {
			next = fmt.Sprintf("did you mean `%s`?", near)
		}
		e.fault("type", "cloudevent_type_unknown", kind.at, next, "the system has no event of type %s", excerpt(kind.text))
	case c.Only != "" && kind.text != c.Only:
		e.fault("type", "cloudevent_type_other", kind.at, "send it to the address of "+kind.text+" events", "a CloudEvent of type %s came where %s is taken", excerpt(kind.text), excerpt(c.Only))
		return nil
	}
	return d
}

func isJSON(media string) bool {
	name, _, err := mime.ParseMediaType(media)
	return err == nil && (name == "application/json" || name == "text/json" || strings.HasSuffix(name, "+json"))
}

func (e *envelope) faulted(name string) bool {
	return slices.ContainsFunc(e.faults, func(f Fault) bool { return f.Field == name })
}

// unwrap reads the data and holds it against the attributes.
func (d *Decoder) unwrap(e *envelope) (orrery.Event, bool) {
	p := parser{Decoder: d}
	start, ok := p.open(e.data, make([]orrery.Value, len(d.rules)))
	if ok {
		p.given(d.event.IDField, "id", e)
		p.given(d.event.TimeField, "time", e)
		p.missing(start)
	}
	for i := range p.faults {
		p.faults[i].Offset += e.offset
	}
	e.faults = append(e.faults, p.faults...)
	if !ok || len(e.faults) > 0 {
		return orrery.Event{}, false
	}
	return p.end()
}

// recorded takes the received time over.
func (e *envelope) recorded(event *orrery.Event) bool {
	a, ok := e.attributes[recordedTime]
	if !ok {
		return true
	}
	var days dayCache
	at, wrong := days.instant(a.text)
	switch {
	case wrong != fine:
		e.fault(recordedTime, "cloudevent_recordedtime_invalid", a.at, "write it like 2018-04-01T00:00:31Z", "the CloudEvent's %s is %s, which is no instant", recordedTime, excerpt(a.text))
	case at < event.Time:
		e.fault(recordedTime, "received_before_time", a.at, "an event is known when it happens or later", "the CloudEvent's %s is %s, before the event happened at %s", recordedTime, at, event.Time)
	default:
		event.Received = at
		return true
	}
	return false
}

// given takes over an attribute for field f, or compares the two.
func (p *parser) given(f int, name string, e *envelope) {
	a, ok := e.attributes[name]
	if !ok || a.text == "" {
		return
	}
	r := &p.rules[f]
	v, wrong := r.value(a.text, &p.days)
	switch {
	case wrong != fine:
		fault := r.fault(wrong, a.text, 0)
		e.fault(name, "cloudevent_"+name+"_invalid", a.at, fault.Next, "the CloudEvent's %s cannot be that of a %s: %s", name, p.event.Name, fault.Message)
	case p.values[f].IsMissing() && !p.faulted(f):
		if p.values[f] = v; r == p.idRule {
			p.idText = a.text
		}
	case !p.values[f].IsMissing() && p.values[f] != v:
		e.fault(name, "cloudevent_"+name+"_differs", a.at, "send one of them, or the same twice",
			"the CloudEvent's %s is %s, its data's `%s` %s", name, r.excerpt(a.text), r.field.Name, r.excerpt(p.values[f].Format(r.scale)))
	}
}

// dataBase64 decodes the member data_base64.
func (e *envelope) dataBase64(a attribute) {
	if e.has {
		e.fault("data_base64", "cloudevent_data_invalid", a.at, "send one of them", "the CloudEvent has both data and data_base64")
		return
	}
	data, err := base64.StdEncoding.DecodeString(a.text)
	if err != nil {
		e.fault("data_base64", "cloudevent_data_invalid", a.at, "encode it as RFC 4648, section 4", "the CloudEvent's data_base64 is not Base64")
		return
	}
	// Offsets count in what was encoded.
	e.data, e.offset, e.has = string(data), 0, true
}
