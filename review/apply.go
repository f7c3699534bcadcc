package review

import (
	"slices"

	"orrery.dev"
)

// maxSkips is how many reviewers are remembered that skipped an item; whoever
// skipped it first may be offered it again after that.
const maxSkips = 100

// Apply applies the act of the control at an offset. One that has been applied
// has no effect when it is applied again. What is about a decision that is not
// kept any more is nothing.
func (q *Queue) Apply(offset orrery.Offset, a *Act) error {
	c, err := q.touch(a)
	if err != nil || c == nil || offset <= c.Applied {
		return err
	}
	q.cases[a.Decision] = c
	c.Applied = offset
	switch a.Do {
	case DoClaim:
		c.Lease = Lease{Reviewer: a.By, Until: a.Until}
	case DoSkip:
		c.Lease = Lease{}
		if !slices.Contains(c.Skipped, a.By) {
			c.Skipped = append(c.Skipped, a.By)
			c.Skipped = c.Skipped[max(0, len(c.Skipped)-maxSkips):]
		}
	case DoSecond:
		c.Asked, c.Since = true, a.At
	case DoAppeal:
		c.Pleas, c.Lease = append(c.Pleas, Plea{By: a.By, Reason: a.Reason, At: a.At}), Lease{}
		c.Since = a.At
	case DoVerdict:
		c.judge(a)
	}
	q.settle(c)
	return nil
}

func (c *Case) judge(a *Act) {
	c.Lease = Lease{}
	o := Opinion{Reviewer: a.By, Verdict: a.Verdict, Round: a.Round, At: a.At, Note: a.Reason, Outcome: a.Outcome}
	if n := len(c.Pleas); a.Round == Appeal && n > 0 {
		c.Pleas[n-1].Answered = true
		o.Overturned, o.Upheld = a.Overturned, !a.Overturned
	}
	c.Opinions = append(c.Opinions, o)
	c.Asked = c.Asked || a.Second
}

// touch gives the case of an act as one that may be changed, nil where its
// decision is not kept.
func (q *Queue) touch(a *Act) (*Case, error) {
	if c := q.cases[a.Decision]; c != nil {
		return c, nil
	}
	c, err := q.Case(a.Decision)
	if err != nil {
		return nil, err
	}
	if c == nil {
		item, ok, err := q.source.Item(a.Decision)
		if err != nil || !ok {
			return nil, err
		}
		c = &Case{Item: item.whyEver()}
	}
	return c, nil
}

// whyEver gives an item that nobody was asked about the reason that is left.
func (i Item) whyEver() Item {
	if i.Why == 0 {
		i.Why = Appealed
	}
	return i
}

// since gives when the case began to wait.
func (c *Case) since() orrery.Instant { return max(c.Since, c.Received) }

// settle puts a case where its stage says.
func (q *Queue) settle(c *Case) {
	s, open := q.find(c.Offset)
	switch {
	case c.Stage() == "" && open:
		q.drop(s)
	case c.Stage() == "":
	case !open:
		s = q.insert(&c.Item, c.since())
		fallthrough
	default:
		q.slots[s].since = int64(c.since())
		if c.Lease.Reviewer != "" {
			q.withhold(s)
		} else {
			q.offer(s)
		}
	}
	q.change(c.Offset)
}
