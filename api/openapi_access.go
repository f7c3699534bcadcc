package api

import (
	"strings"

	"orrery.dev/access"
	"orrery.dev/spec"
)

// accessPaths describes the endpoints for keys, the audit trail and metrics.
func accessPaths() node {
	id := pathParameter("id", "the key's id", nil)
	body := func(schema node) node { return node{"required": true, "content": jsonContent(schema)} }
	return node{
		"/v1/keys": node{
			"get": operation("listKeys", "All keys, revoked ones too", nil, nil, object(node{"keys": node{"type": "array", "items": reference("Key")}})),
			"post": operation("createKey", "Make a key and show its token, this once", nil,
				body(node{"type": "object", "additionalProperties": false, "required": []string{"name", "systems", "verbs"}, "properties": node{
					"name": text("who or what will use the key"), "systems": systemsSchema(), "verbs": verbsSchema(),
					"expires_in": text("how long the key works, as in 90d; for ever without it")}}), reference("NewKey")),
		},
		"/v1/keys/{id}/rotate": node{"post": operation("rotateKey", "Give a key another token", []any{id},
			node{"required": false, "content": jsonContent(node{"type": "object", "additionalProperties": false, "properties": node{
				"overlap": text("how long the token before works too, as in 24h; not at all without it")}})}, reference("NewKey"))},
		"/v1/keys/{id}/revoke": node{"post": operation("revokeKey", "End a key at once", []any{id}, nil, reference("Key"))},
		"/v1/audit": node{"get": operation("readAudit", "Who did what: every administrative act",
			[]any{queryParameter("after", "the number of the entry after which the page begins", node{"type": "integer", "minimum": 0})},
			nil, object(node{"entries": node{"type": "array", "items": reference("AuditEntry")}, "next": integer("ask for more after this entry")}, "next"))},
		"/metrics": node{"get": node{"operationId": "metrics", "summary": "Metrics in the form of Prometheus",
			"responses": responses(node{"text/plain": node{"schema": node{"type": "string"}}})}},
	}
}

func systemsSchema() node {
	return node{"type": "array", "items": node{"type": "string"}, "description": "names of systems, or * for every one"}
}

func verbsSchema() node {
	return node{"type": "array", "items": node{"type": "string", "enum": access.Verbs()}}
}

func accessSchemas() node {
	instant := func(about string) node { return node{"type": "string", "format": "date-time", "description": about} }
	key := object(node{"id": text("names the key"), "name": text("who or what uses it"), "systems": systemsSchema(), "verbs": verbsSchema(),
		"created": instant("when it was made"), "expires": instant("when it stops working"), "revoked": instant("when it was revoked"),
		"rotated": instant("when its present token was made"), "previous_until": instant("until when the token before works"),
		"last_used": instant("when it was last used, to the hour")}, "expires", "revoked", "rotated", "previous_until", "last_used")
	return node{
		"Key":    key,
		"NewKey": object(node{"key": reference("Key"), "token": text("what clients send; it is not stored and cannot be shown again")}),
		"AuditEntry": object(node{"seq": integer("counts the entries from 1"), "at": instant("when"), "actor": text("a key's id, loopback or local"),
			"from": text("the client's address"), "act": text("what was done"), "target": text("what it was done to"),
			"outcome": text("begun, done or the code of the error that ended it"), "begun": integer("the entry that began the act"),
			"hash": text("SHA-256 of the hash before and of this entry")}, "from", "target", "begun"),
	}
}

func securitySchemes() node {
	return node{
		"bearer": node{"type": "http", "scheme": "bearer", "bearerFormat": "orr_ID_SECRET", "description": "An API key, as Authorization: Bearer KEY"},
		"apiKey": node{"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key"},
	}
}

// secure says of each operation which verb its key needs, from the routes
// themselves. A server without keys asks for none, which is the last alternative.
func secure(s *spec.Spec, paths node) {
	verbs := map[string]access.Verb{}
	var server Server
	for _, rt := range append(server.routes(), server.keyRoutes()...) {
		verbs[rt.pattern] = rt.verb
	}
	for path, methods := range paths {
		pattern := strings.Replace(path, "/v1/systems/"+s.System, "/v1/systems/{system}", 1)
		if before, _, found := strings.Cut(pattern, "/events/"); found {
			pattern = before + "/events/{event}"
		}
		for method, o := range methods.(node) {
			verb := []access.Verb{verbs[strings.ToUpper(method)+" "+pattern]}
			o.(node)["security"] = []any{node{"bearer": verb}, node{"apiKey": verb}, node{}}
		}
	}
}
