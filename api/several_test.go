package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"orrery.dev/api"
)

// severalChat is the chat with a label of which several classes can be right, every
// decision of it judged twice.
var severalChat = strings.NewReplacer(
	"classes: [hate, offensive, neither],", "classes: [hate, offensive, neither], several: true,",
	"\ndecide_on:", "\nreview: {of: [allow, remove, slow], second: 1}\ndecide_on:",
	"    - {attribute: TOXICITY, above: offensive, below: neither}\n",
	"    - {attribute: TOXICITY, above: offensive, below: none}\n    - {attribute: SPAM, above: neither}\n",
).Replace(chatSpec)

// TestSeveralSuggestionsAreOneOutcome gathers what suggested scores mean where
// several classes can be right.
func TestSeveralSuggestionsAreOneOutcome(t *testing.T) {
	c := newChatOf(t, severalChat, api.Options{})
	const comment = `"comment": {"text": "see you at noon"}, "clientToken": "t", "sessionId": "s"`
	c.post(t, analyzePath, `{`+comment+`, "requestedAttributes": {"TOXICITY": {}}}`)
	high, low := `{"summaryScore": {"value": 0.5}}`, `{"summaryScore": {"value": 0.25}}`
	for _, test := range []struct{ scores, outcome string }{
		{`"IDENTITY_ATTACK": ` + high, "hate"},
		{`"SPAM": ` + high + `, "TOXICITY": ` + high, "offensive|neither"}, // in the order of the classes
		{`"TOXICITY": ` + high + `, "IDENTITY_ATTACK": ` + high + `, "SPAM": ` + high, "hate|offensive|neither"},
		{`"TOXICITY": ` + low, "none"},
		{`"TOXICITY": ` + low + `, "IDENTITY_ATTACK": ` + high, "hate"},
		{`"IDENTITY_ATTACK": ` + low + `, "SPAM": ` + low, ""}, // nothing is meant by either
		{`"FLIRTATION": ` + high, ""},
	} {
		last := c.engine.Last()
		if status, got := c.post(t, suggestPath, `{`+comment+`, "attributeScores": {`+test.scores+`}}`); status != http.StatusOK {
			t.Fatalf("%s: %d %v", test.scores, status, got)
		}
		if test.outcome == "" {
			if c.engine.Last() != last {
				t.Errorf("%s: an outcome of what means none", test.scores)
			}
			continue
		}
		e, _, err := c.engine.Reader().Recorded(last + 1)
		if err != nil {
			t.Fatal(test.scores, err)
		}
		if got := e.Values[4].Text(); e.Type.Name != "verdict" || got != test.outcome {
			t.Errorf("%s: the outcome %q, want %q", test.scores, got, test.outcome)
		}
	}
}

// TestReviewersOfSeveralClassesAgree has two reviewers name classes in different
// orders, which is to agree, and measures how far they do: on whole sets, and on each
// class by itself.
func TestReviewersOfSeveralClassesAgree(t *testing.T) {
	c := newChatOf(t, severalChat, api.Options{})
	valid := described(t, c.Server)
	do := func(schema, path, body string) map[string]any {
		t.Helper()
		status, _, got := call(t, c.Server, map[bool]string{true: "GET", false: "POST"}[body == ""], "/v1/systems/chat/reviews"+path, "application/json", body)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", path, status, got)
		}
		valid(schema, got)
		return object(t, got)
	}
	given := [][2]string{{"hate|offensive", "offensive | hate"}, {"hate", "hate"}, {"none", "none"}, {"hate", "hate|offensive"}, {"none", "neither"}, {"offensive", "offensive"}}
	for i, verdicts := range given {
		body, _ := json.Marshal(map[string]any{"message_id": fmt.Sprint("new", i), "at": c.engine.Now().String(), "author": "ann", "channel": "k", "text": "see you at noon"})
		status, _, got := call(t, c.Server, "POST", "/v1/systems/chat/decisions", "application/json", string(body))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, got)
		}
		id := object(t, got)["decision_id"].(string)
		if claimed := do("Review", "/claim", `{"reviewer": "ann", "decision_id": "`+id+`"}`); claimed["several"] != true || len(claimed["verdicts"].([]any)) != 4 {
			t.Errorf("%v", claimed)
		}
		first := do("VerdictAnswer", "/"+id+"/verdict", `{"reviewer": "ann", "verdict": "`+verdicts[0]+`"}`)
		second := do("VerdictAnswer", "/"+id+"/verdict", `{"reviewer": "ben", "verdict": "`+verdicts[1]+`"}`)
		agree := i < 3 || i == 5
		if first["ended"] != false || second["ended"] != agree || second["outcome"] != nil {
			t.Errorf("%q and %q: %v, then %v", verdicts[0], verdicts[1], first, second)
		}
		if i == 0 {
			if second["verdict"] != "hate|offensive" {
				t.Errorf("recorded as %v", second["verdict"])
			}
			if again := do("VerdictAnswer", "/"+id+"/verdict", `{"reviewer": "ben", "verdict": "offensive|hate"}`); again["repeated"] != true {
				t.Errorf("the same in another order: %v", again)
			}
		}
	}
	agreement := do("ReviewAgreement", "/agreement", "")
	near := func(got any, want float64, path ...string) {
		t.Helper()
		if x, ok := dig(t, got, path...).(float64); !ok || math.Abs(x-want) > 1e-9 {
			t.Errorf("%v: %v, want %v", path, dig(t, got, path...), want)
		}
	}
	// Of twelve verdicts three are hate|offensive, three hate, three none, one neither
	// and two offensive.
	chance := (9.0 + 9 + 9 + 1 + 4) / 144
	near(agreement, 4.0/6, "fleiss", "observed")
	near(agreement, chance, "fleiss", "expected")
	near(agreement, (4.0/6-chance)/(1-chance), "fleiss", "kappa")
	// Each class is said or not: hate in six of twelve, and on no item differently;
	// offensive in five, differently on one; neither in one, and none in three.
	for i, want := range []struct {
		class    string
		said     float64
		observed float64
	}{{"hate", 6, 1}, {"offensive", 5, 5.0 / 6}, {"neither", 1, 5.0 / 6}, {"none", 3, 5.0 / 6}} {
		class := agreement["classes"].([]any)[i]
		chance := (want.said*want.said + (12-want.said)*(12-want.said)) / 144
		if dig(t, class, "verdict") != want.class {
			t.Errorf("%v in place of %s", class, want.class)
		}
		near(class, want.observed, "fleiss", "observed")
		near(class, chance, "fleiss", "expected")
	}
	if pairs := agreement["pairs"].([]any); len(pairs) != 1 {
		t.Errorf("%v", pairs)
	} else {
		near(pairs[0], 4.0/6, "cohen", "observed")
	}
}
