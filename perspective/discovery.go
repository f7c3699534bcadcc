package perspective

import "encoding/json"

type node = map[string]any

// Describe gives the discovery document by which Google's clients learn the API's
// methods: of version v1 of the format, for a server at a root URL that ends with
// a slash.
func Describe(root string) []byte {
	schemas := node{}
	for i := range messages {
		schemas[messages[i].name] = messages[i].schema("")
		schemas[messages[i].name].(node)["id"] = messages[i].name
	}
	method := func(name, doc, request, response string) node {
		path := "v1alpha1/comments:" + name
		return node{"id": "commentanalyzer.comments." + name, "path": path, "flatPath": path, "httpMethod": "POST", "description": doc,
			"parameters": node{}, "parameterOrder": []string{}, "request": node{"$ref": request}, "response": node{"$ref": response},
			"scopes": []string{scope}}
	}
	document, err := json.Marshal(node{
		"kind": "discovery#restDescription", "discoveryVersion": "v1", "id": "commentanalyzer:v1alpha1",
		"name": "commentanalyzer", "canonicalName": "Comment Analyzer", "version": "v1alpha1", "version_module": true, "revision": "20261201",
		"title": "Perspective Comment Analyzer API", "ownerName": "Orrery", "ownerDomain": "orrery.dev",
		"description": "Scores comments as the Perspective API did, by the models of an Orrery system.",
		"protocol":    "rest", "rootUrl": root, "baseUrl": root, "servicePath": "", "basePath": "", "batchPath": "batch", "fullyEncodeReservedExpansion": true,
		"auth":       node{"oauth2": node{"scopes": node{scope: node{"description": "Not used: clients are known by their keys."}}}},
		"parameters": parameters(), "schemas": schemas,
		"resources": node{"comments": node{"methods": node{
			"analyze":      method("analyze", "Scores a comment.", "AnalyzeCommentRequest", "AnalyzeCommentResponse"),
			"suggestscore": method("suggestscore", "Suggests the scores that a comment should have had.", "SuggestCommentScoreRequest", "SuggestCommentScoreResponse"),
		}}},
	})
	if err != nil {
		panic(err) // It is made of maps of texts.
	}
	return append(document, '\n')
}

// scope is the one that clients ask for where they use OAuth.
const scope = "https://www.googleapis.com/auth/userinfo.email"

// parameters are those of the query that Google's clients send.
func parameters() node {
	query := func(typ, doc string) node { return node{"type": typ, "location": "query", "description": doc} }
	alt := query("string", "The form of the response: JSON.")
	alt["enum"], alt["enumDescriptions"], alt["default"] = []string{"json"}, []string{"JSON"}, "json"
	pretty := query("boolean", "Not used.")
	pretty["default"] = "true"
	xgafv := query("string", "Not used.")
	xgafv["enum"], xgafv["enumDescriptions"] = []string{"1", "2"}, []string{"Version 1.", "Version 2."}
	return node{"key": query("string", "An API key of this server."), "alt": alt, "prettyPrint": pretty, "$.xgafv": xgafv,
		"fields": query("string", "Not used."), "quotaUser": query("string", "Not used."), "callback": query("string", "Not used."),
		"access_token": query("string", "Not used."), "oauth_token": query("string", "Not used."),
		"uploadType": query("string", "Not used."), "upload_protocol": query("string", "Not used.")}
}

// Schemas gives the JSON schemas of the messages by name. References begin with
// the prefix.
func Schemas(prefix string) map[string]any {
	out := node{}
	for i := range messages {
		out[messages[i].name] = messages[i].schema(prefix)
	}
	return out
}

func (m *message) schema(prefix string) node {
	properties := node{}
	for i := range m.fields {
		f := &m.fields[i]
		one := f.schema(prefix)
		switch {
		case f.many:
			one = node{"type": "array", "items": one}
		case f.keyed:
			one = node{"type": "object", "additionalProperties": one}
		}
		one["description"] = f.doc
		properties[f.name] = one
	}
	return node{"type": "object", "description": m.doc, "properties": properties}
}

func (f *field) schema(prefix string) node {
	switch f.kind {
	case object:
		return node{"$ref": prefix + f.of}
	case boolean:
		return node{"type": "boolean"}
	case number:
		return node{"type": "number", "format": "float"}
	case integer:
		return node{"type": "integer", "format": "int32"}
	case choice:
		var names, docs []string
		for _, v := range f.enum {
			names, docs = append(names, v.name), append(docs, v.doc)
		}
		out := node{"type": "string", "enum": names}
		if prefix == "" {
			out["enumDescriptions"] = docs // a word of discovery documents alone
		}
		return out
	}
	return node{"type": "string"}
}
