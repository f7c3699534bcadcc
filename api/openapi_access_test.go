package api

import (
	"slices"
	"strings"
	"testing"

	"orrery.dev/access"
	"orrery.dev/orrerytest"
)

// undescribed are endpoints that the description leaves out, since they are not
// for programs or are the description.
var undescribed = []string{"GET /$discovery/rest", "GET /livez", "GET /readyz", "GET /{$}", "GET /docs", "GET /openapi.json", "GET /v1/systems", "/"}

// TestEveryEndpointIsDescribed compares the routes with the description, both
// ways, and looks at what OpenAPI 3.1 asks of each operation.
func TestEveryEndpointIsDescribed(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	document := OpenAPI(s)
	schemes := document["components"].(node)["securitySchemes"].(node)
	described, ids := map[string]bool{}, map[string]bool{}
	for path, methods := range document["paths"].(node) {
		for method, o := range methods.(node) {
			operation, name := o.(node), strings.ToUpper(method)+" "+path
			pattern := strings.Replace(name, "/systems/"+s.System, "/systems/{system}", 1)
			if before, _, found := strings.Cut(pattern, "/events/"); found {
				pattern = before + "/events/{event}"
			}
			described[pattern] = true
			id, _ := operation["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s: operationId %q is empty or there twice", name, id)
			}
			ids[id] = true
			responses, _ := operation["responses"].(node)
			if responses["200"] == nil && responses["101"] == nil || responses["default"] == nil {
				t.Errorf("%s: responses %v", name, responses)
			}
			var inPath []string
			if parameters, ok := operation["parameters"].([]any); ok {
				for _, p := range parameters {
					if p.(node)["in"] == "path" {
						inPath = append(inPath, "{"+p.(node)["name"].(string)+"}")
					}
				}
			}
			for _, piece := range strings.Split(path, "/") {
				if strings.HasPrefix(piece, "{") && !slices.Contains(inPath, piece) {
					t.Errorf("%s does not describe %s", name, piece)
				}
			}
			security, _ := operation["security"].([]any)
			if len(security) != 3 {
				t.Fatalf("%s: security %v", name, security)
			}
			for _, alternative := range security {
				for scheme, roles := range alternative.(node) {
					if schemes[scheme] == nil || !slices.Contains(access.Verbs(), roles.([]access.Verb)[0]) {
						t.Errorf("%s: %s with %v", name, scheme, roles)
					}
				}
			}
		}
	}
	var server Server
	for _, rt := range append(server.routes(), server.keyRoutes()...) {
		if described[rt.pattern] == slices.Contains(undescribed, rt.pattern) {
			t.Errorf("%s: described %v", rt.pattern, described[rt.pattern])
		}
		delete(described, rt.pattern)
	}
	for pattern := range described {
		t.Errorf("%s is described and does not exist", pattern)
	}
}
