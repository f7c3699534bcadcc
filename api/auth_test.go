package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store/memory"
	"orrery.dev/telemetry"
)

func keyedServer(t *testing.T) (*httptest.Server, *access.Keys) {
	t.Helper()
	st := memory.New()
	engine, err := serve.Open(t.Context(), st, orrerytest.FraudSpec(t), serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(st.Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(engine, noJobs{}, api.Options{Keys: keys, Metrics: telemetry.NewMetrics("test")}))
	t.Cleanup(func() {
		server.Close()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, keys
}

// ask sends a request with headers and gives its status.
func ask(t *testing.T, server *httptest.Server, method, path, body string, headers map[string]string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if (response.StatusCode == http.StatusUnauthorized) != (response.Header.Get("WWW-Authenticate") != "") {
		t.Errorf("%s %s: %s with WWW-Authenticate %q", method, path, response.Status, response.Header.Get("WWW-Authenticate"))
	}
	return response.StatusCode
}

// endpoints are all of them, each with the verb that it is for, "" for none.
var endpoints = []struct {
	method, path, body string
	verb               access.Verb
	everywhere         bool
}{
	{"GET", "/livez", "", "", false},
	{"GET", "/readyz", "", "", false},
	{"GET", "/docs", "", "", false},
	{"GET", "/openapi.json", "", access.Read, false},
	{"GET", "/metrics", "", access.Read, false},
	{"GET", "/v1/systems", "", access.Read, false},
	{"POST", "/v1/systems/fraud/decisions", good, access.Decide, false},
	{"POST", "/v1/systems/fraud/events/transaction", good, access.Ingest, false},
	{"GET", "/v1/systems/fraud/decisions/d2", "", access.Read, false},
	{"GET", "/v1/systems/fraud/entities/customer/596/features", "", access.Read, false},
	{"GET", "/v1/systems/fraud/release", "", access.Read, false},
	{"GET", "/v1/systems/fraud/lists", "", access.Read, false},
	{"GET", "/v1/systems/fraud/pause", "", access.Read, false},
	{"POST", "/v1/systems/fraud/pause", "{}", access.Admin, false},
	{"POST", "/v1/systems/fraud/resume", "{}", access.Admin, false},
	{"POST", "/v1/systems/fraud/forget", `{"entity": "customer", "key": "596"}`, access.Admin, false},
	{"POST", "/v1/systems/fraud/train", "{}", access.Admin, false},
	{"POST", "/v1/systems/fraud/verify", "", access.Admin, false},
	{"POST", "/v1/systems/fraud/check", "", access.Admin, false},
	{"GET", "/v1/systems/fraud/backup", "", access.Admin, false},
	{"GET", "/v1/keys", "", access.Admin, true},
	{"POST", "/v1/keys", "{}", access.Admin, true},
	{"POST", "/v1/keys/x/rotate", "{}", access.Admin, true},
	{"POST", "/v1/keys/x/revoke", "{}", access.Admin, true},
	{"GET", "/v1/audit", "", access.Admin, true},
	{"GET", "/v1/nothing", "", access.Read, false},
}

// TestEveryEndpointAsksForItsVerb tries each endpoint with a key for each verb,
// for this system, for another and for all.
func TestEveryEndpointAsksForItsVerb(t *testing.T) {
	server, keys := keyedServer(t)
	for _, e := range endpoints {
		if status := ask(t, server, e.method, e.path, e.body, nil); status == http.StatusUnauthorized || status == http.StatusForbidden {
			t.Errorf("without keys, %s %s: %d", e.method, e.path, status)
		}
	}
	for _, verb := range access.Verbs() {
		for _, system := range []string{"fraud", "chat", "*"} {
			key, token, err := keys.Create(access.Local, access.Request{Name: "test", Scope: access.Scope{Systems: []string{system}, Verbs: []access.Verb{verb}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range endpoints {
				for _, header := range []map[string]string{{"Authorization": "Bearer " + token}, {"X-API-Key": token}} {
					status := ask(t, server, e.method, e.path, e.body, header)
					allowed := e.verb == "" || e.verb == verb && (system == "*" || system == "fraud" && !e.everywhere)
					if (status != http.StatusForbidden) != allowed || status == http.StatusUnauthorized {
						t.Errorf("%s of %s, %s %s: %d", verb, system, e.method, e.path, status)
					}
				}
				want := http.StatusUnauthorized
				if status := ask(t, server, e.method, e.path, e.body, nil); (status == want) != (e.verb != "") {
					t.Errorf("without a key, %s %s: %d", e.method, e.path, status)
				}
			}
			if _, err := keys.Revoke(access.Local, key.ID); err != nil {
				t.Fatal(err)
			}
			if status := ask(t, server, "GET", "/v1/systems", "", map[string]string{"X-API-Key": token}); status != http.StatusUnauthorized {
				t.Errorf("a revoked key: %d", status)
			}
		}
	}
}

// TestForeignPagesCannotUseAnOpenServer sends what a browser would for a page of
// another site.
func TestForeignPagesCannotUseAnOpenServer(t *testing.T) {
	server, keys := keyedServer(t)
	decide := func(headers map[string]string) int {
		return ask(t, server, "POST", "/v1/systems/fraud/decisions", good, headers)
	}
	foreign := []map[string]string{{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example:8080"}, {"Host": "127.0.0.1.evil.example"}}
	for _, headers := range foreign {
		if status := decide(headers); status != http.StatusForbidden {
			t.Errorf("%v: %d", headers, status)
		}
	}
	for _, headers := range []map[string]string{{"Host": "localhost:1"}, {"Host": "[::1]"}, {"Host": "127.0.0.2:80"}, {"Sec-Fetch-Site": "same-origin"}} {
		if status := decide(headers); status != http.StatusOK {
			t.Errorf("%v: %d", headers, status)
		}
	}
	// A key is something that a foreign page does not have.
	_, token, err := keys.Create(access.Local, access.Request{Name: "test", Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Decide}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, headers := range foreign {
		headers["X-API-Key"] = token
		if status := decide(headers); status != http.StatusOK {
			t.Errorf("%v: %d", headers, status)
		}
	}
}
