package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/spec"
)

// Bounds of what reviewers say, in bytes.
const (
	maxReviewer = 200
	maxWords    = 4096
)

// ReviewWho says who acts, and with which key.
type ReviewWho struct{ Name, Client string }

func (w ReviewWho) check() error {
	if strings.TrimSpace(w.Name) == "" || len(w.Name) > maxReviewer {
		return orrery.Errorf(orrery.Invalid, "reviewer_missing", "it is not said who the reviewer is").WithField("reviewer").
			WithNext("send a name of 1 to %d bytes, always the same for one person", maxReviewer)
	}
	return nil
}

func checkWords(field, words string) error {
	if len(words) > maxWords {
		return orrery.Errorf(orrery.TooLarge, "review_words_long", "the %s has %d bytes", field, len(words)).WithField(field).WithNext("say it in %d bytes", maxWords)
	}
	return nil
}

// ClaimReview gives a reviewer the item that a claim asks for, theirs until its
// lease ends, and returns when that is durable. The error is review.Queue.Choose's, or
// of kind NotFound with code review_not_configured.
func (e *Engine) ClaimReview(ctx context.Context, claim review.Claim, client string) (*review.Case, error) {
	_, block, err := e.asking()
	if err != nil {
		return nil, err
	}
	if err := (ReviewWho{Name: claim.Reviewer}).check(); err != nil {
		return nil, err
	}
	r := e.reviews
	r.acting.Lock()
	defer r.acting.Unlock()
	now := e.options.Clock()
	offset, err := r.choose(now, claim)
	if err != nil {
		return nil, err
	}
	act := review.Act{Do: review.DoClaim, Decision: offset, By: claim.Reviewer, Client: client, At: now, Until: now.Add(block.Lease)}
	if err := r.record(ctx, &act); err != nil {
		return nil, err
	}
	return r.find(offset)
}

// choose gives the item that a claim gets, and drops those on the way of whose
// decision nothing is left.
func (r *reviews) choose(now orrery.Instant, claim review.Claim) (orrery.Offset, error) {
	for {
		offset, err := r.lock().Choose(now, claim)
		r.mutex.Unlock()
		if err != nil {
			return 0, err
		}
		_, kept, err := r.Item(offset)
		if err != nil || kept {
			return offset, err
		}
		r.lock().Drop(offset)
		r.mutex.Unlock()
	}
}

func (r *reviews) find(offset orrery.Offset) (*review.Case, error) {
	q := r.lock()
	defer r.mutex.Unlock()
	return q.Case(offset)
}

// record makes an act durable; the queue has it from then on.
func (r *reviews) record(ctx context.Context, act *review.Act) error {
	c, err := act.Control()
	if err != nil {
		return err
	}
	e := r.engine
	var given *job
	if err := e.between(ctx, func() error {
		given = e.recordAct(e.Plan(), act, *c)
		return nil
	}); err != nil {
		return err
	}
	return e.awaitDone(given)
}

// SkipReview gives an item back, which its reviewer is not offered again.
func (e *Engine) SkipReview(ctx context.Context, decision orrery.Offset, who ReviewWho, reason string) error {
	return e.actOnReview(ctx, review.Act{Do: review.DoSkip, Decision: decision, By: who.Name, Client: who.Client, Reason: reason},
		func(q *review.Queue, now orrery.Instant) error { return q.CheckSkip(now, decision, who.Name) })
}

// SecondReview asks for the opinion of another reviewer on what has one.
func (e *Engine) SecondReview(ctx context.Context, decision orrery.Offset, who ReviewWho, reason string) error {
	return e.actOnReview(ctx, review.Act{Do: review.DoSecond, Decision: decision, By: who.Name, Client: who.Client, Reason: reason},
		func(q *review.Queue, _ orrery.Instant) error { return q.CheckSecond(decision) })
}

// AppealReview has a decision looked at, or looked at again, by a reviewer who
// has not given an opinion of it.
func (e *Engine) AppealReview(ctx context.Context, decision orrery.Offset, who ReviewWho, reason string) error {
	return e.actOnReview(ctx, review.Act{Do: review.DoAppeal, Decision: decision, By: who.Name, Client: who.Client, Reason: reason},
		func(q *review.Queue, _ orrery.Instant) error {
			c, err := q.Case(decision)
			if err != nil {
				return err
			}
			return review.CheckAppeal(c)
		})
}

// actOnReview records an act that check allows.
func (e *Engine) actOnReview(ctx context.Context, act review.Act, check func(*review.Queue, orrery.Instant) error) error {
	if _, _, err := e.asking(); err != nil {
		return err
	}
	if err := (ReviewWho{Name: act.By}).check(); err != nil {
		return err
	}
	if err := checkWords("reason", act.Reason); err != nil {
		return err
	}
	r := e.reviews
	r.acting.Lock()
	defer r.acting.Unlock()
	if _, err := r.decision(act.Decision); err != nil {
		return err
	}
	act.At = e.options.Clock()
	err := check(r.lock(), act.At)
	r.mutex.Unlock()
	if err != nil {
		return err
	}
	return r.record(ctx, &act)
}

// decision gives the event of a decision that is still there.
func (r *reviews) decision(offset orrery.Offset) (orrery.Event, error) {
	event, decision, err := r.engine.reader.Recorded(offset)
	switch {
	case err != nil:
		return event, err
	case decision == nil:
		return event, orrery.Errorf(orrery.NotFound, "decision_not_found", "there is no decision %s", DecisionID(offset)).
			WithNext("look for the decision_id of an answer")
	case event.Erased || decision.Erased:
		return event, Erased(offset)
	}
	return event, nil
}

// Verdict is what a reviewer says of a decision.
type Verdict struct {
	review.Ruling
	// Note is what the reviewer says besides.
	Note string
	// Second asks for a second opinion too.
	Second bool
	Client string
}

// Judged says what a verdict came to.
type Judged struct {
	review.Judgement
	// Verdict is what was said, as it is recorded: of several classes in their order.
	Verdict string
	// Event is the outcome that was recorded, nil where what stood still stands.
	Event *orrery.Event
	// Case is the case after it.
	Case *review.Case
}

// GiveVerdict records a verdict, and the outcome that it becomes, in one write,
// and returns when both are durable. The same verdict of the same reviewer again is
// answered as before. The error is review.Queue.Judge's, or of kind Invalid with code
// review_verdict_invalid.
func (e *Engine) GiveVerdict(ctx context.Context, v Verdict) (*Judged, error) {
	s, _, err := e.asking()
	if err != nil {
		return nil, err
	}
	if err := (ReviewWho{Name: v.Reviewer}).check(); err != nil {
		return nil, err
	}
	if err := checkWords("note", v.Note); err != nil {
		return nil, err
	}
	value, err := verdictValue(s.Label, v.Ruling.Verdict)
	if err != nil {
		return nil, err
	}
	if s.Label.Classes != nil {
		// Two reviewers who name the same classes in another order agree.
		v.Ruling.Verdict = value.Text()
	}
	r := e.reviews
	r.acting.Lock()
	defer r.acting.Unlock()
	decided, err := r.decision(v.Decision)
	if err != nil {
		return nil, err
	}
	now := e.options.Clock()
	q := r.lock()
	judgement, err := q.Judge(now, v.Ruling)
	var c *review.Case
	if err == nil {
		c, err = q.Case(v.Decision)
	}
	r.mutex.Unlock()
	if err != nil {
		return nil, err
	}
	out := &Judged{Judgement: judgement, Verdict: v.Ruling.Verdict, Case: c}
	if judgement.Repeated != nil {
		return out, r.repeated(out)
	}
	act := review.Act{Do: review.DoVerdict, Decision: v.Decision, By: v.Reviewer, Client: v.Client, At: now, Reason: v.Note, Verdict: v.Ruling.Verdict,
		Round: judgement.Round, Second: v.Second, Overturned: judgement.Overturned, Propensity: c.Propensity}
	if judgement.Outcome {
		out.Event, err = r.outcome(ctx, s, decided, &act, value, c)
	} else {
		err = r.record(ctx, &act)
	}
	if err != nil {
		return nil, err
	}
	r.given[slices.Index(verdictKinds[:], act.Round)].Add(1)
	out.Case, err = r.find(v.Decision)
	return out, err
}

// repeated finds the outcome of a verdict that was given before.
func (r *reviews) repeated(out *Judged) error {
	if out.Repeated.Outcome == 0 {
		return nil
	}
	event, _, err := r.engine.reader.Recorded(out.Repeated.Outcome)
	if err == nil {
		out.Event = &event
	}
	return err
}

// verdictValue reads what a reviewer says as a value of the label's field.
func verdictValue(l *spec.Label, verdict string) (orrery.Value, error) {
	if l.Classes != nil {
		if class, known := l.ClassOf(verdict); known {
			return orrery.StringValue(l.ClassText(class)), nil
		}
	} else if verdict == "true" || verdict == "false" {
		return orrery.BoolValue(verdict == "true"), nil
	}
	next := "it is one of "
	if l.Several {
		next = "it is one or more, with " + orrery.LabelSeparator + " between them, of "
	}
	return orrery.Value{}, orrery.Errorf(orrery.Invalid, "review_verdict_invalid", "%.40q is no verdict", verdict).WithField("verdict").
		WithNext("%s%s", next, strings.Join(l.Outcomes(), ", "))
}

// outcome records a verdict with the event that it becomes.
func (r *reviews) outcome(ctx context.Context, s *spec.Spec, decided orrery.Event, act *review.Act, value orrery.Value, c *review.Case) (*orrery.Event, error) {
	event, err := r.verdictEvent(ctx, s, decided, act, value, c)
	if err != nil {
		return nil, err
	}
	j := newJob(1)
	j.act = act
	j.follow = func(recorded *orrery.Event) (*record.Control, error) {
		act.Outcome = recorded.Offset
		return act.Control()
	}
	results, err := r.engine.submit(ctx, j, []orrery.Event{event})
	if err != nil {
		return nil, err
	}
	if err := results[0].Err; err != nil {
		return nil, err
	}
	if results[0].Repeated {
		return nil, orrery.Errorf(orrery.Conflict, "review_id_taken", "there is a %s %q already, which no reviewer gave", event.Type.Name, event.ID).
			WithNext("send such events with other ids")
	}
	return &results[0].Event, nil
}

// verdictEvent makes the event that a verdict becomes.
func (r *reviews) verdictEvent(ctx context.Context, s *spec.Spec, decided orrery.Event, act *review.Act, value orrery.Value, c *review.Case) (orrery.Event, error) {
	t := s.Label.Event
	if !decided.Type.Is(s.DecideOn) {
		return orrery.Event{}, orrery.Errorf(orrery.Conflict, "review_of_another_event", "%s is on a %s, and the system decides on a %s now",
			DecisionID(act.Decision), decided.Type.Name, s.DecideOn.Name)
	}
	decided, err := r.engine.reader.Reveal(decided)
	if err != nil {
		return orrery.Event{}, err
	}
	number := 1
	for _, o := range c.Opinions {
		if o.Outcome != 0 {
			number++
		}
	}
	at, err := r.eventTime(ctx, s, &decided, act.At)
	if err != nil {
		return orrery.Event{}, err
	}
	event := orrery.Event{Type: t, ID: fmt.Sprintf("review-%s-%d", DecisionID(act.Decision), number), Time: at, Values: make([]orrery.Value, len(t.Fields))}
	for i, from := range s.Review.Verdict {
		switch from.Source {
		case spec.FromDecided:
			event.Values[i] = decided.Values[from.Field]
		case spec.FromVerdict:
			event.Values[i] = value
		case spec.FromReviewer:
			event.Values[i] = orrery.StringValue(act.By)
		case spec.FromNote:
			if f := &t.Fields[i]; act.Reason != "" || !f.Optional && f.Default.IsMissing() {
				event.Values[i] = orrery.StringValue(act.Reason)
			}
		case spec.FromID:
			event.Values[i] = orrery.StringValue(event.ID)
		case spec.FromTime:
			event.Values[i] = orrery.TimestampValue(at)
		}
		if event.Values[i].IsMissing() {
			event.Values[i] = t.Fields[i].Default
		}
	}
	return event, nil
}

// eventTime gives when a verdict of an instant happened: then, and after what it is
// about, whatever the clocks say. A system that is fed history lives in the time of
// its events, all of which would be too old beside one of now.
func (r *reviews) eventTime(ctx context.Context, s *spec.Spec, decided *orrery.Event, at orrery.Instant) (orrery.Instant, error) {
	latest, err := r.engine.Latest(ctx)
	if err != nil {
		return 0, err
	}
	if at > latest.Add(s.Dedupe.Within) {
		at = latest
	}
	return max(at, decided.Time), nil
}

// follow gives the control that goes behind a job's event its place.
func (e *Engine) follow(j *job) error {
	if j.follow == nil {
		return nil
	}
	if !j.items[0].fresh() {
		j.act = nil
		return nil
	}
	c, err := j.follow(&j.items[0].event)
	if err != nil {
		return err
	}
	e.last++
	j.actedAt = e.last
	j.behind = controlRecord(j.runtime.plan, e.last, c)
	return nil
}
