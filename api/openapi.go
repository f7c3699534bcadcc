package api

import (
	_ "embed"
	"maps"
	"net/http"

	"orrery.dev"
	"orrery.dev/spec"
)

// node is a JSON object under construction.
type node = map[string]any

// OpenAPI describes the interface of one system in OpenAPI 3.1: the system's
// own events and answers, not generic ones.
func OpenAPI(s *spec.Spec) map[string]any {
	base := "/v1/systems/" + s.System
	paths := node{
		base + "/decisions": node{"post": decideOperation(s)},
		base + "/stream": node{"get": node{"operationId": "stream", "summary": "A WebSocket: an event a text frame in, its answer a frame out, in order",
			"description": "A key may be sent as a header, or as the subprotocols orrery, orrery.key.KEY. Closed with 1012 when the server stops.",
			"responses": node{"101": node{"description": "the connection is a WebSocket"},
				"default": node{"description": "what went wrong, and what to do", "content": node{"application/problem+json": node{"schema": reference("Problem")}}}}}},
		base + "/decisions/{id}": node{"get": operation("readDecision", "The whole record of a decision",
			[]any{pathParameter("id", "the decision_id of an answer, such as d42", nil), personalParameter()}, nil, reference("Record"))},
		base + "/entities/{entity}/{key}/features": node{"get": operation("readFeatures", "What is known of one entity",
			[]any{pathParameter("entity", "which sort of entity", s.Contract.Entities), pathParameter("key", "the entity's key", nil),
				node{"name": "at", "in": "query", "description": "the instant to look from; the latest event's without it",
					"schema": node{"type": "string", "format": "date-time"}}}, nil, reference("Knowledge"))},
		base + "/release": node{"get": operation("readRelease", "The release in force", nil, nil, reference("System"))},
		base + "/train": node{"post": operation("train", "Fit the model on the log and put the release in force", nil,
			node{"required": false, "content": jsonContent(node{"type": "object", "properties": node{
				"model": node{"type": "string", "description": "the kind of model"},
				"range": node{"type": "string", "description": "event times to train on, FROM..TO"}}})}, reference("Trained"))},
		base + "/backup": node{"get": node{"operationId": "backup", "summary": "A copy of the data as of one moment, for orrery restore",
			"responses": responses(node{"application/x-tar": node{"schema": node{"type": "string", "format": "binary"}}})}},
		base + "/check": node{"post": operation("check", "What a changed spec would mean for the data", nil,
			node{"required": true, "content": node{"application/yaml": node{"schema": node{"type": "string", "description": "a system.yaml"}}}}, reference("Effect"))},
		base + "/verify": node{"post": operation("verify", "Recompute every recorded decision and compare", nil, nil, reference("Verification"))},
	}
	schemas := node{"Problem": problemSchema(), "Answer": answerSchema(s), "Record": recordSchema(s), "Knowledge": knowledgeSchema(),
		"Receipt": receiptSchema(), "System": systemSchema(), "Trained": trainedSchema(), "Verification": verificationSchema(), "Effect": effectSchema(), "Feature": featureSchema()}
	maps.Copy(paths, controlPaths(base, s))
	maps.Copy(schemas, controlSchemas())
	maps.Copy(paths, reviewPaths(base, s))
	maps.Copy(schemas, reviewSchemas(s))
	maps.Copy(paths, accessPaths())
	maps.Copy(schemas, accessSchemas())
	for _, t := range s.Contract.Events {
		schemas[eventName(t)] = eventSchema(t)
		paths[base+"/events/"+t.Name] = node{"post": ingestOperation(t)}
	}
	addIntake(s, base, paths, schemas)
	addPerspective(paths, schemas)
	secure(s, paths)
	return node{
		"openapi":    "3.1.0",
		"info":       node{"title": s.System, "description": s.About, "version": "1"},
		"paths":      paths,
		"components": node{"schemas": schemas, "securitySchemes": securitySchemes()},
	}
}

func reference(name string) node { return node{"$ref": "#/components/schemas/" + name} }

func eventName(t *orrery.EventType) string { return "event_" + t.Name }

func jsonContent(schema node) node { return node{"application/json": node{"schema": schema}} }

func pathParameter(name, about string, enum []string) node {
	schema := node{"type": "string"}
	if enum != nil {
		schema["enum"] = enum
	}
	return node{"name": name, "in": "path", "required": true, "description": about, "schema": schema}
}

// operation describes one call; body and parameters may be nil.
func operation(id, summary string, parameters []any, body, answer node) node {
	o := node{"operationId": id, "summary": summary, "responses": responses(jsonContent(answer))}
	if parameters != nil {
		o["parameters"] = parameters
	}
	if body != nil {
		o["requestBody"] = body
	}
	return o
}

func responses(content node) node {
	return node{
		"200":     node{"description": "done", "content": content},
		"default": node{"description": "what went wrong, and what to do", "content": node{"application/problem+json": node{"schema": reference("Problem")}}},
	}
}

// oneOrMany describes bodies and answers that are one item, an array of them
// or a stream of lines.
func oneOrMany(item node) node {
	return node{
		"application/json":     node{"schema": node{"oneOf": []any{item, node{"type": "array", "items": item}}}},
		"application/x-ndjson": node{"schema": node{"type": "string", "description": "one JSON object a line"}},
	}
}

func orProblem(item node) node { return node{"oneOf": []any{item, reference("Problem")}} }

func decideOperation(s *spec.Spec) node {
	return node{
		"operationId": "decide", "summary": "Decide on a " + s.DecideOn.Name,
		"description": "One event, an array of events, or a stream of lines. The answer leaves after event and decision are durable. An event sent again gets the answer it got.",
		"requestBody": node{"required": true, "content": oneOrMany(reference(eventName(s.DecideOn)))},
		"responses":   responses(oneOrMany(orProblem(reference("Answer")))),
	}
}

func ingestOperation(t *orrery.EventType) node {
	return node{
		"operationId": "ingest_" + t.Name, "summary": "Record a " + t.Name, "description": "Records without deciding.",
		"parameters": []any{node{"name": "received", "in": "query", "description": "event_time: history that was known when it happened",
			"schema": node{"type": "string", "enum": []string{"event_time"}}}},
		"requestBody": node{"required": true, "content": oneOrMany(reference(eventName(t)))},
		"responses":   responses(oneOrMany(orProblem(reference("Receipt")))),
	}
}

//go:embed docs.html
var docsPage []byte

// docs shows /openapi.json to a person. The page fetches nothing from outside.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'")
	_, _ = w.Write(docsPage)
}

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, OpenAPI(s.engine.Plan().Spec))
}
