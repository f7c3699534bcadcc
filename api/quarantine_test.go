package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const inQuarantine = "/v1/systems/fraud/quarantine"

// kept lists what is in quarantine.
func kept(t *testing.T, server *httptest.Server, query string) []map[string]any {
	t.Helper()
	status, _, value := call(t, server, "GET", inQuarantine+query, "", "")
	if status != http.StatusOK {
		t.Fatal(status, value)
	}
	var out []map[string]any
	for _, it := range object(t, value)["items"].([]any) {
		out = append(out, object(t, it))
	}
	return out
}

// TestWhatIsKept sends bad events every way: a stream's are kept unless the
// sender objects, others where the sender asks.
func TestWhatIsKept(t *testing.T) {
	bad := strings.Replace(good, "57.16", "57.165", 1)
	for name, test := range map[string]struct {
		path, media, body string
		want              int
	}{
		"stream":              {decisions, "application/x-ndjson", good + "\n\n" + bad + "\nnot json\n", 2},
		"stream, not":         {decisions + "?quarantine=false", "application/x-ndjson", bad + "\n", 0},
		"stream, long":        {decisions, "application/x-ndjson", strings.Repeat("x", 3<<20) + "\n" + bad + "\n", 2},
		"one":                 {decisions, "application/json", bad, 0},
		"one, asked":          {decisions + "?quarantine=true", "application/json", bad, 1},
		"batch, asked":        {decisions + "?quarantine=true", "application/json", "[" + good + "," + bad + "]", 1},
		"CloudEvent, asked":   {"/v1/systems/fraud/events?quarantine=true", cloudEvent, cloud("transaction", "t1", bad), 1},
		"CloudEvents, asked":  {"/v1/systems/fraud/events?quarantine=true", cloudBatch, "[" + cloud("transaction", "t1", bad) + "," + cloud("unheard", "t1", bad) + "]", 2},
		"refused by the log":  {"/v1/systems/fraud/events/transaction", "application/x-ndjson", strings.Replace(good, "2018", "2988", 1), 1},
		"a conflict":          {"/v1/systems/fraud/events/transaction", "application/x-ndjson", good + "\n" + strings.Replace(good, "57.16", "1", 1), 1},
		"a repeat is no harm": {"/v1/systems/fraud/events/transaction", "application/x-ndjson", good + "\n" + good, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			response, err := http.Post(server.URL+test.path, test.media, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			_ = fullText(t, response)
			items := kept(t, server, "")
			if len(items) != test.want {
				t.Fatalf("%d kept, want %d: %v", len(items), test.want, items)
			}
			if name == "stream" && (items[0]["line"] != 3.0 || items[0]["raw"] != bad || items[1]["line"] != 4.0 || items[0]["source"] != decisions) {
				t.Errorf("got %v", items)
			}
		})
	}
}

// TestQuarantineIsMeasured asks the metrics how much is in quarantine.
func TestQuarantineIsMeasured(t *testing.T) {
	server := newServer(t)
	for _, want := range []int{0, 1, 2} {
		if text := string(fetch(t, server.URL+"/metrics")); !strings.Contains(text, fmt.Sprintf("\norrery_quarantine_items %d\n", want)) {
			t.Errorf("with %d items the metrics say\n%s", want, text)
		}
		bad := strings.Replace(good, "57.16", fmt.Sprintf("57.16%d", want+1), 1)
		response, err := http.Post(server.URL+decisions+"?quarantine=true", "application/json", strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		_ = fullText(t, response)
	}
}

// TestResubmission mends what is in quarantine, one way and another.
func TestResubmission(t *testing.T) {
	server := newServer(t)
	var lines []string
	for i := range 4 {
		lines = append(lines, fmt.Sprintf(`{"transaction_id": "t%d", "at": "2018-07-18T09:30:0%dZ", "customer": "5", "terminal": "6", "amount": -%d}`, i, i, i+1))
	}
	response, err := http.Post(server.URL+decisions, "application/x-ndjson", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	_ = fullText(t, response)
	items := kept(t, server, "?code=value_below_min&event=transaction&source=decisions")
	if len(items) != 4 {
		t.Fatal(items)
	}
	post := func(path, body string) map[string]any {
		t.Helper()
		status, _, value := call(t, server, "POST", inQuarantine+path, "application/json", body)
		if status != http.StatusOK {
			t.Fatal(status, value)
		}
		return object(t, value)
	}
	result := func(answer map[string]any, i int) map[string]any {
		return object(t, answer["results"].([]any)[i])
	}
	if r := result(post("/resubmit", `{"all": true}`), 0); r["faults"] == nil || len(kept(t, server, "")) != 4 {
		t.Fatalf("nothing was mended: %v", r)
	}
	first := items[0]["id"].(string)
	if r := result(post("/resubmit", `{"ids": ["`+first+`"], "set": {"amount": "5.50"}}`), 0); r["event_id"] != "t0" || r["faults"] != nil {
		t.Fatalf("set: %v", r)
	}
	second := items[1]["id"].(string)
	if r := result(post("/resubmit", `{"ids": ["`+second+`"], "text": "{\"transaction_id\": \"t0\", \"at\": \"2018-07-18T09:30:00Z\", \"customer\": \"5\", \"terminal\": \"6\", \"amount\": 5.5}"}`), 0); r["repeated"] != true {
		t.Fatalf("text of an event that is recorded: %v", r)
	}
	if n := len(kept(t, server, "")); n != 2 {
		t.Fatalf("%d are left", n)
	}
	status, _, value := call(t, server, "POST", inQuarantine+"/resubmit", "application/json", `{"all": true, "text": "{}"}`)
	if status != http.StatusUnprocessableEntity || object(t, value)["code"] != "fix_of_many" {
		t.Fatal(status, value)
	}
	status, _, value = call(t, server, "POST", inQuarantine+"/drop", "application/json", `{}`)
	if status != http.StatusUnprocessableEntity || object(t, value)["code"] != "nothing_selected" {
		t.Fatal(status, value)
	}
	if n := post("/drop", `{"all": true}`)["items"]; n != 2.0 || len(kept(t, server, "")) != 0 {
		t.Fatal(n)
	}
	status, _, _ = call(t, server, "GET", inQuarantine+"/"+first, "", "")
	if status != http.StatusNotFound {
		t.Fatal(status)
	}
}

// TestRecordedTime takes the received time of CloudEvents.
func TestRecordedTime(t *testing.T) {
	server := newServer(t)
	event := strings.Replace(cloud("transaction", "t1", good), `"source"`, `"recordedtime": "2018-07-19T00:00:00Z", "source"`, 1)
	status, _, value := call(t, server, "POST", "/v1/systems/fraud/events?received=recordedtime", cloudEvent, event)
	if status != http.StatusOK || object(t, value)["event_id"] != "t1" {
		t.Fatal(status, value)
	}
	// The log has come to the 19th: history from the 18th on is too late for it.
	late := strings.ReplaceAll(cloud("transaction", "t2", good), `"t1"`, `"t2"`)
	status, _, value = call(t, server, "POST", "/v1/systems/fraud/events?received=event_time", cloudEvent, late)
	if status != http.StatusConflict || object(t, value)["code"] != "import_out_of_order" {
		t.Fatal(status, value)
	}
	before := strings.Replace(event, "2018-07-19", "2018-07-01", 1)
	status, _, value = call(t, server, "POST", "/v1/systems/fraud/events?received=recordedtime", cloudEvent, before)
	if status != http.StatusUnprocessableEntity || object(t, value)["code"] != "event_invalid" {
		t.Fatal(status, value)
	}
	if status, _, value = call(t, server, "POST", "/v1/systems/fraud/events?received=tomorrow", cloudEvent, event); object(t, value)["code"] != "received_invalid" {
		t.Fatal(status, value)
	}
	if status, _, value = call(t, server, "POST", "/v1/systems/fraud/events", "application/json", good); object(t, value)["code"] != "cloudevent_expected" {
		t.Fatal(status, value)
	}
}

func fullText(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
