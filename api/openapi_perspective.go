package api

import (
	"maps"

	"orrery.dev/perspective"
)

// addPerspective describes the methods of the Perspective API.
func addPerspective(paths, schemas node) {
	const prefix = "#/components/schemas/perspective_"
	for name, schema := range perspective.Schemas(prefix) {
		schemas["perspective_"+name] = schema
	}
	schemas["perspective_Error"] = object(node{"error": object(node{"code": integer("the HTTP status"), "message": text("what is wrong"),
		"status": text("the name of a canonical code of gRPC"), "details": node{"type": "array", "items": node{"type": "object"}}}, "details")})
	method := func(name, id, summary, request, answer string) {
		o := operation(id, summary, []any{queryParameter("key", "an API key, in place of a header", node{"type": "string"})},
			node{"required": true, "content": jsonContent(node{"$ref": prefix + request})}, node{"$ref": prefix + answer})
		o["responses"].(node)["default"] = node{"description": "what went wrong, as the Perspective API says it", "content": jsonContent(reference("perspective_Error"))}
		maps.Copy(paths, node{perspective.Prefix + "comments:" + name: node{"post": o}})
	}
	method("analyze", "analyzeComment", "Score a comment as the Perspective API did, where the system declares attributes", "AnalyzeCommentRequest", "AnalyzeCommentResponse")
	method("suggestscore", "suggestCommentScore", "Suggest the scores that a comment should have had", "SuggestCommentScoreRequest", "SuggestCommentScoreResponse")
}
