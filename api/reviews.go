package api

import (
	"context"
	"encoding/json"
	"slices"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/replay"
	"orrery.dev/review"
	"orrery.dev/serve"
)

// Limits on what a page of reviews holds.
const (
	reviewsDefault = 100
	reviewsMax     = 1000
)

// recentShown is how many events of an entity a reviewer is shown at most.
const recentShown = 10

// ReviewPage is some of the decisions that wait for a reviewer.
type ReviewPage struct {
	Reviews []ReviewItem `json:"reviews"`
	// Next is the decision after which there may be more: ?after=NEXT.
	Next string `json:"next,omitempty"`
}

// ReviewItem is a decision that people are asked about.
type ReviewItem struct {
	DecisionID string `json:"decision_id"`
	// Why says why: action, uncertain, random or appeal.
	Why string `json:"why"`
	// Open says that it waits for a reviewer.
	Open   bool   `json:"open"`
	Action string `json:"action,omitempty"`
	// Score has seven digits; it is null where there is none.
	Score any    `json:"score"`
	Since string `json:"since"`
	// Reviewer has it until an instant.
	Reviewer string `json:"reviewer,omitempty"`
	Until    string `json:"until,omitempty"`
	// Appeals say who asked for another look, and why.
	Appeals []AppealMade `json:"appeals,omitempty"`
	// Opinions are told once the review has ended: whoever is asked must not know of
	// another's.
	Opinions []OpinionGiven `json:"opinions,omitempty"`
	// Stands is the verdict that counts, once the review has ended.
	Stands string `json:"stands,omitempty"`
}

// AppealMade is an appeal.
type AppealMade struct {
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
	At       string `json:"at"`
	Answered bool   `json:"answered"`
}

// OpinionGiven is a verdict of a reviewer.
type OpinionGiven struct {
	Reviewer string `json:"reviewer"`
	Verdict  string `json:"verdict"`
	Round    string `json:"round"`
	At       string `json:"at"`
	Note     string `json:"note,omitempty"`
	// Outcome is the place in the log of the event that it became.
	Outcome orrery.Offset `json:"outcome,omitempty"`
	// Overturned is what an appeal came to.
	Overturned *bool `json:"overturned,omitempty"`
}

// Review is an item with all that a reviewer is shown.
type Review struct {
	ReviewItem
	// Verdicts are those that can be given; with Several, also several of them with |
	// between them, but for none.
	Verdicts []string `json:"verdicts"`
	Several  bool     `json:"several,omitempty"`
	Record   *Record  `json:"record"`
	// Context has what else happened to the entities that the spec names.
	Context []EntityContext `json:"context,omitempty"`
}

// EntityContext is what the log has of an entity before the decision.
type EntityContext struct {
	Field string `json:"field"`
	Key   string `json:"key"`
	// Events are the newest, the newest first, of the Searched events of the log that
	// were looked through.
	Events   []ContextEvent `json:"events"`
	Searched int            `json:"searched"`
}

// ContextEvent is an event, with the decision on it where there is one.
type ContextEvent struct {
	Type       string          `json:"event_type"`
	Event      json.RawMessage `json:"event"`
	DecisionID string          `json:"decision_id,omitempty"`
	Action     string          `json:"action,omitempty"`
	Score      any             `json:"score,omitempty"`
}

func itemOf(c *review.Case, open bool) ReviewItem {
	out := ReviewItem{DecisionID: serve.DecisionID(c.Offset), Why: c.Why.String(), Open: open, Action: c.Action, Score: replay.Number(c.Score),
		Since: max(c.Since, c.Received).String()}
	if c.Lease.Reviewer != "" {
		out.Reviewer, out.Until = c.Lease.Reviewer, c.Lease.Until.String()
	}
	for _, p := range c.Pleas {
		out.Appeals = append(out.Appeals, AppealMade{By: p.By, Reason: p.Reason, At: p.At.String(), Answered: p.Answered})
	}
	if open {
		return out
	}
	for _, o := range c.Opinions {
		given := OpinionGiven{Reviewer: o.Reviewer, Verdict: o.Verdict, Round: string(o.Round), At: o.At.String(), Note: o.Note, Outcome: o.Outcome}
		if o.Upheld || o.Overturned {
			given.Overturned = &o.Overturned
		}
		out.Opinions = append(out.Opinions, given)
	}
	if stands := c.Stands(); stands != nil {
		out.Stands = stands.Verdict
	}
	return out
}

// ReadReviews gives a page of what waits for a reviewer.
func ReadReviews(engine *serve.Engine, f review.Filter, after orrery.Offset, limit int) (*ReviewPage, error) {
	cases, next, err := engine.Reviews(f, after, limit)
	if err != nil {
		return nil, err
	}
	page := &ReviewPage{Reviews: make([]ReviewItem, len(cases))}
	for i, c := range cases {
		page.Reviews[i] = itemOf(c, true)
	}
	if next != 0 {
		page.Next = serve.DecisionID(next)
	}
	return page, nil
}

// ReadReview gives what a reviewer is shown of one decision: with personal values,
// or with a mask in their place.
func ReadReview(ctx context.Context, engine *serve.Engine, decision orrery.Offset, personal bool) (*Review, error) {
	c, open, err := engine.Review(decision)
	if err != nil {
		return nil, err
	}
	return show(ctx, engine, c, open, personal)
}

func show(ctx context.Context, engine *serve.Engine, c *review.Case, open, personal bool) (*Review, error) {
	reader, s := engine.Reader(), engine.Plan().Spec
	record, err := ReadRecord(reader, c.Offset, personal)
	if err != nil {
		return nil, err
	}
	out := &Review{ReviewItem: itemOf(c, open), Record: record, Verdicts: verdicts(engine), Several: s.Label.Several}
	out.Score, out.Action = record.Score, record.Action
	event, decision, err := reader.Recorded(c.Offset)
	if err != nil {
		return nil, err
	}
	seen := event
	if personal {
		if seen, err = reader.Reveal(event); err != nil {
			return nil, err
		}
	}
	if err := addTerms(ctx, engine, record, &seen, decision, personal); err != nil {
		return nil, err
	}
	if s.Review == nil || !event.Type.Is(s.DecideOn) {
		return out, nil
	}
	out.Context, err = contextOf(reader, &event, s.Review.Context, personal)
	return out, err
}

// verdicts gives those that can be given.
func verdicts(engine *serve.Engine) []string {
	return engine.Plan().Spec.Label.Outcomes()
}

func contextOf(reader *serve.Reader, event *orrery.Event, fields []int, personal bool) ([]EntityContext, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	seen, searched, err := reader.Before(event, fields, recentShown)
	if err != nil {
		return nil, err
	}
	view := func(e orrery.Event) (orrery.Event, error) {
		if personal {
			return reader.Reveal(e)
		}
		return serve.Mask(e), nil
	}
	asked, err := view(*event)
	if err != nil {
		return nil, err
	}
	out := make([]EntityContext, 0, len(fields))
	for i, field := range fields {
		if event.Values[field].IsMissing() {
			continue
		}
		entity := EntityContext{Field: event.Type.Fields[field].Name, Key: asked.Values[field].Text(), Events: []ContextEvent{}, Searched: searched}
		for _, s := range seen[i] {
			if s.Event.Erased {
				continue
			}
			shown, err := view(s.Event)
			if err != nil {
				return nil, err
			}
			e := ContextEvent{Type: shown.Type.Name, Event: ingest.AppendJSON(nil, &shown)}
			if d := s.Decision; d != nil && !d.Erased {
				e.DecisionID, e.Action, e.Score = serve.DecisionID(d.Offset), d.Action, replay.Number(d.Score)
			}
			entity.Events = append(entity.Events, e)
		}
		out = append(out, entity)
	}
	return out, nil
}

// ClaimRequest asks for a decision to review.
type ClaimRequest struct {
	Reviewer string `json:"reviewer"`
	// Decision is the one wanted; the next without it.
	Decision string `json:"decision_id,omitempty"`
	// Order is what comes first: age, score or uncertainty; that of the spec without it.
	Order string `json:"order,omitempty"`
	// Action and Why leave out others.
	Action string `json:"action,omitempty"`
	Why    string `json:"why,omitempty"`
}

// ClaimReview claims a decision for a reviewer.
func ClaimReview(ctx context.Context, engine *serve.Engine, request ClaimRequest, client string, personal bool) (*Review, error) {
	claim := review.Claim{Reviewer: request.Reviewer}
	var err error
	if claim.Filter, err = filterOf(request.Action, request.Why); err != nil {
		return nil, err
	}
	if request.Decision != "" {
		if claim.Decision, err = serve.ParseDecisionID(request.Decision); err != nil {
			return nil, err
		}
	}
	order := request.Order
	if order == "" && engine.Plan().Spec.Review != nil {
		order = engine.Plan().Spec.Review.Order
	}
	if i := slices.Index(review.Orders(), order); i >= 0 {
		claim.Order = review.Order(i)
	} else if order != "" {
		return nil, orrery.Errorf(orrery.Invalid, "review_order_invalid", "there is no order %q", order).WithField("order").WithNext("it is one of %v", review.Orders())
	}
	c, err := engine.ClaimReview(ctx, claim, client)
	if err != nil {
		return nil, err
	}
	return show(ctx, engine, c, true, personal)
}

func filterOf(action, why string) (f review.Filter, err error) {
	f.Action = action
	if why != "" {
		if err := f.Why.UnmarshalText([]byte(why)); err != nil {
			return f, orrery.Errorf(orrery.Invalid, "review_why_invalid", "%v", err).WithField("why")
		}
	}
	return f, nil
}

// VerdictRequest is what a reviewer says of a decision.
type VerdictRequest struct {
	Reviewer string      `json:"reviewer"`
	Verdict  VerdictText `json:"verdict"`
	Note     string      `json:"note,omitempty"`
	// Second asks for the opinion of another reviewer too.
	Second bool `json:"second,omitempty"`
	// Change takes the place of the reviewer's own verdict.
	Change bool `json:"change,omitempty"`
	// Overturned says what an appeal comes to, where no verdict stood.
	Overturned *bool `json:"overturned,omitempty"`
}

// VerdictText is a class, or true or false.
type VerdictText string

// UnmarshalJSON reads a string or a bool.
func (v *VerdictText) UnmarshalJSON(text []byte) error {
	if s := string(text); s == "true" || s == "false" {
		*v = VerdictText(s)
		return nil
	}
	return json.Unmarshal(text, (*string)(v))
}

// VerdictAnswer says what a verdict came to.
type VerdictAnswer struct {
	DecisionID string `json:"decision_id"`
	Verdict    string `json:"verdict"`
	// Round is first, second, third, appeal or change.
	Round string `json:"round"`
	// Outcome is the event that it became; without one, what stood still stands.
	Outcome *OutcomeRecorded `json:"outcome,omitempty"`
	// Overturned is what an appeal came to.
	Overturned *bool `json:"overturned,omitempty"`
	// Ended says that nobody else is asked.
	Ended bool `json:"ended"`
	// Repeated says that the reviewer had said so before.
	Repeated bool `json:"repeated,omitempty"`
}

// OutcomeRecorded names the event that a verdict became.
type OutcomeRecorded struct {
	Type    string        `json:"event_type"`
	EventID string        `json:"event_id"`
	Offset  orrery.Offset `json:"offset"`
}

// GiveVerdict records a verdict.
func GiveVerdict(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request VerdictRequest, client string) (*VerdictAnswer, error) {
	done, err := engine.GiveVerdict(ctx, serve.Verdict{
		Ruling: review.Ruling{Decision: decision, Reviewer: request.Reviewer, Verdict: string(request.Verdict), Change: request.Change, Overturned: request.Overturned},
		Note:   request.Note, Second: request.Second, Client: client})
	if err != nil {
		return nil, err
	}
	out := &VerdictAnswer{DecisionID: serve.DecisionID(decision), Verdict: done.Verdict, Round: string(done.Round), Ended: done.Case.Stage() == "", Repeated: done.Repeated != nil}
	if done.Round == review.Appeal {
		overturned := done.Overturned
		if done.Repeated != nil {
			overturned = done.Repeated.Overturned
		}
		out.Overturned = &overturned
	}
	if e := done.Event; e != nil {
		out.Outcome = &OutcomeRecorded{Type: e.Type.Name, EventID: e.ID, Offset: e.Offset}
	}
	return out, nil
}

// ReviewActRequest says who skips a decision, appeals or wants a second opinion, and why.
type ReviewActRequest struct {
	// Reviewer is who skips, By who else asks.
	Reviewer string `json:"reviewer,omitempty"`
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

func (r *ReviewActRequest) who(client string) serve.ReviewWho {
	name := r.Reviewer
	if name == "" {
		name = r.By
	}
	return serve.ReviewWho{Name: name, Client: client}
}

// doReview is one of SkipReview, AskSecond and AppealDecision.
type doReview func(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request ReviewActRequest, client string) (*ReviewItem, error)

// SkipReview gives a decision back, which the reviewer is not offered again.
func SkipReview(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request ReviewActRequest, client string) (*ReviewItem, error) {
	return acted(engine, decision, engine.SkipReview(ctx, decision, request.who(client), request.Reason))
}

// AskSecond asks for the opinion of another reviewer.
func AskSecond(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request ReviewActRequest, client string) (*ReviewItem, error) {
	return acted(engine, decision, engine.SecondReview(ctx, decision, request.who(client), request.Reason))
}

// AppealDecision has a decision looked at again.
func AppealDecision(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request ReviewActRequest, client string) (*ReviewItem, error) {
	return acted(engine, decision, engine.AppealReview(ctx, decision, request.who(client), request.Reason))
}

func acted(engine *serve.Engine, decision orrery.Offset, err error) (*ReviewItem, error) {
	if err != nil {
		return nil, err
	}
	c, open, err := engine.Review(decision)
	if err != nil {
		return nil, err
	}
	item := itemOf(c, open)
	return &item, nil
}
