package spec

import (
	"slices"

	"orrery.dev"
	"orrery.dev/declare"
)

// Review says which decisions people are asked about, and what their verdicts
// become.
type Review struct {
	// Of has the actions of which every decision is asked about.
	Of []string
	// Margin is how far from its own another score may be that would have had
	// another answer, and UncertainShare the share of those decisions that are asked
	// about; 0 is none.
	Margin, UncertainShare float64
	// Random is the share of all decisions.
	Random float64
	// Lease is how long a claim lasts, Within how long a decision waits.
	Lease, Within orrery.Duration
	// Second is the share that two reviewers are asked about.
	Second float64
	// Order is what is offered first: age, score or uncertainty.
	Order string
	// Context has the entities that a reviewer is shown more of, as indexes of entity
	// fields in DecideOn.
	Context []int
	// Verdict has for each field of the label's event what fills it.
	Verdict []Fill
}

func reviewField() declare.Field {
	share := declare.Field{Type: declare.Number, Min: declare.Bound(0), Max: declare.Bound(1)}
	named := func(name, fallback, example, doc string) declare.Field {
		f := share
		f.Name, f.Default, f.Example, f.Doc = name, fallback, example, doc
		return f
	}
	return declare.Field{Name: "review", Type: declare.Mapping,
		Doc: "Which decisions people are asked about: `orrery review`. A decision waits in a queue; a reviewer claims it for a while and gives a verdict, which is recorded as an event of `label.from`: the outcome of the decision, which the next training learns from. " +
			"The event's id and time are made, `label.match` names the decision's event, and every other field has the value of the field of the same name and type, or of the same entity, of the event decided on. " +
			"A decision is asked about by one draw of chance, which a replay repeats, with the greatest share of those that apply to it. That share is known, and where nothing else would tell the outcome the row weighs one over it, in training and in metrics: it stands for those of its kind that nobody was asked about.",
		Fields: []declare.Field{
			{Name: "of", Type: declare.Name, List: true, Example: "[review]", Doc: "The actions of which every decision is asked about."},
			{Name: "uncertain", Type: declare.Mapping, Doc: "Asks about decisions whose answer hangs on little.",
				Fields: []declare.Field{
					{Name: "margin", Type: declare.Number, Required: true, Above: declare.Bound(0), Max: declare.Bound(1), Example: "0.05",
						Doc: "A decision is uncertain where the policy would give another action if its score, or that of one class, were so much higher or lower."},
					named("share", "1", "0.2", "The share of the uncertain decisions that are asked about."),
				}},
			named("random", "0", "0.01", "The share of all decisions that are asked about, whatever they are. At 0.01, a verdict on one of them stands for a hundred. Without it, nothing is learned of decisions that are of other actions and certain."),
			named("second", "0", "0.1", "The share of the decisions asked about that two reviewers are asked about, neither of whom learns of the other. Where they contradict each other, a third decides. `orrery review agreement` measures it."),
			{Name: "lease", Type: declare.Duration, Default: "15m", Above: declare.Bound(0), Doc: "How long a claim lasts; then another reviewer may be offered the decision."},
			{Name: "within", Type: declare.Duration, Default: "30d", Above: declare.Bound(0), Doc: "How long a decision waits for a verdict before it is dropped from the queue."},
			{Name: "order", Type: declare.Text, Enum: []string{"age", "score", "uncertainty"}, Default: "age",
				Doc: "What a reviewer is offered first: what waits longest, what has the highest score, or what is least sure. A claim can ask for another order."},
			{Name: "context", Type: declare.EntityRef, List: true, Example: "[customer]", Doc: "Entities of the decision of which a reviewer is shown the latest events, and decisions on them."},
			{Name: "reviewer", Type: declare.FieldRef, Example: "analyst", Doc: "The string field of the verdict's event that takes the reviewer's name."},
			{Name: "note", Type: declare.FieldRef, Example: "comment", Doc: "The string field of the verdict's event that takes what the reviewer says besides."},
		}}
}

// resolveReview resolves which decisions are asked about, and the event that a
// verdict becomes.
func (c *checker) resolveReview(root *node) {
	n := root.get("review")
	if n == nil || n.shape != mapping {
		return
	}
	r := &Review{Order: textOf(n, "order")}
	r.Random, _ = valueOf[float64](n, "random")
	r.Second, _ = valueOf[float64](n, "second")
	r.Lease, _ = valueOf[orrery.Duration](n, "lease")
	r.Within, _ = valueOf[orrery.Duration](n, "within")
	c.reviewedActions(root, n, r)
	uncertain := n.find("uncertain")
	if uncertain != nil && uncertain.shape == mapping {
		r.Margin, _ = valueOf[float64](uncertain, "margin")
		r.UncertainShare, _ = valueOf[float64](uncertain, "share")
		if root.find("model") == nil && !root.partial && !c.lost["model"] {
			c.errorf(uncertain, "no_model", "`uncertain` is about a score, and the file has no model to give one")
		}
	}
	if n.written("of") == nil && uncertain == nil && r.Random == 0 && n.written("random") == nil && !n.partial &&
		!c.misspelt(n, "of") && !c.misspelt(n, "uncertain") && !c.misspelt(n, "random") {
		c.errorf(n, "review_of_nothing", "`review` does not say which decisions people are asked about").
			note("name actions, a share or both: of: [%s], random: 0.01", firstOr(c.spec.Actions(), "review"))
	}
	if list := n.find("context"); list != nil && !list.bad && c.spec.DecideOn != nil {
		for _, item := range list.list() {
			if i := c.entityField(item, c.spec.DecideOn); i >= 0 && !slices.Contains(r.Context, i) {
				r.Context = append(r.Context, i)
			}
		}
	}
	c.needsLabel(root, n)
	if l := c.spec.Label; l != nil && l.Event != nil && l.Field >= 0 && l.Match >= 0 && c.spec.DecideOn != nil {
		c.verdictEvent(root, n, r)
	}
	c.spec.Review = r
}

func (c *checker) reviewedActions(root, n *node, r *Review) {
	known := c.actions(root)
	r.Of = c.namedActions(n.find("of"), &known)
}

// namedActions gives the actions that a list names, each once.
func (c *checker) namedActions(list *node, known *names) []string {
	if list == nil || list.bad {
		return nil
	}
	var out []string
	for _, item := range list.list() {
		switch {
		case slices.Contains(out, item.text):
			c.errorf(item, "duplicate_item", "`%s` is listed twice", item.text)
		case slices.Contains(known.list, item.text):
			out = append(out, item.text)
		default:
			c.unresolved(item, "unknown_action", "action", item.text, known)
		}
	}
	return out
}

// verdictEvent finds out how a verdict fills the fields of the label's event.
func (c *checker) verdictEvent(root, n *node, r *Review) {
	l := c.spec.Label
	t := l.Event
	at := n
	if key := root.key("review"); key != nil {
		at = key
	}
	r.Verdict = make([]Fill, len(t.Fields))
	if t.IDField < 0 || t.TimeField < 0 {
		return
	}
	for _, named := range []struct {
		key    string
		source FillSource
	}{{"reviewer", FromReviewer}, {"note", FromNote}} {
		v := n.get(named.key)
		if v == nil || v.bad {
			continue
		}
		i := c.own(t, v)
		switch {
		case i < 0:
		case t.Fields[i].Type != orrery.String || i == t.IDField || i == l.Field || i == l.Match:
			c.errorf(v, "wrong_field_type", "`%s` takes a string of its own, and `%s` is not one", named.key, t.Fields[i].Name)
		default:
			r.Verdict[i].Source = named.source
		}
	}
	if f := &t.Fields[t.IDField]; f.Type != orrery.String {
		c.errorf(at, "verdict_id", "a verdict has an id of its own making, which is a string, and `%s.%s` is %s", t.Name, f.Name, article(f.Type.String()))
	}
	if t.Fields[l.Field].Personal {
		c.errorf(at, "personal_verdict", "`%s.%s` is personal, and verdicts are kept as they are", t.Name, t.Fields[l.Field].Name)
	}
	r.Verdict[t.IDField].Source, r.Verdict[t.TimeField].Source, r.Verdict[l.Field].Source = FromID, FromTime, FromVerdict
	r.Verdict[l.Match] = Fill{Source: FromDecided, Field: l.Against}
	c.fillFields(at, r.Verdict, t, "verdict_unfilled", "a verdict")
}
