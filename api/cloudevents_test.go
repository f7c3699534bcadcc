package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	decisions  = "/v1/systems/fraud/decisions"
	cloudEvent = "application/cloudevents+json"
	cloudBatch = "application/cloudevents-batch+json"
)

// cloud wraps data in the JSON format of CloudEvents.
func cloud(kind, id, data string) string {
	return fmt.Sprintf(`{"specversion": "1.0", "type": %q, "source": "/till/7", "id": %q, "time": "2018-07-18T09:30:00Z", "datacontenttype": "application/json", "data": %s}`, kind, id, data)
}

// bare is the transaction without what its envelope says.
const bare = `{"customer": "596", "terminal": "3156", "amount": 57.16}`

const fraudReport = `{"report_id": "r1", "at": "2018-07-18T09:30:00Z", "transaction_id": "t1", "customer": "596", "terminal": "3156", "fraud": true}`

// callBinary posts an event in binary mode.
func callBinary(t *testing.T, server *httptest.Server, path, body string, headers map[string]string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var value any
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, object(t, value)
}

// TestCloudEventsAreDecided sends one transaction in each mode: all are the same
// event, so that the later ones are repeats.
func TestCloudEventsAreDecided(t *testing.T) {
	server := newServer(t)
	status, _, value := call(t, server, "POST", decisions, "application/json", good)
	first := object(t, value)
	if status != http.StatusOK {
		t.Fatal(status, first)
	}
	check := func(name string, status int, answer map[string]any) {
		t.Helper()
		if status != http.StatusOK || answer["decision_id"] != first["decision_id"] || answer["repeated"] != true {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(good))
	for name, body := range map[string]string{
		"data without id and time": cloud("transaction", "t1", bare),
		"data with both":           cloud("transaction", "t1", good),
		"base64":                   strings.Replace(cloud("transaction", "t1", `"`+encoded+`"`), `"data":`, `"data_base64":`, 1),
	} {
		status, _, value := call(t, server, "POST", decisions, cloudEvent+"; charset=utf-8", body)
		check(name, status, object(t, value))
	}
	binary := map[string]string{"Content-Type": "application/json", "ce-specversion": "1.0", "ce-type": "transaction", "ce-source": "/till/7", "ce-id": "%741", "ce-time": "2018-07-18T09:30:00Z"}
	status, answer := callBinary(t, server, decisions, bare, binary)
	check("binary", status, answer)
}

func TestCloudEventsBatch(t *testing.T) {
	server := newServer(t)
	body := "[" + strings.Join([]string{cloud("transaction", "t1", bare), cloud("refund", "t2", bare), cloud("transaction", "t3", bare), cloud("transaction", "t4", `{"amount": 1.234}`), "7"}, ",") + "]"
	status, _, value := call(t, server, "POST", decisions, cloudBatch, body)
	items, ok := value.([]any)
	if status != http.StatusOK || !ok || len(items) != 5 {
		t.Fatalf("%d %v", status, value)
	}
	for i, id := range map[int]string{0: "t1", 2: "t3"} {
		if object(t, items[i])["event_id"] != id {
			t.Errorf("item %d: %v", i, items[i])
		}
	}
	for i, code := range map[int]string{1: "cloudevent_type_unknown", 3: "event_invalid", 4: "event_invalid"} {
		if object(t, items[i])["code"] != code {
			t.Errorf("item %d: %v", i, items[i])
		}
	}
	if status, _, value := call(t, server, "POST", decisions, cloudBatch, "[]"); status != http.StatusOK || len(value.([]any)) != 0 {
		t.Errorf("empty batch: %d %v", status, value)
	}
}

func TestCloudEventsAreRecorded(t *testing.T) {
	server := newServer(t)
	for _, body := range []string{fraudReport, strings.Replace(fraudReport, `"report_id": "r1", "at": "2018-07-18T09:30:00Z", `, "", 1)} {
		status, _, value := call(t, server, "POST", "/v1/systems/fraud/events/fraud_report", cloudEvent, cloud("fraud_report", "r1", body))
		if receipt := object(t, value); status != http.StatusOK || receipt["event_id"] != "r1" {
			t.Errorf("%d %v", status, receipt)
		}
	}
}

func TestCloudEventProblems(t *testing.T) {
	server := newServer(t)
	for _, test := range []struct{ name, path, media, body, code string }{
		{"version", decisions, cloudEvent, strings.Replace(cloud("transaction", "t1", good), `"1.0"`, `"2.0"`, 1), "cloudevent_specversion"},
		{"no source", decisions, cloudEvent, strings.Replace(cloud("transaction", "t1", good), "source", "sauce", 1), "cloudevent_attribute_missing"},
		{"unknown type", decisions, cloudEvent, cloud("refund", "t1", good), "cloudevent_type_unknown"},
		{"type of another address", decisions, cloudEvent, cloud("fraud_report", "r1", fraudReport), "cloudevent_type_other"},
		{"another address", "/v1/systems/fraud/events/fraud_report", cloudEvent, cloud("transaction", "t1", good), "cloudevent_type_other"},
		{"other id", decisions, cloudEvent, cloud("transaction", "t2", good), "cloudevent_id_differs"},
		{"other format", decisions, "application/cloudevents+avro", "Obj", "cloudevent_format"},
		{"array as one", decisions, cloudEvent, "[" + cloud("transaction", "t1", good) + "]", "event_invalid"},
		{"one as batch", decisions, cloudBatch, cloud("transaction", "t1", good), "json_invalid"},
		{"plain event", decisions, cloudEvent, good, "cloudevent_attribute_missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, contentType, value := call(t, server, "POST", test.path, test.media, test.body)
			problem := object(t, value)
			if status != http.StatusUnprocessableEntity || problem["code"] != test.code || contentType != "application/problem+json" || problem["next"] == nil && test.code != "json_invalid" {
				t.Errorf("%d %s %v", status, contentType, problem)
			}
		})
	}
	status, problem := callBinary(t, server, decisions, good, map[string]string{"Content-Type": "application/json", "ce-id": "t1", "ce-type": "transaction", "ce-specversion": "1.0"})
	if status != http.StatusUnprocessableEntity || problem["code"] != "cloudevent_attribute_missing" {
		t.Errorf("binary without source: %d %v", status, problem)
	}
}
