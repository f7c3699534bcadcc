package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store/memory"
	"orrery.dev/telemetry"
)

// noJobs refuses long work, which these tests do not ask for.
type noJobs struct{}

func (noJobs) Train(context.Context, api.TrainRequest) (*api.TrainAnswer, error) {
	return &api.TrainAnswer{Model: "gbdt"}, nil
}
func (noJobs) Backup(context.Context, io.Writer) error { return nil }
func (noJobs) Verify(context.Context) (*replay.Verification, error) {
	return &replay.Verification{}, nil
}

func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	return serverOf(t, orrerytest.FraudSpec(t))
}

func serverOf(t *testing.T, s *spec.Spec) *httptest.Server {
	t.Helper()
	engine, err := serve.Open(t.Context(), memory.New(), s, serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(engine, noJobs{}, api.Options{Quarantine: quarantine.In(t.TempDir()), Metrics: telemetry.NewMetrics("test")}))
	t.Cleanup(func() {
		server.Close()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

const good = `{"transaction_id": "t1", "at": "2018-07-18T09:30:00Z", "customer": "596", "terminal": "3156", "amount": 57.16}`

// call gives the status, the content type and the decoded body of a request.
func call(t *testing.T, server *httptest.Server, method, path, contentType, body string) (int, string, any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var value any
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), value
}

func object(t *testing.T, value any) map[string]any {
	t.Helper()
	o, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("%v is not an object", value)
	}
	return o
}

func TestDecideAndReadBack(t *testing.T) {
	server := newServer(t)
	status, _, value := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	answer := object(t, value)
	if status != http.StatusOK || answer["action"] != "approve" || answer["fallback"] != "no_model" || answer["event_id"] != "t1" {
		t.Fatalf("%d %v", status, answer)
	}
	if answer["score"] != nil {
		t.Errorf("score %v without a model", answer["score"])
	}
	for _, key := range []string{"decision_id", "release", "rule", "time_us"} {
		if answer[key] == nil {
			t.Errorf("the answer lacks %s", key)
		}
	}
	status, _, value = call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	again := object(t, value)
	if status != http.StatusOK || again["decision_id"] != answer["decision_id"] || again["repeated"] != true {
		t.Errorf("repeat: %d %v", status, again)
	}
	status, _, value = call(t, server, "GET", "/v1/systems/fraud/decisions/"+answer["decision_id"].(string), "", "")
	record := object(t, value)
	if status != http.StatusOK || object(t, record["event"])["amount"] != 57.16 || len(record["features"].([]any)) < 15 {
		t.Errorf("record: %d %v", status, record)
	}
	status, _, value = call(t, server, "GET", "/v1/systems/fraud/entities/customer/596/features?at=2018-07-18T10:00:00Z", "", "")
	known := object(t, value)
	first := object(t, known["features"].([]any)[0])
	if status != http.StatusOK || first["name"] != "customer_count_1d" || first["value"] != 1.0 {
		t.Errorf("features: %d %v", status, known)
	}
}

func TestBatchAnswersItemByItem(t *testing.T) {
	server := newServer(t)
	body := "[" + good + `, {"transaction_id": "t2", "at": "yesterday", "customer": "1"}, ` + strings.Replace(good, "t1", "t3", 1) + "]"
	status, _, value := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", body)
	items, ok := value.([]any)
	if status != http.StatusOK || !ok || len(items) != 3 {
		t.Fatalf("%d %v", status, value)
	}
	if object(t, items[0])["event_id"] != "t1" || object(t, items[2])["event_id"] != "t3" {
		t.Errorf("good items: %v, %v", items[0], items[2])
	}
	bad := object(t, items[1])
	if bad["code"] != "event_invalid" || len(bad["faults"].([]any)) < 3 {
		t.Errorf("bad item: %v", bad)
	}
}

func TestStreamAnswersInOrder(t *testing.T) {
	server := newServer(t)
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/v1/systems/fraud/decisions", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	go func() { _, _ = writer.Write([]byte(good + "\n")) }()
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answers := bufio.NewScanner(response.Body)
	read := func() map[string]any {
		t.Helper()
		if !answers.Scan() {
			t.Fatalf("the stream ended: %v", answers.Err())
		}
		var answer map[string]any
		if err := json.Unmarshal(answers.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	// The first answer comes while the request is still being sent.
	if answer := read(); answer["event_id"] != "t1" {
		t.Errorf("first answer %v", answer)
	}
	_, _ = writer.Write([]byte("not json\n" + strings.Replace(good, "t1", "t2", 1) + "\n"))
	writer.Close()
	if answer := read(); answer["status"] != 422.0 {
		t.Errorf("second answer %v", answer)
	}
	if answer := read(); answer["event_id"] != "t2" {
		t.Errorf("third answer %v", answer)
	}
	if answers.Scan() {
		t.Errorf("more: %s", answers.Text())
	}
}

func TestProblems(t *testing.T) {
	server := newServer(t)
	call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"not JSON", "POST", "/v1/systems/fraud/decisions", "nonsense", 422, "event_invalid"},
		{"another body", "POST", "/v1/systems/fraud/decisions", strings.Replace(good, "57.16", "57.17", 1), 409, "event_conflict"},
		{"three decimals", "POST", "/v1/systems/fraud/decisions", strings.Replace(good, "57.16", "57.165", 1), 422, "event_invalid"},
		{"a broken batch", "POST", "/v1/systems/fraud/decisions", "[" + good, 422, "json_invalid"},
		{"unknown system", "POST", "/v1/systems/frond/decisions", good, 404, "system_not_found"},
		{"unknown event", "POST", "/v1/systems/fraud/events/refund", good, 404, "event_not_found"},
		{"unknown decision", "GET", "/v1/systems/fraud/decisions/d999", "", 404, "decision_not_found"},
		{"no decision id", "GET", "/v1/systems/fraud/decisions/999", "", 422, "decision_id_invalid"},
		{"unknown entity", "GET", "/v1/systems/fraud/entities/shop/1/features", "", 404, "entity_not_found"},
		{"bad instant", "GET", "/v1/systems/fraud/entities/customer/1/features?at=noon", "", 422, "instant_invalid"},
		{"no such endpoint", "GET", "/v2", "", 404, "no_such_endpoint"},
		{"another method", "DELETE", "/v1/systems/fraud/decisions", "", 405, "method_not_allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, contentType, value := call(t, server, test.method, test.path, "application/json", test.body)
			problem := object(t, value)
			if status != test.status || problem["code"] != test.code || contentType != "application/problem+json" {
				t.Errorf("%d %s %v", status, contentType, problem)
			}
			if problem["detail"] == "" || problem["status"] != float64(status) {
				t.Errorf("problem %v", problem)
			}
		})
	}
}

// TestMethods tells the methods that a path takes, and shows a browser the way.
func TestMethods(t *testing.T) {
	server := newServer(t)
	for path, want := range map[string]string{
		"/v1/systems/fraud/decisions":            "POST",
		"/v1/systems/fraud/imports/x":            "GET, PUT",
		"/v1/systems/fraud/lists/blocked":        "GET, POST",
		"/docs":                                  "GET",
		"/v1/systems/fraud/entities/customer/1/": "",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		status := http.StatusMethodNotAllowed
		if want == "" {
			status = http.StatusNotFound
		}
		if got := response.Header.Get("Allow"); got != want || response.StatusCode != status {
			t.Errorf("%s: %d, allowed %q, want %q", path, response.StatusCode, got, want)
		}
	}
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/docs" {
		t.Errorf("a browser comes to %s, %s", response.Request.URL, response.Status)
	}
}

func TestEventsAreRecordedOnce(t *testing.T) {
	server := newServer(t)
	report := `{"report_id": "r1", "at": "2018-07-25T09:30:00Z", "transaction_id": "t1", "customer": "596", "terminal": "3156", "fraud": true}`
	for _, repeated := range []any{nil, true} {
		status, _, value := call(t, server, "POST", "/v1/systems/fraud/events/fraud_report", "application/json", report)
		receipt := object(t, value)
		if status != http.StatusOK || receipt["event_id"] != "r1" || receipt["repeated"] != repeated {
			t.Errorf("%d %v", status, receipt)
		}
	}
}
