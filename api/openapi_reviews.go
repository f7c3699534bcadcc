package api

import (
	"regexp"
	"strings"

	"orrery.dev"
	"orrery.dev/review"
	"orrery.dev/spec"
)

// reviewPaths describes the queue of decisions that people are asked about; there
// is none where the spec asks nobody.
func reviewPaths(base string, s *spec.Spec) node {
	if s.Review == nil {
		return nil
	}
	id := pathParameter("id", "the decision_id", nil)
	action := queryParameter("action", "of these alone", node{"type": "string", "enum": s.Actions()})
	why := queryParameter("why", "asked about for this reason alone", whySchema())
	body := func(schema node) node { return node{"required": true, "content": jsonContent(schema)} }
	words := func(who, about string) node {
		return body(node{"type": "object", "additionalProperties": false, "required": []string{who}, "properties": node{who: text(about), "reason": text("why")}})
	}
	return node{
		base + "/reviews": node{"get": operation("listReviews", "Decisions that wait for a reviewer, the oldest first", []any{action, why,
			queryParameter("after", "the decision after which the page begins", node{"type": "string"}),
			queryParameter("limit", "how many at most", node{"type": "integer", "minimum": 1, "maximum": reviewsMax, "default": reviewsDefault})}, nil, reference("ReviewPage"))},
		base + "/reviews/claim": node{"post": operation("claimReview", "Claim the next decision for a reviewer, or a certain one, until the lease ends", []any{personalParameter()},
			body(reference("ClaimRequest")), reference("Review"))},
		base + "/reviews/{id}": node{"get": operation("readReview", "What a reviewer is shown of a decision", []any{id, personalParameter()}, nil, reference("Review"))},
		base + "/reviews/{id}/verdict": node{"post": operation("giveVerdict", "Give a verdict, which becomes the decision's outcome unless it leaves standing what stood", []any{id},
			body(reference("VerdictRequest")), reference("VerdictAnswer"))},
		base + "/reviews/{id}/skip": node{"post": operation("skipReview", "Give a decision back, which the reviewer is not offered again", []any{id},
			words("reviewer", "who skips it"), reference("ReviewItem"))},
		base + "/reviews/{id}/second": node{"post": operation("askSecond", "Ask for the opinion of another reviewer", []any{id}, words("by", "who asks for it"), reference("ReviewItem"))},
		base + "/reviews/{id}/appeal": node{"post": operation("appeal", "Have a decision looked at by a reviewer who has not seen it, for somebody whom it concerns", []any{id},
			words("by", "who appeals, or for whom"), reference("ReviewItem"))},
		base + "/reviews/agreement": node{"get": operation("reviewAgreement", "How far reviewers agree",
			[]any{queryParameter("since", "second opinions since then", node{"type": "string", "format": "date-time"})}, nil, reference("ReviewAgreement"))},
		base + "/reviews/stats": node{"get": operation("reviewStats", "How the queue does", nil, nil, reference("ReviewState"))},
	}
}

func whySchema() node { return node{"type": "string", "enum": review.Whys()} }

func reviewSchemas(s *spec.Spec) node {
	if s.Review == nil {
		return nil
	}
	instant := func(about string) node { return node{"type": "string", "format": "date-time", "description": about} }
	verdict := node{"type": []string{"string", "boolean"}, "description": "true or false", "enum": []any{"true", "false", true, false}}
	if s.Label.Classes != nil {
		verdict = node{"type": "string", "enum": s.Label.Classes}
		if s.Label.Several {
			verdict = severalSchema(s.Label)
		}
	}
	flag := func(about string) node { return node{"type": "boolean", "description": about} }
	opinion := object(node{"reviewer": text("who"), "verdict": text("what they said"), "round": roundSchema(), "at": instant("when"), "note": text("what they said besides"),
		"outcome": integer("the place in the log of the event that it became"), "overturned": flag("what an appeal came to")}, "note", "outcome", "overturned")
	item := node{"decision_id": text("names the decision"), "why": whySchema(), "open": flag("it waits for a reviewer"), "action": text("what was decided"),
		"score": node{"type": []string{"number", "null"}, "description": "its score"}, "since": instant("since when it waits"), "reviewer": text("who has it"), "until": instant("until when"),
		"appeals":  node{"type": "array", "items": object(node{"by": text("who"), "reason": text("why"), "at": instant("when"), "answered": flag("whether a reviewer has looked")}, "by", "reason")},
		"opinions": node{"type": "array", "description": "told once the review has ended", "items": opinion}, "stands": text("the verdict that counts, once the review has ended")}
	itemOptional := []string{"action", "reviewer", "until", "appeals", "opinions", "stands"}
	whole := node{"verdicts": node{"type": "array", "items": node{"type": "string"}}, "several": flag("several of the verdicts can be given together, with | between them"), "record": reference("Record"), "context": node{"type": "array", "items": contextSchema()}}
	for name, schema := range item {
		whole[name] = schema
	}
	agreement := object(node{"items": integer("judged twice"), "observed": node{"type": "number", "description": "the share that agreed"},
		"expected": node{"type": "number", "description": "what chance would give"}, "kappa": node{"type": []string{"number", "null"}, "description": "1 for perfect agreement, 0 for that of chance"}})
	orNull := func(about string) node {
		return node{"description": about, "oneOf": []any{agreement, node{"type": "null"}}}
	}
	list := func(items node) node { return node{"type": "array", "items": items} }
	return node{
		"ReviewItem": object(item, itemOptional...),
		"Review":     object(whole, append(itemOptional, "context", "several")...),
		"ReviewPage": object(node{"reviews": list(reference("ReviewItem")), "next": text("ask for more after this decision")}, "next"),
		"ClaimRequest": node{"type": "object", "additionalProperties": false, "required": []string{"reviewer"}, "properties": node{
			"reviewer": text("always the same name for one person"), "decision_id": text("the one wanted; the next without it"), "order": node{"type": "string", "enum": review.Orders()},
			"action": text("of these alone"), "why": whySchema()}},
		"VerdictRequest": node{"type": "object", "additionalProperties": false, "required": []string{"reviewer", "verdict"}, "properties": node{
			"reviewer": text("who"), "verdict": verdict, "note": text("what they say besides"), "second": flag("ask for a second opinion too"),
			"change": flag("put this verdict in the place of one's own"), "overturned": flag("what an appeal comes to, where no verdict stood")}},
		"VerdictAnswer": object(node{"decision_id": text("names the decision"), "verdict": text("what was said"), "round": roundSchema(),
			"outcome": object(node{"event_type": text("its type"), "event_id": text("its id"), "offset": integer("its place in the log")}), "overturned": flag("what an appeal came to"),
			"ended": flag("nobody else is asked"), "repeated": flag("the reviewer had said so before")}, "outcome", "overturned", "repeated"),
		"ReviewAgreement": object(node{"items": integer("decisions that two reviewers judged without knowing of each other, where chance asked for a second"),
			"left_out": integer("those where somebody asked for a second"), "reviewers": integer("how many took part"),
			"fleiss": orNull("Fleiss' kappa over all reviewers"), "fleiss_of_all": orNull("the same, weighed to stand for all decisions"),
			"classes": list(object(node{"verdict": text("against the rest"), "fleiss": agreement})),
			"pairs":   list(object(node{"reviewers": list(node{"type": "string"}), "cohen": agreement}))}),
		"ReviewState": object(node{"open": integer("decisions that wait"), "claimed": integer("those that somebody has"), "oldest": instant("since when the oldest waits"),
			"verdicts": node{"type": "object", "description": "those since the start, by round", "additionalProperties": node{"type": "integer"}}}, "oldest"),
	}
}

func roundSchema() node {
	return node{"type": "string", "enum": []string{string(review.First), string(review.Second), string(review.Third), string(review.Appeal), string(review.Change)}}
}

func contextSchema() node {
	event := object(node{"event_type": text("its type"), "event": node{"type": "object"}, "decision_id": text("the decision on it"), "action": text("what was decided"),
		"score": node{"type": []string{"number", "null"}}}, "decision_id", "action", "score")
	return object(node{"field": text("the field that names the entity"), "key": text("its key"), "events": node{"type": "array", "description": "the newest first", "items": event},
		"searched": integer("how many events of the log were looked through")})
}

// severalSchema is that of an outcome of which several classes can be right.
func severalSchema(l *spec.Label) node {
	var classes []string
	for _, c := range l.Classes {
		classes = append(classes, regexp.QuoteMeta(c))
	}
	one := "(" + strings.Join(classes, "|") + ")"
	return node{"type": "string", "pattern": "^(" + orrery.NoLabel + "|" + one + "(\\|" + one + ")*)$", "description": "classes with | between them, or none"}
}
