package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/store/memory"
	"orrery.dev/telemetry"
)

const (
	analyzePath = "/v1alpha1/comments:analyze"
	suggestPath = "/v1alpha1/comments:suggestscore"
)

// post sends a body to a method of the Perspective API.
func (c *chat) post(t *testing.T, path, body string) (int, map[string]any) {
	t.Helper()
	status, contentType, value := call(t, c.Server, "POST", path, "application/json", body)
	if !strings.HasPrefix(contentType, "application/json") {
		t.Errorf("content type %s", contentType)
	}
	return status, object(t, value)
}

// dig goes down a path of keys.
func dig(t *testing.T, value any, path ...string) any {
	t.Helper()
	for _, key := range path {
		value = object(t, value)[key]
	}
	return value
}

func TestAnalyzeDecidesAndAnswersWithScores(t *testing.T) {
	c := newChat(t, api.Options{})
	before := c.engine.Last()
	status, got := c.post(t, analyzePath, `{"comment": {"text": "all flurg are filth"}, "requestedAttributes": {"TOXICITY": {}, "IDENTITY_ATTACK": {"scoreType": "PROBABILITY"}, "FLIRTATION": {}, "SPAM": {}},
		"languages": ["en"], "sessionId": "s1", "communityId": "k1", "clientToken": "t1"}`)
	if status != http.StatusOK || c.engine.Last() != before+1 {
		t.Fatalf("%d %v; %d records", status, got, c.engine.Last()-before)
	}
	event, decision, err := c.engine.Reader().Recorded(c.engine.Last())
	if err != nil {
		t.Fatal(err)
	}
	if event.Values[2].Text() != "s1" || event.Values[3].Text() != "k1" || event.Values[4].Text() != "all flurg are filth" || decision.Action != "remove" {
		t.Errorf("recorded %+v with %+v", event.Values, decision)
	}
	hate, offensive := decision.Scores[0], decision.Scores[1]
	for name, want := range map[string]float64{"TOXICITY": min(hate+offensive, 1), "IDENTITY_ATTACK": hate, "FLIRTATION": 1, "SPAM": 0.1} {
		score := dig(t, got, "attributeScores", name, "summaryScore")
		if dig(t, score, "value") != want || dig(t, score, "type") != "PROBABILITY" {
			t.Errorf("%s: %v, want %v", name, score, want)
		}
		spans := dig(t, got, "attributeScores", name, "spanScores").([]any)
		if len(spans) != 1 || dig(t, spans[0], "begin") != 0.0 || dig(t, spans[0], "end") != 19.0 || dig(t, spans[0], "score", "value") != want {
			t.Errorf("%s: spans %v", name, spans)
		}
	}
	if dig(t, got, "clientToken") != "t1" || fmt.Sprint(got["languages"]) != "[en]" || got["detectedLanguages"] != nil {
		t.Errorf("%v", got)
	}
	// The same comment again is the one that is recorded, at whatever time.
	again, value := c.post(t, analyzePath, `{"comment": {"text": "all flurg are filth"}, "requestedAttributes": {"TOXICITY": {}}, "sessionId": "s1", "communityId": "k1", "clientToken": "t1"}`)
	if again != http.StatusOK || c.engine.Last() != before+1 || dig(t, value, "attributeScores", "TOXICITY", "summaryScore", "value") != min(hate+offensive, 1) {
		t.Errorf("again: %d %v, %d records", again, value, c.engine.Last()-before)
	}
	// Without a token it is another.
	for range 2 {
		if status, _ := c.post(t, analyzePath, `{"comment": {"text": "all flurg are filth"}, "requestedAttributes": {"TOXICITY": {}}}`); status != http.StatusOK {
			t.Error(status)
		}
	}
	if c.engine.Last() != before+3 {
		t.Errorf("%d records", c.engine.Last()-before)
	}
	if v, err := c.engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 || v.Decisions != 3 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestDoNotStoreRecordsNothing(t *testing.T) {
	c := newChat(t, api.Options{})
	last := c.engine.Last()
	const body = `{"comment": {"text": "drat that"}, "requestedAttributes": {"TOXICITY": {}, "SPAM": {}}, "sessionId": "s"%s}`
	_, scored := c.post(t, analyzePath, fmt.Sprintf(body, `, "doNotStore": true`))
	_, twice := c.post(t, analyzePath, fmt.Sprintf(body, `, "do_not_store": true`))
	if c.engine.Last() != last {
		t.Fatalf("%d records", c.engine.Last()-last)
	}
	_, decided := c.post(t, analyzePath, fmt.Sprintf(body, ""))
	if c.engine.Last() != last+1 || fmt.Sprint(scored) != fmt.Sprint(decided) || fmt.Sprint(twice) != fmt.Sprint(decided) {
		t.Errorf("scored %v and %v, decided %v", scored, twice, decided)
	}
}

func TestSpansAndThresholds(t *testing.T) {
	c := newChat(t, api.Options{})
	text := "The bread is good 🍞 today. All flurg are filth! See you at noon"
	body, _ := json.Marshal(map[string]any{"comment": map[string]string{"text": text}, "spanAnnotations": true, "doNotStore": true, "languages": []string{"en"},
		"requestedAttributes": map[string]any{"IDENTITY_ATTACK": map[string]any{}, "TOXICITY": map[string]any{"scoreThreshold": 0.5}, "SPAM": map[string]any{"scoreThreshold": "0.2"}}})
	status, got := c.post(t, analyzePath, string(body))
	if status != http.StatusOK {
		t.Fatal(got)
	}
	spans := dig(t, got, "attributeScores", "IDENTITY_ATTACK", "spanScores").([]any)
	var places []string
	for _, s := range spans {
		places = append(places, fmt.Sprint(dig(t, s, "begin"), "-", dig(t, s, "end")))
	}
	// 🍞 is two code units of UTF-16.
	if want := []string{"0-27", "28-48", "49-64"}; !slices.Equal(places, want) {
		t.Errorf("spans at %v, want %v", places, want)
	}
	scores := make([]float64, len(spans))
	for i, s := range spans {
		scores[i] = dig(t, s, "score", "value").(float64)
	}
	if scores[1] < scores[0] || scores[1] < scores[2] || scores[1] < 0.5 {
		t.Errorf("scores %v", scores)
	}
	// A part is scored as it would be alone.
	_, alone := c.post(t, analyzePath, `{"comment": {"text": "All flurg are filth!"}, "doNotStore": true, "languages": ["en"], "requestedAttributes": {"IDENTITY_ATTACK": {}}}`)
	if want := dig(t, alone, "attributeScores", "IDENTITY_ATTACK", "summaryScore", "value").(float64); math.Abs(want-scores[1]) > 0 {
		t.Errorf("the part has %v, alone it has %v", scores[1], want)
	}
	for _, s := range dig(t, got, "attributeScores", "TOXICITY", "spanScores").([]any) {
		if dig(t, s, "score", "value").(float64) < 0.5 {
			t.Errorf("a score below its threshold: %v", s)
		}
	}
	if dig(t, got, "attributeScores", "SPAM") != nil {
		t.Errorf("SPAM is below its threshold: %v", got)
	}
}

// Every refusal, with what a client tells it by.
func TestRefusals(t *testing.T) {
	c := newChat(t, api.Options{})
	last := c.engine.Last()
	for _, test := range []struct {
		name, path, body  string
		status            int
		code, errorType   string
		message, elsewise string
	}{
		{"unknown attribute", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"INSULT": {}, "TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "Unknown requested attribute: INSULT", ""},
		{"several", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"INSULT": {}, "ABC": {}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "ABC, INSULT", ""},
		{"empty", analyzePath, `{"comment": {"text": " \n"}, "requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "COMMENT_EMPTY", "Comment must be non-empty.", ""},
		{"no comment", analyzePath, `{"requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "COMMENT_EMPTY", "", ""},
		{"nothing", analyzePath, ``, 400, "INVALID_ARGUMENT", "COMMENT_EMPTY", "", ""},
		{"too long", analyzePath, `{"comment": {"text": "` + strings.Repeat("ö", 10241) + `"}, "requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "COMMENT_TOO_LONG", "Value (20482) exceeded limit (20480)", ""},
		{"no attributes", analyzePath, `{"comment": {"text": "x"}}`, 400, "INVALID_ARGUMENT", "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes", ""},
		{"language", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en-GB", "it"]}`, 400, "INVALID_ARGUMENT", "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", "Attribute TOXICITY does not support request languages: en-GB, it", `"requestedLanguages":["en-GB","it"]`},
		{"script", analyzePath, `{"comment": {"text": "привет всем"}, "requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", "und-Cyrl", `"detectedLanguages":["und-Cyrl"]`},
		{"words", analyzePath, `{"comment": {"text": "je ne sais pas ce que vous avez fait, mais c'est bien"}, "requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", "Attribute TOXICITY does not support request languages: fr", `"detectedLanguages":["fr"]`},
		{"suggested language", suggestPath, `{"comment": {"text": "x"}, "languages": ["hi-Latn"], "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}`, 400, "INVALID_ARGUMENT", "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", "hi-Latn", ""},
		{"html", analyzePath, `{"comment": {"text": "x", "type": "HTML"}, "requestedAttributes": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "PLAIN_TEXT", ""},
		{"score type", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {"scoreType": "PERCENTILE"}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "PERCENTILE is not supported by attribute TOXICITY", ""},
		{"two contexts", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "context": {"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "both fields were populated", ""},
		{"unknown fields", analyzePath, `{"comment": {"txt": "x"}, "nope": 1, "doNotStore": "yes"}`, 400, "INVALID_ARGUMENT", "", `Unknown name "nope": Cannot find field.`, `Unknown name \"txt\" at 'comment'`},
		{"all faults", analyzePath, `{"comment": 5, "doNotStore": "yes", "languages": [1]}`, 400, "INVALID_ARGUMENT", "", "Invalid value at 'doNotStore' (TYPE_BOOL)", "'languages[0]'"},
		{"no json", analyzePath, `{"comment": `, 400, "INVALID_ARGUMENT", "", "Invalid JSON payload received.", ""},
		{"an array", analyzePath, `[]`, 400, "INVALID_ARGUMENT", "", "Root element must be a message.", ""},
		{"not UTF-8", analyzePath, "{\"comment\": {\"text\": \"\xff\"}}", 400, "INVALID_ARGUMENT", "", "not UTF-8 at byte 22", ""},
		{"long session", analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "sessionId": "` + strings.Repeat("s", 5000) + `"}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "", ""},
		{"another form", analyzePath + "?alt=proto", `{}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "alt=json", ""},
		{"another method", "/v1alpha1/comments:judge", `{}`, 404, "NOT_FOUND", "", "comments:judge", ""},
		{"nothing suggested", suggestPath, `{"comment": {"text": "x"}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "attribute_scores", ""},
		{"no value", suggestPath, `{"comment": {"text": "x"}, "attributeScores": {"TOXICITY": {"summaryScore": {}}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "Missing score value", ""},
		{"no scores", suggestPath, `{"comment": {"text": "x"}, "attributeScores": {"TOXICITY": {}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "No scores", ""},
		{"a span without place", suggestPath, `{"comment": {"text": "x"}, "attributeScores": {"TOXICITY": {"spanScores": [{"score": {"value": 1}}]}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "begin, end and score", ""},
		{"unknown suggested", suggestPath, `{"comment": {"text": "x"}, "attributeScores": {"INSULT": {"summaryScore": {"value": 1}}}}`, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "INSULT", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, got := c.post(t, test.path, test.body)
			e := object(t, got["error"])
			if status != test.status || e["code"] != float64(test.status) || e["status"] != test.code || !strings.Contains(e["message"].(string), test.message) {
				t.Errorf("%d %v", status, got)
			}
			all := &bytes.Buffer{}
			encoder := json.NewEncoder(all)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(e["details"]); err != nil {
				t.Fatal(err)
			}
			if test.errorType != "" && !strings.Contains(all.String(), `"@type":"type.googleapis.com/google.commentanalyzer.v1alpha1.Error","errorType":"`+test.errorType+`"`) || !strings.Contains(all.String(), test.elsewise) {
				t.Errorf("details %s", all)
			}
		})
	}
	if c.engine.Last() != last {
		t.Errorf("%d records of refused requests", c.engine.Last()-last)
	}
	if status, got := c.post(t, analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["it"], "dropUnsupportedAttributes": true}`); status != http.StatusOK || got["attributeScores"] != nil {
		t.Errorf("dropped: %d %v", status, got)
	}
	// What the request says of the language does not make the model know it.
	const plainly = `{"comment": {"text": "je ne sais pas ce que vous avez fait, mais c'est bien"}, "languages": ["en"], "doNotStore": true, "requestedAttributes": {"TOXICITY": {}, "FLIRTATION": {}}`
	if status, got := c.post(t, analyzePath, plainly+`}`); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "detectedLanguages:[fr] requestedLanguages:[en]") {
		t.Errorf("French said to be English: %d %v", status, got)
	}
	if status, got := c.post(t, analyzePath, plainly+`, "dropUnsupportedAttributes": true}`); status != http.StatusOK || dig(t, got, "attributeScores", "FLIRTATION") == nil || object(t, got["attributeScores"])["TOXICITY"] != nil {
		t.Errorf("French said to be English, dropped: %d %v", status, got)
	}
	// What a comment answers to is taken, and changes nothing.
	score := func(context string) any {
		t.Helper()
		status, got := c.post(t, analyzePath, `{"comment": {"text": "no flurg here"}, "doNotStore": true, "requestedAttributes": {"IDENTITY_ATTACK": {}}`+context+`}`)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, got)
		}
		return dig(t, got, "attributeScores", "IDENTITY_ATTACK", "summaryScore", "value")
	}
	if alone, with := score(""), score(`, "context": {"entries": [{"text": "all flurg are filth"}, {"text": "drat"}]}`); alone != with {
		t.Errorf("%v, and in a context %v", alone, with)
	}
	if alone, with := score(""), score(`, "context": {"articleAndParentComment": {"article": {"text": "a"}, "parentComment": {"text": "b"}}}`); alone != with {
		t.Errorf("%v, and in a context %v", alone, with)
	}
	fraud := newServer(t)
	if status, _, got := call(t, fraud, "POST", analyzePath, "application/json", `{}`); status != http.StatusNotFound || dig(t, got, "error", "status") != "NOT_FOUND" {
		t.Errorf("without a perspective block: %d %v", status, got)
	}
}

func TestSuggestionsAreOutcomes(t *testing.T) {
	c := newChat(t, api.Options{})
	const comment = `"comment": {"text": "see you at noon"}, "clientToken": "t", "sessionId": "s"`
	suggest := func(scores string) {
		t.Helper()
		status, got := c.post(t, suggestPath, `{`+comment+`, "attributeScores": {`+scores+`}}`)
		if status != http.StatusOK || got["clientToken"] != "t" || len(got) != 1 {
			t.Errorf("%d %v", status, got)
		}
	}
	last := c.engine.Last()
	suggest(`"TOXICITY": {"summaryScore": {"value": 1}}`)
	if c.engine.Last() != last {
		t.Error("an outcome of a comment that never came")
	}
	c.post(t, analyzePath, `{`+comment+`, "requestedAttributes": {"TOXICITY": {}}}`)
	analysed, _, _ := c.engine.Reader().Recorded(last + 1)
	for i, test := range []struct{ scores, label string }{
		{`"IDENTITY_ATTACK": {"summaryScore": {"value": 0.5}}`, "hate"},
		{`"IDENTITY_ATTACK": {"summaryScore": {"value": 0}}, "TOXICITY": {"summaryScore": {"value": 1, "type": "PROBABILITY"}}`, "offensive"},
		{`"TOXICITY": {"summaryScore": {"value": 0}}`, "neither"},
		{`"IDENTITY_ATTACK": {"summaryScore": {"value": 0}}`, ""},
		{`"TOXICITY": {"spanScores": [{"begin": 0, "end": 3, "score": {"value": 1}}]}`, ""},
		{`"FLIRTATION": {"summaryScore": {"value": 1}}`, ""},
	} {
		last := c.engine.Last()
		suggest(test.scores)
		if test.label == "" {
			if c.engine.Last() != last {
				t.Errorf("case %d: an outcome of what means none", i)
			}
			continue
		}
		e, _, err := c.engine.Reader().Recorded(last + 1)
		if err != nil {
			t.Fatal(i, err)
		}
		if e.Type.Name != "verdict" || e.Values[2].Text() != analysed.ID || e.Values[3].Text() != "s" || e.Values[4].Text() != test.label {
			t.Errorf("case %d: %+v", i, e.Values)
		}
	}
}

func TestDiscovery(t *testing.T) {
	c := newChat(t, api.Options{})
	status, contentType, value := call(t, c.Server, "GET", "/$discovery/rest?version=v1alpha1&key=x", "", "")
	if status != http.StatusOK || contentType != "application/json" || dig(t, value, "rootUrl") != c.URL+"/" || dig(t, value, "id") != "commentanalyzer:v1alpha1" {
		t.Fatalf("%d %v", status, value)
	}
	// Every reference leads somewhere.
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && dig(t, value, "schemas", ref) == nil {
				t.Errorf("there is no schema %s", ref)
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(value)
	for _, path := range []string{"/$discovery/rest?version=v2", analyzePath} {
		if status, _, got := call(t, c.Server, "GET", path, "", ""); status != http.StatusNotFound || dig(t, got, "error", "code") != 404.0 {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
}

// A key comes in the address and is then nowhere: in no log, metric or answer.
func TestTheKeyIsInNoLog(t *testing.T) {
	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	by := access.Actor{Name: "test"}
	_, token, err := keys.Create(by, access.Request{Name: "site", Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Decide}}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	metrics := telemetry.NewMetrics("test")
	c := newChat(t, api.Options{Keys: keys, Logger: slog.New(slog.NewTextHandler(&log, nil)), AccessLog: true, Metrics: metrics})
	const body = `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "doNotStore": true, "languages": ["en"]}`
	wrong := token[:len(token)-1] + "!"
	var answers bytes.Buffer
	for _, test := range []struct {
		path, key, header string
		status            int
		reason            string
	}{
		{analyzePath, token, "", 200, ""},
		{analyzePath, "", token, 200, ""},
		{analyzePath, "", "", 403, "PERMISSION_DENIED"},
		{analyzePath, wrong, "", 400, "API_KEY_INVALID"},
		{analyzePath + "?prettyPrint=%zz", token, "", 200, ""},
		{suggestPath, token, "", 403, "PERMISSION_DENIED"},
		{"/$discovery/rest?version=v1alpha1", token, "", 200, ""},
	} {
		address := c.URL + test.path
		if test.key != "" {
			join := "?"
			if strings.Contains(address, "?") {
				join = "&"
			}
			address += join + "key=" + test.key
		}
		method := "POST"
		if strings.Contains(test.path, "discovery") {
			method = "GET"
		}
		request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if test.header != "" {
			request.Header.Set("X-Goog-Api-Key", test.header)
		}
		response, err := c.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != test.status || !strings.Contains(string(text), test.reason) {
			t.Errorf("%s with %t: %d %s", test.path, test.key != "", response.StatusCode, text)
		}
		_ = response.Header.Write(&answers)
		answers.Write(text)
	}
	metered := &bytes.Buffer{}
	if request, err := http.NewRequestWithContext(t.Context(), "GET", c.URL+"/metrics?key="+token, nil); err == nil {
		request.Header.Set("X-Api-Key", token)
		if response, err := c.Client().Do(request); err == nil {
			_, _ = io.Copy(metered, response.Body)
			response.Body.Close()
		}
	}
	secret := token[strings.LastIndexByte(token, '_')+1:]
	for name, text := range map[string]string{"the log": log.String(), "the metrics": metered.String(), "the answers": answers.String()} {
		if strings.Contains(text, secret) || strings.Contains(text, token[:len(token)-4]) {
			t.Errorf("%s has the key: %s", name, text)
		}
	}
	if !strings.Contains(log.String(), "comments:analyze") {
		t.Errorf("the access log is empty: %s", log.String())
	}
}

// Scores that are not there are said to be missing, not made up.
func TestNoScoreIsUnavailable(t *testing.T) {
	c := newChat(t, api.Options{})
	if status, _, got := call(t, c.Server, "POST", "/v1/systems/chat/pause", "application/json", `{}`); status != http.StatusOK {
		t.Fatal(got)
	}
	status, got := c.post(t, analyzePath, `{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, "doNotStore": true}`)
	if status != http.StatusServiceUnavailable || dig(t, got, "error", "status") != "UNAVAILABLE" || !strings.Contains(dig(t, got, "error", "message").(string), "TOXICITY") {
		t.Errorf("%d %v", status, got)
	}
}
