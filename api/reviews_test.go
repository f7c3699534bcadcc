package api_test

import (
	"fmt"
	"strings"
	"testing"

	"orrery.dev/orrerytest"
)

const reviews = "/v1/systems/fraud/reviews"

// reviewedBy is the fraud system with another review block.
func reviewedBy(t *testing.T, block string) string {
	t.Helper()
	source := string(orrerytest.FraudSpec(t).Source)
	const ours = "review: {of: [review], order: score, lease: 15m, context: [customer, terminal]}"
	if !strings.Contains(source, ours) {
		t.Fatal("the fraud system has another review block")
	}
	return strings.Replace(source, ours, "review: "+block, 1)
}

// TestAReviewFromBeginningToEnd has two reviewers contradict each other, a third
// decide, the author appeal and a fourth overturn it, each answer held to the
// description.
func TestAReviewFromBeginningToEnd(t *testing.T) {
	server := serverOf(t, orrerytest.Spec(t, reviewedBy(t, "{of: [approve], second: 1, context: [customer, terminal]}")))
	valid := described(t, server)
	for i := range 3 {
		call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", strings.Replace(good, `"t1"`, fmt.Sprintf(`"t%d"`, i+1), 1))
	}
	do := func(schema, method, path, body string) map[string]any {
		t.Helper()
		status, _, value := call(t, server, method, reviews+path, "application/json", body)
		if status != 200 && schema != "Problem" {
			t.Fatalf("%s %s: %d %v", method, path, status, value)
		}
		valid(schema, value)
		return object(t, value)
	}
	fails := func(code, path, body string) {
		t.Helper()
		if problem := do("Problem", "POST", path, body); problem["code"] != code {
			t.Errorf("%s %s: %v, want %s", path, body, problem, code)
		}
	}
	page := do("ReviewPage", "GET", "?limit=2&why=action", "")
	if len(page["reviews"].([]any)) != 2 || page["next"] == nil {
		t.Errorf("%v", page)
	}
	// The first offsets are of the release and of these.
	claimed := do("Review", "POST", "/claim", `{"reviewer": "ann"}`)
	id := claimed["decision_id"].(string)
	if claimed["reviewer"] != "ann" || claimed["record"] == nil || len(claimed["context"].([]any)) != 2 {
		t.Errorf("%v", claimed)
	}
	second := do("Review", "POST", "/claim", `{"reviewer": "ann", "order": "score"}`)
	if second["decision_id"] == id {
		t.Error("one decision was claimed twice")
	}
	if events := second["context"].([]any)[0].(map[string]any)["events"].([]any); len(events) != 1 || events[0].(map[string]any)["decision_id"] != id {
		t.Errorf("the context of the second is %v", events)
	}
	fails("review_held", "/"+id+"/verdict", `{"reviewer": "ben", "verdict": true}`)
	fails("review_verdict_invalid", "/"+id+"/verdict", `{"reviewer": "ann", "verdict": "maybe"}`)
	fails("reviewer_missing", "/"+id+"/verdict", `{"verdict": true}`)
	fails("decision_not_found", "/d1/skip", `{"reviewer": "ann"}`)
	fails("review_order_invalid", "/claim", `{"reviewer": "ann", "order": "luck"}`)
	fails("review_why_invalid", "/claim", `{"reviewer": "ann", "why": "luck"}`)

	first := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "ann", "verdict": true, "note": "clearly"}`)
	outcome := first["outcome"].(map[string]any)
	if first["round"] != "first" || first["ended"] != false || outcome["event_type"] != "fraud_report" || outcome["event_id"] != "review-"+id+"-1" {
		t.Errorf("%v", first)
	}
	if again := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "ann", "verdict": true}`); again["repeated"] != true || again["outcome"].(map[string]any)["event_id"] != outcome["event_id"] {
		t.Errorf("%v", again)
	}
	fails("review_given", "/"+id+"/verdict", `{"reviewer": "ann", "verdict": false}`)
	fails("review_own", "/claim", `{"reviewer": "ann", "decision_id": "`+id+`"}`)
	// Who is asked next learns nothing of what was said.
	if blind := do("Review", "POST", "/claim", `{"reviewer": "ben", "decision_id": "`+id+`"}`); blind["opinions"] != nil || blind["stands"] != nil || strings.Contains(fmt.Sprint(blind), "ann") {
		t.Errorf("the second reviewer sees %v", blind)
	}
	if other := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "ben", "verdict": false}`); other["round"] != "second" || other["outcome"] != nil || other["ended"] != false {
		t.Errorf("%v", other)
	}
	if third := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "cleo", "verdict": false}`); third["round"] != "third" || third["outcome"] == nil || third["ended"] != true {
		t.Errorf("%v", third)
	}
	if ended := do("Review", "GET", "/"+id, ""); ended["stands"] != "false" || len(ended["opinions"].([]any)) != 3 || ended["open"] != false {
		t.Errorf("%v", ended)
	}
	fails("review_closed", "/"+id+"/verdict", `{"reviewer": "dan", "verdict": true}`)
	do("ReviewItem", "POST", "/"+id+"/appeal", `{"by": "customer 596", "reason": "it was me"}`)
	fails("review_appealed", "/"+id+"/appeal", `{"by": "customer 596"}`)
	fails("review_own", "/claim", `{"reviewer": "cleo", "decision_id": "`+id+`"}`)
	if appeal := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "dan", "verdict": true}`); appeal["overturned"] != true || appeal["round"] != "appeal" || appeal["outcome"] == nil {
		t.Errorf("%v", appeal)
	}
	if changed := do("VerdictAnswer", "POST", "/"+id+"/verdict", `{"reviewer": "dan", "verdict": false, "change": true}`); changed["round"] != "change" || changed["outcome"].(map[string]any)["event_id"] != "review-"+id+"-4" {
		t.Errorf("%v", changed)
	}

	do("ReviewItem", "POST", "/"+second["decision_id"].(string)+"/skip", `{"reviewer": "ann", "reason": "I know them"}`)
	if c := do("Review", "POST", "/claim", `{"reviewer": "ann"}`); c["decision_id"] == second["decision_id"] {
		t.Error("a decision that was skipped is offered again")
	}
	if agreement := do("ReviewAgreement", "GET", "/agreement", ""); agreement["items"] != 1.0 || len(agreement["pairs"].([]any)) != 1 || agreement["fleiss"].(map[string]any)["observed"] != 0.0 {
		t.Errorf("%v", agreement)
	}
	if later := do("ReviewAgreement", "GET", "/agreement?since=2100-01-01T00:00:00Z", ""); later["items"] != 0.0 || later["fleiss"] != nil {
		t.Errorf("%v", later)
	}
	if state := do("ReviewState", "GET", "/stats", ""); state["open"] != 2.0 || state["verdicts"].(map[string]any)["third"] != 1.0 {
		t.Errorf("%v", state)
	}
}

// TestADecisionThatNobodyWasAskedAbout is appealed, which needs to be told what it
// came to.
func TestADecisionThatNobodyWasAskedAbout(t *testing.T) {
	server := newServer(t)
	_, _, answer := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	at := reviews + "/" + object(t, answer)["decision_id"].(string)
	if status, _, value := call(t, server, "GET", at, "", ""); status != 404 || object(t, value)["code"] != "review_not_found" {
		t.Errorf("%d %v", status, value)
	}
	if status, _, value := call(t, server, "POST", reviews+"/claim", "application/json", `{"reviewer": "ann"}`); status != 404 || object(t, value)["code"] != "review_none" {
		t.Errorf("%d %v", status, value)
	}
	if status, _, value := call(t, server, "POST", at+"/appeal", "application/json", `{"by": "me"}`); status != 200 || object(t, value)["why"] != "appeal" {
		t.Errorf("%d %v", status, value)
	}
	if status, _, value := call(t, server, "POST", at+"/verdict", "application/json", `{"reviewer": "ann", "verdict": true}`); status != 422 || object(t, value)["code"] != "appeal_result_missing" {
		t.Errorf("%d %v", status, value)
	}
	if status, _, value := call(t, server, "POST", at+"/verdict", "application/json", `{"reviewer": "ann", "verdict": true, "overturned": true}`); status != 200 || object(t, value)["overturned"] != true {
		t.Errorf("%d %v", status, value)
	}
}
