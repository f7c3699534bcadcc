package plan

import (
	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/feature"
	"orrery.dev/record"
)

// State is what a plan knows of the past: a function of the log's prefix. It is
// for one goroutine at a time, and serves the plans of any number of releases.
type State struct {
	Features *feature.State
	// Controls is what the controls of the log have set. Nil leaves them out,
	// where only feature state is wanted.
	Controls *control.State
}

// NewState makes the state of an empty log, held in memory.
func NewState() *State { return &State{Features: feature.NewState(nil), Controls: control.New()} }

// lists gives the lists as they are now, none where controls are left out.
func (st *State) lists() *control.Lists {
	if st.Controls == nil {
		return nil
	}
	return st.Controls.Lists()
}

// Control applies the control at an offset of the log.
func (st *State) Control(offset orrery.Offset, c *record.Control) error {
	if c.Type == control.TypeForget {
		f, err := control.ReadForgotten(offset, c)
		if err != nil {
			return err
		}
		return st.Features.Forget(offset, f.Entity, f.Key)
	}
	if st.Controls == nil {
		return nil
	}
	return st.Controls.Apply(offset, c)
}
