package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store/memory"
	"orrery.dev/telemetry"
)

const privateSpec = `
orrery: 1
system: shop
entities: [buyer, shop]
events:
  order:
    id: order_id
    time: at
    subject: buyer
    fields: {order_id: string, at: timestamp, buyer: {type: entity, personal: true}, shop: entity,
             name: {type: string, personal: true}, age: {type: int, personal: true, max: 700000000}}
decide_on: order
lists: {blocked: buyer}
features:
  age: order.age
  orders: {count: order, by: buyer, window: ever}
policy:
  - {when: order.buyer in lists.blocked, action: block}
  - {action: approve}
`

const privateOrder = `{"order_id":"o1","at":"2026-11-01T00:00:31Z","buyer":"zqkey@example.com","shop":"s1","name":"Zqname","age":654398721}`

// secretsOf are the personal values of privateOrder.
var secretsOf = []string{"zqkey", "Zqname", "654398721"}

func secretIn(text string) string {
	for _, s := range secretsOf {
		if strings.Contains(text, s) {
			return s
		}
	}
	return ""
}

// TestPersonalValuesAreShownByRightOnly looks at every answer, error, metric and
// line of the log for personal values.
func TestPersonalValuesAreShownByRightOnly(t *testing.T) {
	var log bytes.Buffer
	st := memory.New()
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := orrerytest.Spec(t, privateSpec)
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry(), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(st.Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := quarantine.In(t.TempDir()).Without(func(event string) bool { return s.Contract.Event(event).HasPersonal() })
	server := httptest.NewServer(api.New(engine, noJobs{}, api.Options{Keys: keys, Quarantine: kept, Logger: logger, AccessLog: true, Metrics: telemetry.NewMetrics("test")}))
	defer func() {
		server.Close()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
		if found := secretIn(log.String()); found != "" {
			t.Errorf("the log has %q:\n%s", found, log.String())
		}
	}()
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		status, _, value := call(t, server, method, "/v1/systems/shop"+path, "application/json", body)
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return status, string(text)
	}
	hides := func(want int, method, path, body string) string {
		t.Helper()
		status, text := ask(method, path, body)
		if status != want {
			t.Errorf("%s %s: %d %s", method, path, status, text)
		}
		if found := secretIn(text); found != "" {
			t.Errorf("%s %s shows %q: %s", method, path, found, text)
		}
		return text
	}
	hides(http.StatusOK, "POST", "/decisions", privateOrder)
	hides(http.StatusConflict, "POST", "/decisions", strings.Replace(privateOrder, "Zqname", "Another", 1))
	hides(http.StatusConflict, "POST", "/decisions", strings.Replace(privateOrder, "zqkey", "another", 1))
	for from, to := range map[string]string{`654398721`: `"654398721x"`, `:654398721`: `:7654398721`, `654398721}`: `654398721} 654398721`, `"Zqname"`: `["Zqname"]`, `,"shop":"s1"`: ``, `654398721 `: `654398721.5`} {
		if bad := strings.Replace(privateOrder, from, to, 1); bad != privateOrder {
			hides(http.StatusUnprocessableEntity, "POST", "/decisions?quarantine=true", strings.Replace(bad, "o1", "o2", 1))
		}
	}
	hides(http.StatusOK, "GET", "/quarantine", "")
	if text := hides(http.StatusOK, "GET", "/decisions/d2", ""); strings.Count(text, "(personal)") != 4 {
		t.Errorf("the record is %s", text)
	}
	hides(http.StatusOK, "POST", "/lists/blocked", `{"add": ["zqkey@example.com"]}`)
	hides(http.StatusOK, "GET", "/lists/blocked", "")
	hides(http.StatusUnprocessableEntity, "POST", "/lists/blocked", `{"add": ["zqkey@example.com", "zqkey@example.com"]}`)
	hides(http.StatusOK, "GET", "/entities/buyer/zqkey@example.com/features", "")
	if text := fetch(t, server.URL+"/metrics"); secretIn(string(text)) != "" {
		t.Errorf("a metric has %q", secretIn(string(text)))
	}

	if _, text := ask("GET", "/decisions/d2?personal=true", ""); !strings.Contains(text, "zqkey@example.com") || !strings.Contains(text, `"Zqname"`) || strings.Contains(text, "(personal)") {
		t.Errorf("shown by right: %s", text)
	}
	if _, text := ask("GET", "/lists/blocked?personal=true", ""); !strings.Contains(text, "zqkey@example.com") {
		t.Errorf("shown by right: %s", text)
	}
	hides(http.StatusUnprocessableEntity, "GET", "/decisions/d2?personal=perhaps", "")

	described := described(t, server)
	_, _, value := call(t, server, "POST", "/v1/systems/shop/forget", "application/json", `{"entity": "buyer", "key": "zqkey@example.com"}`)
	described("Forgetting", value)
	if text := hides(http.StatusGone, "GET", "/decisions/d2?personal=true", ""); !strings.Contains(text, `"code":"erased"`) {
		t.Errorf("erased: %s", text)
	}
	hides(http.StatusGone, "POST", "/decisions", privateOrder)
	hides(http.StatusUnprocessableEntity, "POST", "/forget", `{"entity": "shop", "key": "s1"}`)
	hides(http.StatusUnprocessableEntity, "POST", "/forget", `{"entity": "buyer"}`)

	reader, token, err := keys.Create(access.Local, access.Request{Name: "reader", Scope: access.Scope{Systems: []string{"shop"}, Verbs: []access.Verb{access.Read}}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"d2?personal=true": http.StatusForbidden, "d2?personal=false": http.StatusGone, "d2": http.StatusGone} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/systems/shop/decisions/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-API-Key", token)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("%s with a key to read, %s: %s, %v", path, reader.Name, response.Status, err)
		}
	}
}
