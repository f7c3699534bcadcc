package review

import (
	"encoding/json"

	"orrery.dev"
	"orrery.dev/record"
)

// ControlType is the type of the controls that acts are; the body is an Act.
const ControlType = "review"

// The kinds of act.
const (
	DoClaim   = "claim"
	DoSkip    = "skip"
	DoVerdict = "verdict"
	DoSecond  = "second"
	DoAppeal  = "appeal"
)

// Act is what somebody did about a decision.
type Act struct {
	Do       string        `json:"do"`
	Decision orrery.Offset `json:"decision"`
	// By is the reviewer, or who appeals or asks for a second opinion.
	By string `json:"by,omitempty"`
	// Client is the key with which it was asked for, where there are keys.
	Client string         `json:"client,omitempty"`
	At     orrery.Instant `json:"at"`
	// Until is the end of a claim's lease.
	Until orrery.Instant `json:"until,omitempty"`
	// Reason is why, of a skip, an appeal or the wish for a second opinion, and what
	// a verdict says besides.
	Reason string `json:"reason,omitempty"`

	// What follows is of verdicts.
	Verdict string `json:"verdict,omitempty"`
	Round   Round  `json:"round,omitempty"`
	// Outcome is the offset of the event that the verdict became.
	Outcome orrery.Offset `json:"outcome,omitempty"`
	// Propensity is that of the decision's being asked about, and 0 for one that
	// nobody was asked about but by an appeal.
	Propensity float64 `json:"propensity,omitempty"`
	// Second asks for a second opinion too.
	Second bool `json:"second,omitempty"`
	// Overturned says what an appeal came to.
	Overturned bool `json:"overturned,omitempty"`
}

// Control gives the control that an act is recorded as.
func (a *Act) Control() (*record.Control, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return &record.Control{Type: ControlType, At: a.At, Body: body}, nil
}

// ReadAct reads the act that a control is; ok is false for one that is none. The
// error is of kind Damaged, with code record_damaged.
func ReadAct(offset orrery.Offset, c *record.Control) (a Act, ok bool, err error) {
	if c.Type != ControlType {
		return Act{}, false, nil
	}
	if err := json.Unmarshal(c.Body, &a); err != nil {
		return Act{}, false, orrery.Errorf(orrery.Damaged, "record_damaged", "the control %q at offset %d cannot be read", c.Type, offset).Because(err)
	}
	return a, true, nil
}
