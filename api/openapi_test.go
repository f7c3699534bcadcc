package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orrery.dev/api"
	"orrery.dev/orrerytest"
)

// TestAnswersAreAsDescribed holds what the server gives to its own description.
func TestAnswersAreAsDescribed(t *testing.T) {
	// Chance decides over large amounts, so that answers of both kinds are seen.
	source := strings.NewReplacer("score >= 0.9", "amount > 1000.0", "share: 0.01", "share: 0.5").Replace(string(orrerytest.FraudSpec(t).Source))
	server := serverOf(t, orrerytest.Spec(t, source))
	valid := described(t, server)
	var event any
	if err := json.Unmarshal([]byte(good), &event); err != nil {
		t.Fatal(err)
	}
	valid("event_transaction", event)
	_, _, answer := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	valid("Answer", answer)
	_, _, again := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", good)
	valid("Answer", again)
	_, _, record := call(t, server, "GET", "/v1/systems/fraud/decisions/"+object(t, answer)["decision_id"].(string), "", "")
	valid("Record", record)
	actions := map[any]bool{}
	for i := range 8 {
		large := strings.NewReplacer(`"t1"`, fmt.Sprintf(`"large%d"`, i), "57.16", "5716").Replace(good)
		_, _, answer := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", large)
		valid("Answer", answer)
		_, _, record := call(t, server, "GET", "/v1/systems/fraud/decisions/"+object(t, answer)["decision_id"].(string), "", "")
		valid("Record", record)
		if a := object(t, record); a["propensity"] != 0.5 || (a["action"] == "review") != (a["intended"] == "block") {
			t.Errorf("a decision left to chance: %v", a)
		}
		actions[object(t, answer)["action"]] = true
	}
	if !actions["block"] || !actions["review"] {
		t.Errorf("chance gave only %v", actions)
	}
	_, _, known := call(t, server, "GET", "/v1/systems/fraud/entities/customer/596/features", "", "")
	valid("Knowledge", known)
	_, _, system := call(t, server, "GET", "/v1/systems/fraud/release", "", "")
	valid("System", system)
	_, _, problem := call(t, server, "POST", "/v1/systems/fraud/decisions", "application/json", "{}")
	valid("Problem", problem)
	_, _, problem = call(t, server, "POST", "/v1/systems/fraud/decisions?quarantine=true", "application/json", "{}")
	valid("Problem", problem)
	_, _, listing := call(t, server, "GET", inQuarantine, "", "")
	valid("Quarantine", listing)
	id := object(t, object(t, listing)["items"].([]any)[0])["id"].(string)
	_, _, item := call(t, server, "GET", inQuarantine+"/"+id, "", "")
	valid("QuarantineItem", item)
	_, _, resubmitted := call(t, server, "POST", inQuarantine+"/resubmit", "application/json", `{"all": true}`)
	valid("ResubmissionAnswer", resubmitted)
	_, _, dropped := call(t, server, "POST", inQuarantine+"/drop", "application/json", `{"all": true}`)
	valid("Count", dropped)
	_, _, position := call(t, server, "PUT", "/v1/systems/fraud/imports/x", "application/json", `{"events": 5, "digest": "d"}`)
	valid("Position", position)
	_, _, position = call(t, server, "GET", "/v1/systems/fraud/imports/x", "", "")
	if valid("Position", position); object(t, position)["events"] != 5.0 {
		t.Errorf("got %v", position)
	}
	_, _, verification := call(t, server, "POST", "/v1/systems/fraud/verify", "application/json", "")
	valid("Verification", verification)
	_, _, effect := call(t, server, "POST", "/v1/systems/fraud/check", "application/yaml", string(orrerytest.FraudSpec(t).Source))
	valid("Effect", effect)
}

// TestEveryReferenceResolves looks for a $ref that names nothing.
func TestEveryReferenceResolves(t *testing.T) {
	text, err := json.Marshal(api.OpenAPI(orrerytest.FraudSpec(t)))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, piece := range strings.Split(string(text), `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(piece, `"`)
		if document.Components.Schemas[name] == nil {
			t.Errorf("nothing is called %s", name)
		}
	}
}

func TestDocsFetchNothingFromOutside(t *testing.T) {
	page := string(fetch(t, newServer(t).URL+"/docs"))
	for _, outside := range []string{"http://", "https://", "//cdn"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page names %s", outside)
		}
	}
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, response.Status, err)
	}
	return text
}

// TestOpenAPIByAValidator gives the description to openapi-spec-validator (from
// PyPI), which knows OpenAPI 3.1. It is skipped where that is not installed.
func TestOpenAPIByAValidator(t *testing.T) {
	program, err := exec.LookPath("openapi-spec-validator")
	if err != nil {
		t.Skip("openapi-spec-validator is not installed: pip install openapi-spec-validator")
	}
	path := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(path, fetch(t, newServer(t).URL+"/openapi.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "--schema", "3.1", "--validation-errors", "all", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
