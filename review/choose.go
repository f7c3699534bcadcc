package review

import "orrery.dev"

// MaxHeld is how many items one reviewer may have claimed at a time.
const MaxHeld = 100

// Claim says which item a reviewer wants.
type Claim struct {
	Reviewer string
	Order    Order
	Filter   Filter
	// Decision is the item wanted, 0 for the next.
	Decision orrery.Offset
}

// Choose gives the item that a claim gets at an instant. It changes nothing but
// that leases that have ended are over. The error is of kind NotFound with code
// review_none or review_not_found; of kind Conflict with code review_closed,
// review_held, review_own or review_too_many.
func (q *Queue) Choose(now orrery.Instant, c Claim) (orrery.Offset, error) {
	q.expire(now)
	held := 0
	for _, s := range q.leased {
		if q.cases[orrery.Offset(q.slots[s].offset)].Lease.Reviewer == c.Reviewer {
			held++
		}
	}
	if c.Decision != 0 {
		return c.Decision, q.checkClaim(now, &c, held)
	}
	if held >= MaxHeld {
		return 0, tooMany(held)
	}
	s := q.first(c.Order, func(s int32) bool {
		if !q.fits(s, c.Filter) {
			return false
		}
		touched := q.cases[orrery.Offset(q.slots[s].offset)]
		return touched == nil || touched.suits(c.Reviewer)
	})
	if s < 0 {
		return 0, orrery.Errorf(orrery.NotFound, "review_none", "nothing waits for %s", c.Reviewer).
			WithNext("ask again later, or without a filter; %d are open, some of them with others or seen by the same reviewer", len(q.open))
	}
	return orrery.Offset(q.slots[s].offset), nil
}

func tooMany(held int) error {
	return orrery.Errorf(orrery.Conflict, "review_too_many", "the reviewer has %d items already", held).
		WithNext("give verdicts on them, or skip some")
}

// checkClaim refuses a claim of one item that cannot be the reviewer's.
func (q *Queue) checkClaim(now orrery.Instant, claim *Claim, held int) error {
	c, err := q.opened(claim.Decision)
	if err != nil {
		return err
	}
	if err := c.mayJudge(now, claim.Reviewer); err != nil {
		return err
	}
	if held >= MaxHeld && c.Lease.Reviewer != claim.Reviewer {
		return tooMany(held)
	}
	return nil
}

// opened gives a case that is open.
func (q *Queue) opened(offset orrery.Offset) (*Case, error) {
	c, err := q.Case(offset)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, NotFound(offset)
	case c.Stage() == "" || !q.Open(offset):
		return nil, closed(offset)
	}
	return c, nil
}

// NotFound is what is answered for a decision that nobody is asked about.
func NotFound(offset orrery.Offset) error {
	return orrery.Errorf(orrery.NotFound, "review_not_found", "nobody is asked about the decision d%d", offset).
		WithNext("an appeal has it looked at: orrery review appeal")
}

func closed(offset orrery.Offset) error {
	return orrery.Errorf(orrery.Conflict, "review_closed", "the review of d%d has ended", offset).
		WithNext("ask for a second opinion, or appeal")
}

// mayJudge refuses whom a case is not for: somebody else has it, or the reviewer
// has given an opinion.
func (c *Case) mayJudge(now orrery.Instant, reviewer string) error {
	if c.Lease.Reviewer != "" && c.Lease.Reviewer != reviewer && c.Lease.Until > now {
		return orrery.Errorf(orrery.Conflict, "review_held", "another reviewer has d%d until %s", c.Offset, c.Lease.Until).
			WithNext("claim the next")
	}
	if c.of(reviewer) != nil {
		return orrery.Errorf(orrery.Conflict, "review_own", "%s has given an opinion of d%d; another reviewer is asked now", reviewer, c.Offset).
			WithNext("claim the next")
	}
	return nil
}

// Judgement says what a verdict comes to.
type Judgement struct {
	Round Round
	// Outcome says that it becomes an outcome, which takes the place of what stood.
	Outcome bool
	// Overturned is what an appeal comes to.
	Overturned bool
	// Repeated is the same verdict, given before; nothing is to be done then.
	Repeated *Opinion
}

// Ruling is a verdict that a reviewer gives.
type Ruling struct {
	Decision          orrery.Offset
	Reviewer, Verdict string
	// Change takes the place of the reviewer's own verdict.
	Change bool
	// Overturned says what an appeal comes to; without it that is told by what stood.
	Overturned *bool
}

// Judge finds out what a verdict would come to at an instant. The error is of
// kind NotFound with code review_not_found; of kind Conflict with code
// review_held, review_own, review_closed or review_given; of kind Invalid with
// code appeal_result_missing.
func (q *Queue) Judge(now orrery.Instant, r Ruling) (Judgement, error) {
	c, err := q.Case(r.Decision)
	if err != nil {
		return Judgement{}, err
	}
	if c == nil {
		return Judgement{}, NotFound(r.Decision)
	}
	if own := c.of(r.Reviewer); own != nil {
		return c.again(own, r)
	}
	if c.Stage() == "" || !q.Open(r.Decision) {
		return Judgement{}, closed(r.Decision)
	}
	if err := c.mayJudge(now, r.Reviewer); err != nil {
		return Judgement{}, err
	}
	j := Judgement{Round: c.Stage()}
	stands := c.Stands()
	switch j.Round {
	case First:
		j.Outcome = true
	case Third:
		j.Outcome = stands == nil || stands.Verdict != r.Verdict
	case Appeal:
		j.Outcome = true
		switch {
		case r.Overturned != nil:
			j.Overturned = *r.Overturned
		case stands != nil:
			j.Overturned = stands.Verdict != r.Verdict
		default:
			return Judgement{}, orrery.Errorf(orrery.Invalid, "appeal_result_missing", "d%d was appealed and no verdict stands, so this one does not tell what the appeal came to", r.Decision).
				WithField("overturned").WithNext("send overturned: true or false with the verdict")
		}
	}
	return j, nil
}

// again finds out what a second verdict of the same reviewer comes to.
func (c *Case) again(own *Opinion, r Ruling) (Judgement, error) {
	if own.Verdict == r.Verdict {
		return Judgement{Round: own.Round, Repeated: own}, nil
	}
	given := orrery.Errorf(orrery.Conflict, "review_given", "%s has said %s of d%d", r.Reviewer, own.Verdict, r.Decision)
	if !r.Change {
		return Judgement{}, given.WithNext("send change: true to put another verdict in its place")
	}
	if len(c.Opinions) >= maxOpinions {
		return Judgement{}, given.WithNext("it has been changed as often as can be; appeal in its place")
	}
	if stands := c.Stands(); stands == nil || stands.Reviewer != r.Reviewer || stands.At != own.At || c.Stage() != "" {
		return Judgement{}, given.WithNext("it is not the verdict that stands, or others are asked now; appeal in its place")
	}
	return Judgement{Round: Change, Outcome: true}, nil
}

// CheckSkip refuses a skip of what is not open, or is another's.
func (q *Queue) CheckSkip(now orrery.Instant, offset orrery.Offset, reviewer string) error {
	c, err := q.opened(offset)
	if err != nil {
		return err
	}
	return c.mayJudge(now, reviewer)
}

// CheckSecond refuses the wish for a second opinion where there is one, or no
// first.
func (q *Queue) CheckSecond(offset orrery.Offset) error {
	c, err := q.Case(offset)
	switch {
	case err != nil:
		return err
	case c == nil:
		return NotFound(offset)
	case len(c.Independent()) > 1 || len(c.Pleas) > 0 || c.Asked || c.Stage() == Second:
		return orrery.Errorf(orrery.Conflict, "review_enough", "d%d has, or waits for, another opinion already", offset).
			WithNext("appeal, if what stands is wrong")
	}
	return nil
}

// maxOpinions is how many opinions one decision can have before nobody can change
// theirs any more.
const maxOpinions = 50

// maxPleas is how often one decision can be appealed.
const maxPleas = 10

// CheckAppeal refuses an appeal while another waits. c is nil for a decision that
// nobody was asked about.
func CheckAppeal(c *Case) error {
	switch {
	case c == nil:
	case c.Stage() == Appeal:
		return orrery.Errorf(orrery.Conflict, "review_appealed", "d%d has been appealed, and that is not answered yet", c.Offset).
			WithNext("wait for the answer")
	case len(c.Pleas) >= maxPleas:
		return orrery.Errorf(orrery.Conflict, "review_final", "d%d has been appealed %d times, which is as often as can be", c.Offset, maxPleas)
	}
	return nil
}
