package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"orrery.dev/api"
	"orrery.dev/control"
	"orrery.dev/serve"
)

// highlighted is the chat with a list of terms and a review of everything.
var highlighted = strings.NewReplacer(
	"\ndecide_on:", "\nlists: {banned: {of: message.text, match: terms, categories: [spam, curse]}, other: {of: message.text, match: terms}}\nreview: {of: [allow, remove, hide]}\ndecide_on:",
	"\npolicy:\n", "\npolicy:\n  - {when: message.text in lists.banned.spam, action: hide}\n  - {when: message.text in lists.other, action: allow}\n",
	"    SPAM: messages / 10\n", "", "    FLIRTATION: 7\n", "",
).Replace(chatSpec)

// TestReviewersAreShownWhere has a reviewer shown what of a text the decision
// points at: what spoke to the model, and terms of lists as far as the decision
// found any.
func TestReviewersAreShownWhere(t *testing.T) {
	c := newChatOf(t, highlighted, api.Options{})
	valid := described(t, c.Server)
	add := func(list, term, category string) {
		t.Helper()
		if _, err := c.engine.ChangeList(t.Context(), control.Change{List: list, Add: []control.Item{{Key: term, Details: control.Details{Category: category}}}}); err != nil {
			t.Fatal(err)
		}
	}
	add("banned", "buy pills", "spam")
	decide := func(text string) (id string) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"message_id": text, "at": c.engine.Now().String(), "author": "ann", "channel": "k", "text": text})
		status, _, got := call(t, c.Server, "POST", "/v1/systems/chat/decisions", "application/json", string(body))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, got)
		}
		return object(t, got)["decision_id"].(string)
	}
	shown := func(id string) []api.Highlight {
		t.Helper()
		status, _, got := call(t, c.Server, "GET", "/v1/systems/chat/reviews/"+id, "application/json", "")
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, got)
		}
		valid("Review", got)
		text, _ := json.Marshal(dig(t, got, "record"))
		var record api.Record
		if err := json.Unmarshal(text, &record); err != nil {
			t.Fatal(err)
		}
		return record.Highlights
	}
	// Places are counted in characters of what was written, not of how it is read.
	const message = "ÄÖ all FLURG are filth, b\u200buy p1lls"
	id := decide(message)
	places := shown(id)
	characters := []rune(message)
	var from []string
	for i, h := range places {
		if h.Start >= h.End || h.End > len(characters) || string(characters[h.Start:h.End]) != h.Text || i > 0 && h.Start < places[i-1].Start {
			t.Errorf("%+v is out of place", h)
		}
		from = append(from, h.From)
	}
	slur := slices.IndexFunc(places, func(h api.Highlight) bool { return h.Text == "FLURG" })
	if slur < 0 || places[slur].From != "model" || places[slur].Class != "hate" || places[slur].Contribution <= 0 {
		t.Errorf("what the model read: %+v", places)
	}
	at := slices.Index(from, "lists.banned.spam")
	if at < 0 || places[at].Text != "b\u200buy p1lls" || places[at].Class != "" || places[at].Contribution != 0 {
		t.Errorf("what the list has: %+v", places)
	}
	// A term that came later is not what the decision was made on.
	add("other", "filth", "")
	if later := shown(id); len(later) != len(places) {
		t.Errorf("with a term of another list since then: %+v", later)
	}
	if with := shown(decide("nothing but filth")); !slices.ContainsFunc(with, func(h api.Highlight) bool { return h.From == "lists.other" && h.Text == "filth" }) {
		t.Errorf("with that term: %+v", with)
	}
	// Any record has what the model read.
	status, _, record := call(t, c.Server, "GET", "/v1/systems/chat/decisions/"+id, "application/json", "")
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, record)
	}
	valid("Record", record)
	if places := object(t, record)["highlights"].([]any); len(places) != len(from)-1 {
		t.Errorf("the record has %v", places)
	}
}

// TestHighlightsOfPersonalText shows nothing of a text that may not be shown.
func TestHighlightsOfPersonalText(t *testing.T) {
	personal := strings.NewReplacer("    time: at\n    fields: {message_id: string, at: timestamp, author: entity, channel: entity, text: string}",
		"    time: at\n    subject: author\n    fields: {message_id: string, at: timestamp, author: {type: entity, personal: true}, channel: entity, text: {type: string, personal: true}}",
		"message_id: string, author: entity, label", "message_id: string, author: {type: entity, personal: true}, label",
		"\n  verdict:\n    id: verdict_id\n    time: at\n", "\n  verdict:\n    id: verdict_id\n    time: at\n    subject: author\n",
	).Replace(highlighted)
	c := newChatOf(t, personal, api.Options{})
	if _, err := c.engine.ChangeList(t.Context(), control.Change{List: "banned", Add: []control.Item{{Key: "buy pills", Details: control.Details{Category: "spam"}}}}); err != nil {
		t.Fatal(err)
	}
	const message = "all flurg are filth, buy pills"
	body, _ := json.Marshal(map[string]any{"message_id": "1", "at": c.engine.Now().String(), "author": "ann", "channel": "k", "text": message})
	_, _, got := call(t, c.Server, "POST", "/v1/systems/chat/decisions", "application/json", string(body))
	offset, err := serve.ParseDecisionID(object(t, got)["decision_id"].(string))
	if err != nil {
		t.Fatalf("%v: %v", err, got)
	}
	masked, err := api.ReadReview(t.Context(), c.engine, offset, false)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(masked)
	for _, word := range strings.FieldsFunc(message, func(r rune) bool { return r == ' ' || r == ',' }) {
		if len(word) > 3 && strings.Contains(string(text), word) {
			t.Errorf("%q is shown: %s", word, text)
		}
	}
	if len(masked.Record.Highlights) > 0 {
		t.Errorf("of a text that is not shown: %+v", masked.Record.Highlights)
	}
	revealed, err := api.ReadReview(t.Context(), c.engine, offset, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"model", "lists.banned.spam"} {
		if !slices.ContainsFunc(revealed.Record.Highlights, func(h api.Highlight) bool { return h.From == from && strings.Contains(message, h.Text) }) {
			t.Errorf("for whoever may see it, %s: %+v", from, revealed.Record.Highlights)
		}
	}
}
