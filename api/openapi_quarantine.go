package api

import "orrery.dev/spec"

// addIntake describes the ways in that are not of one event type, and what
// becomes of refused input.
func addIntake(s *spec.Spec, base string, paths, schemas node) {
	paths[base+"/events"] = node{"post": node{
		"operationId": "ingest", "summary": "Record CloudEvents of any type",
		"description": "CloudEvents 1.0, structured, batched or binary: an address to point a sink at. Records without deciding.",
		"parameters":  []any{receivedParameter(receivedNow, receivedEventTime, receivedRecorded), quarantineParameter()},
		"requestBody": node{"required": true, "content": node{mediaCloudEvent: node{"schema": node{"type": "object"}}, mediaCloudEvents: node{"schema": node{"type": "array", "items": node{"type": "object"}}}}},
		"responses":   responses(oneOrMany(orProblem(reference("Receipt")))),
	}}
	quarantine := base + "/quarantine"
	paths[quarantine] = node{
		"get": operation("listQuarantine", "What was refused and is kept", []any{queryParameter("event", "of this event type", node{"type": "string"}),
			queryParameter("code", "with a fault of this code", node{"type": "string"}), queryParameter("source", "with this in its source", node{"type": "string"}), queryParameter("limit", "as many at most: 100 where it is left out, all for 0", node{"type": "integer", "minimum": 0, "default": 100})}, nil, reference("Quarantine")),
		"post": operation("putQuarantine", "Keep refused input", nil, jsonBody(reference("QuarantinePut")), reference("Count")),
	}
	paths[quarantine+"/{id}"] = node{"get": operation("readQuarantine", "One refused input", []any{pathParameter("id", "the item's id", nil)}, nil, reference("QuarantineItem"))}
	paths[quarantine+"/resubmit"] = node{"post": operation("resubmit", "Read refused input again, mended, and record what is good", nil,
		jsonBody(reference("Resubmission")), reference("ResubmissionAnswer"))}
	paths[quarantine+"/drop"] = node{"post": operation("drop", "Delete refused input for good", nil, jsonBody(reference("Selection")), reference("Count"))}
	paths[base+"/imports/{import}"] = node{
		"get": operation("readImport", "How far an import has come", []any{pathParameter("import", "the import's name", nil)}, nil, reference("Position")),
		"put": operation("setImport", "Remember how far an import has come", []any{pathParameter("import", "the import's name", nil)},
			jsonBody(reference("Position")), reference("Position")),
	}
	item := quarantineItemSchema()
	schemas["QuarantineItem"] = item
	schemas["Quarantine"] = object(node{"items": node{"type": "array", "items": reference("QuarantineItem")}, "over": integer("more that were refused while it was full, and are not kept")})
	schemas["QuarantinePut"] = object(node{"items": node{"type": "array", "items": reference("QuarantineItem")}, "over": integer("more that are not among the items")}, "over")
	schemas["Count"] = object(node{"items": integer("how many it was done to")})
	schemas["Selection"] = node{"type": "object", "properties": selectionProperties(), "additionalProperties": false}
	fix := selectionProperties()
	fix["set"] = node{"type": "object", "additionalProperties": node{"type": "string"}, "description": "other values for fields, as text; an empty one leaves the field out"}
	fix["text"] = text("the mended input of a single item")
	schemas["Resubmission"] = node{"type": "object", "properties": fix, "additionalProperties": false}
	schemas["ResubmissionAnswer"] = object(node{"results": node{"type": "array", "items": object(node{"id": text("the item's id"), "event_id": text("the recorded event's id"),
		"offset": integer("its place in the log"), "repeated": node{"type": "boolean", "description": "it had been recorded before"},
		"faults": node{"type": "array", "items": faultSchema()}}, "event_id", "offset", "repeated", "faults")}})
	schemas["Position"] = object(node{"events": integer("so many events of its files are dealt with"), "digest": text("the digest of these events")}, "digest")
}

func selectionProperties() node {
	return node{"ids": node{"type": "array", "items": text("an item's id")}, "all": node{"type": "boolean", "description": "all items"},
		"event": text("of this event type"), "code": text("with a fault of this code"), "source": text("with this in its source")}
}

func quarantineItemSchema() node {
	return object(node{"id": text("names the item"), "event": text("the event type it was read as"), "source": text("the file or address it came from"),
		"line": integer("its line there"), "at": node{"type": "string", "format": "date-time", "description": "when it was refused"},
		"format": node{"type": "string", "enum": []string{"json", "csv", "cloudevent"}}, "raw": text("the input, its first 16 KiB"),
		"raw_base64": text("the input where it is not UTF-8"), "length": integer("bytes of the whole input"),
		"columns": node{"type": "array", "items": node{"type": "string"}, "description": "the columns of a CSV file"}, "received_column": text("the column of the received time"),
		"faults": node{"type": "array", "minItems": 1, "items": faultSchema()}}, "line", "raw_base64", "columns", "received_column")
}

func jsonBody(schema node) node { return node{"required": true, "content": jsonContent(schema)} }

func receivedParameter(values ...string) node {
	return node{"name": "received", "in": "query", "description": "when the events became known: now, when they happened (history), or by the attribute recordedtime",
		"schema": node{"type": "string", "enum": values}}
}

func quarantineParameter() node {
	return node{"name": "quarantine", "in": "query", "description": "keep what is refused in quarantine; true for a stream of lines where it is left out, false otherwise",
		"schema": node{"type": "boolean"}}
}
