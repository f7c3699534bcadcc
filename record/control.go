package record

import (
	"encoding/json"
	"fmt"

	"orrery.dev"
)

// Control is a change in how a system runs, such as a release put in force.
type Control struct {
	// Type names the change: "release". What Body means is up to its type.
	Type string
	// At is when the control was received; decoding fills it in.
	At   orrery.Instant
	Body json.RawMessage
}

// AppendControl appends the record of a control, received at an instant, to b:
// after the header, the type and the body, each with its length before it.
// c.Body must be JSON or empty; anything else is a fault of the caller and
// panics. c.At is not looked at.
func AppendControl(b []byte, contract orrery.Fingerprint, received orrery.Instant, c *Control) []byte {
	if len(c.Body) > 0 && !json.Valid(c.Body) {
		panic(fmt.Sprintf("record: the body of control %q is not JSON", c.Type))
	}
	b = appendHeader(b, plainVersion, ControlKind, contract, received)
	return appendText(appendText(b, c.Type), string(c.Body))
}

// DecodeControl reads a control, which keeps nothing of data. The error is of
// kind Damaged with code record_damaged, or Header's.
func DecodeControl(data []byte) (Control, error) {
	h, r, err := body(data, ControlKind)
	if err != nil {
		return Control{}, err
	}
	c := Control{Type: string(r.text()), At: h.Received}
	if text := r.text(); len(text) > 0 {
		c.Body = append(c.Body, text...)
		if !json.Valid(c.Body) {
			r.fail("its body is not JSON")
		}
	}
	if err := r.end(); err != nil {
		return Control{}, err
	}
	return c, nil
}
