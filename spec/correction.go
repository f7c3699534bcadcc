package spec

import "orrery.dev"

// resolveCorrections finds, once all events are known, what each corrects.
func (c *checker) resolveCorrections(root *node) {
	events := root.find("events")
	if events == nil || events.shape != mapping {
		return
	}
	for _, e := range events.entries {
		if e.ignored {
			continue
		}
		t := c.spec.Contract.Event(e.key.text)
		if n := e.value.get("corrects"); n != nil && t != nil {
			c.correction(t, e.value, n)
		} else if w := e.value.get("withdraws"); w != nil {
			c.at(e.value.key("withdraws").at, w.path, "misplaced_key", "only an event that corrects another withdraws one").
				note("name the other: `corrects: EVENT`")
		}
	}
}

// correction makes t correct the event that n names.
func (c *checker) correction(t *orrery.EventType, event, n *node) {
	corrected := c.spec.Contract.Event(n.text)
	switch {
	case corrected == nil:
		c.unresolved(n, "unknown_event", "event", n.text, &c.events)
		return
	case corrected == t:
		c.errorf(n, "corrects_correction", "the event `%s` cannot correct itself", t.Name).note("an event sent again with another body is a conflict")
		return
	case c.corrections[corrected.Name]:
		c.errorf(n, "corrects_correction", "`%s` is a correction itself", n.text).note("correct the same event again: the newest value of each field counts")
		return
	}
	of := &orrery.CorrectionOf{Event: corrected.Name, Names: -1, Withdraws: -1}
	c.correctionWithdraws(t, event, of)
	if corrected.IDField < 0 || c.openEvents[t.Name] || c.openEvents[corrected.Name] {
		return
	}
	id := &corrected.Fields[corrected.IDField]
	i := t.Field(id.Name)
	switch {
	case i < 0 || i == t.IDField || i == t.TimeField:
		c.errorf(n, "correction_names_nothing", "the event `%s` does not say which `%s` it corrects", t.Name, corrected.Name).
			note("give it the field `%s` beside an id of its own", id.Name)
	case t.Fields[i].Type != id.Type || t.Fields[i].Optional || !t.Fields[i].Default.IsMissing():
		c.errorf(n, "correction_names_nothing", "`%s.%s` says which `%s` is corrected, so it is %s without a default that every event has",
			t.Name, id.Name, corrected.Name, article(id.Type.String()))
	case t.Subject != "" || corrected.Subject != "":
		c.errorf(n, "corrects_personal", "`%s` corrects `%s`, and of events with personal fields there are no corrections", t.Name, corrected.Name).
			note("what is personal of an event stands in its own record alone, under the key of its subject")
	default:
		of.Names = i
		t.Corrects = of
		c.correctionFields(t, corrected, n, event.get("withdraws") != nil)
	}
}

func (c *checker) correctionWithdraws(t *orrery.EventType, event *node, of *orrery.CorrectionOf) {
	n := event.get("withdraws")
	if n == nil {
		return
	}
	i := c.own(t, n)
	if i < 0 {
		return
	}
	if f := &t.Fields[i]; f.Type != orrery.Bool {
		c.errorf(n, "withdraws_not_bool", "what withdraws an event is a bool, and `%s` is %s", f.Name, article(f.Type.String()))
		return
	}
	of.Withdraws = i
}

// correctionFields holds the fields that t has in place of corrected's to the
// same types.
func (c *checker) correctionFields(t, corrected *orrery.EventType, n *node, withdraws bool) {
	replaces := withdraws
	for i := range t.Fields {
		j := t.Replaces(corrected, i)
		if j < 0 || i == t.Corrects.Withdraws {
			continue
		}
		replaces = true
		if f, g := &t.Fields[i], &corrected.Fields[j]; f.Type != g.Type || f.Scale != g.Scale || f.Entity != g.Entity {
			c.errorf(n, "correction_field_differs", "`%s.%s` has the place of `%s.%s` and is declared otherwise", t.Name, f.Name, corrected.Name, g.Name).
				note("give it the same type, or another name")
		}
	}
	if !replaces {
		c.errorf(n, "corrects_nothing", "the event `%s` has no field of `%s` to correct, and withdraws none", t.Name, corrected.Name).
			note("give it fields of the same names, or a bool that withdraws: `withdraws: FIELD`")
	}
}
