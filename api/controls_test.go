package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store/memory"
	"orrery.dev/systems/fraud"
)

// listed is the fraud system with a list that blocks, and a fallback.
func listed(t *testing.T) *httptest.Server {
	t.Helper()
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(source), "\npolicy:\n", "\nlists: {blocked: {of: customer, about: never to be served}}\nanswer: {fallback: review}\n"+
		"policy:\n  - {when: transaction.customer in lists.blocked, action: block}\n", 1)
	engine, err := serve.Open(t.Context(), memory.New(), orrerytest.Spec(t, text), serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(engine, noJobs{}, api.Options{Quarantine: quarantine.In(t.TempDir())}))
	t.Cleanup(func() {
		server.Close()
		if v, err := engine.Reader().Verify(context.Background(), nil); err != nil || v.Different != 0 {
			t.Errorf("verification: %+v %v", v, err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// described compiles the server's description, to hold answers to it.
func described(t *testing.T, server *httptest.Server) func(schema string, value any) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(fetch(t, server.URL+"/openapi.json")))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	return func(schema string, value any) {
		t.Helper()
		compiled, err := compiler.Compile("openapi.json#/components/schemas/" + schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(value); err != nil {
			t.Errorf("%s: %v in %v", schema, err, value)
		}
	}
}

func TestListsAndPause(t *testing.T) {
	server := listed(t)
	valid := described(t, server)
	do := func(method, path, body, schema string, want map[string]any) {
		t.Helper()
		status, _, value := call(t, server, method, "/v1/systems/fraud/"+path, "application/json", body)
		if schema == "Problem" != (status >= 400) {
			t.Fatalf("%s %s: status %d, %v", method, path, status, value)
		}
		valid(schema, value)
		for name, w := range want {
			if got := object(t, value)[name]; !reflect.DeepEqual(got, w) {
				t.Errorf("%s %s: %s is %v, want %v", method, path, name, got, w)
			}
		}
	}
	decide := func(id string, want map[string]any) {
		t.Helper()
		do("POST", "decisions", strings.Replace(good, "t1", id, 1), "Answer", want)
	}
	decide("t1", map[string]any{"action": "review", "fallback": "no_model"})
	var change any
	if err := json.Unmarshal([]byte(`{"add": [596, "7"], "by": "ann", "reason": "chargeback"}`), &change); err != nil {
		t.Fatal(err)
	}
	valid("ListChange", change)
	do("POST", "lists/blocked", `{"add": [596, "7"], "by": "ann", "reason": "chargeback"}`, "ListChanged", map[string]any{"added": 2.0, "removed": 0.0})
	decide("t2", map[string]any{"action": "block"})
	do("POST", "lists/blocked", `{"add": ["596"], "until": "2018-07-18T09:30:00Z"}`, "ListChanged", map[string]any{"added": 0.0})
	decide("t3", map[string]any{"action": "review"}) // at the very end of the entry
	do("GET", "lists", "", "Lists", nil)
	do("GET", "lists/blocked?limit=1", "", "ListPage", map[string]any{"next": "596"})
	do("GET", "lists/blocked?after=596", "", "ListPage", map[string]any{"next": nil})
	do("POST", "lists/blocked", `{"remove": ["596", "8"]}`, "ListChanged", map[string]any{"removed": 1.0})
	do("POST", "pause", `{"by": "ann", "reason": "the feed is wrong"}`, "Pause", map[string]any{"paused": true, "reason": "the feed is wrong"})
	decide("t4", map[string]any{"action": "review", "fallback": "paused"})
	do("GET", "pause", "", "Pause", map[string]any{"by": "ann"})
	do("POST", "resume", "", "Pause", map[string]any{"paused": false})
	decide("t5", map[string]any{"fallback": "no_model"})
	for _, test := range []struct{ method, path, body, code string }{
		{"POST", "lists/blokced", `{"add": ["1"]}`, "list_not_found"},
		{"GET", "lists/blokced", "", "list_not_found"},
		{"POST", "lists/blocked", `{}`, "list_change_size"},
		{"POST", "lists/blocked", `{"add": [""]}`, "list_key_invalid"},
		{"POST", "lists/blocked", `{"add": ["1"], "remove": [1]}`, "list_key_twice"},
		{"POST", "lists/blocked", `{"add": [1.5]}`, "json_invalid"},
		{"GET", "lists/blocked?limit=0", "", "limit_invalid"},
		{"POST", "pause", `{"because": 1}`, "json_invalid"},
	} {
		do(test.method, test.path, test.body, "Problem", map[string]any{"code": test.code})
	}
}
