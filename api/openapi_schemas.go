package api

import (
	"encoding/json"
	"fmt"
	"slices"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/spec"
)

// eventSchema describes an event as clients send it.
func eventSchema(t *orrery.EventType) node {
	properties, required := node{}, []string{}
	for i := range t.Fields {
		f := &t.Fields[i]
		properties[f.Name] = fieldSchema(f, i == t.IDField)
		if !f.Optional && f.Default.IsMissing() {
			required = append(required, f.Name)
		}
	}
	schema := node{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if t.About != "" {
		schema["description"] = t.About
	}
	return schema
}

func fieldSchema(f *orrery.Field, id bool) node {
	schema := node{}
	switch f.Type {
	case orrery.String:
		schema["type"] = "string"
		if id {
			schema["type"], schema["description"] = []string{"string", "integer"}, "identifies the event: the same id is the same event"
		}
	case orrery.Entity:
		schema["type"], schema["description"] = []string{"string", "integer"}, "the key of a "+f.Entity
	case orrery.Timestamp:
		schema["type"], schema["format"] = "string", "date-time"
	case orrery.Int:
		schema["type"] = "integer"
	case orrery.Decimal:
		// No multipleOf: validators compute it in binary, where 57.16 is no multiple of 0.01.
		schema["type"], schema["description"] = []string{"number", "string"}, fmt.Sprintf("at most %d digits after the point", f.Scale)
	case orrery.Float:
		schema["type"] = "number"
	case orrery.Bool:
		schema["type"] = "boolean"
	}
	if !f.Default.IsMissing() {
		schema["default"] = json.RawMessage(ingest.AppendValue(nil, f.Default, f.Scale))
	}
	if !f.Min.IsMissing() {
		schema["minimum"] = f.Min.Number(f.Scale)
	}
	if !f.Max.IsMissing() {
		schema["maximum"] = f.Max.Number(f.Scale)
	}
	if about := f.About; about != "" {
		schema["description"] = about
	}
	if f.Unit != "" {
		schema["x-unit"] = f.Unit
	}
	return schema
}

// object describes an object all of whose properties are there.
func object(properties node, optional ...string) node {
	required := []string{}
	for name := range properties {
		required = append(required, name)
	}
	return node{"type": "object", "properties": properties, "required": without(required, optional)}
}

func without(names, leaveOut []string) []string {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		keep := true
		for _, other := range leaveOut {
			keep = keep && name != other
		}
		if keep {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	return kept
}

func text(about string) node    { return node{"type": "string", "description": about} }
func integer(about string) node { return node{"type": "integer", "description": about} }

func answerProperties(s *spec.Spec) node {
	return node{
		"decision_id": text("names the decision"), "event_id": text("the event's id"),
		"score":      node{"type": []string{"number", "null"}, "description": "the model's probability, null without a model"},
		"action":     node{"type": "string", "enum": s.Actions()},
		"intended":   text("the action that the policy chose, where chance took another"),
		"propensity": node{"type": "number", "description": "the probability with which the action was taken; left out when it is 1"},
		"rule": object(node{"index": integer("counts the policy's rules from 0; -1 where the fallback action answered"),
			"when": node{"type": []string{"string", "null"}, "description": "its condition, null for the rule that always holds and for none"}}),
		"release":  text("the release that decided"),
		"fallback": text("why the ordinary path could not answer: no_model, paused, deadline or fault"),
		"reasons": node{"type": "array", "description": "what moved the score most", "items": object(node{"feature": text("the feature's name"), "value": featureValue(), "category": category(),
			"contribution": node{"type": "number", "description": "what it added to the score's log-odds, or to a forest's score"}, "about": text("what it means"),
			"text": text("the reason in a sentence")}, "category", "about")},
		"scores":  node{"type": "object", "additionalProperties": node{"type": "number"}, "description": "the score of each class of a model of several, of which score is the greatest"},
		"class":   text("the class that the model chooses"),
		"classes": node{"type": "array", "description": "the classes that the model chooses, where several can be right", "items": node{"type": "string"}},
		"with":    node{"type": "object", "additionalProperties": node{"type": "number"}, "description": "the numbers that go with the action"},
		"spans": node{"type": "array", "description": "the parts of the text that are to be masked", "items": object(node{
			"start": integer("where it begins, in characters"), "end": integer("where what follows it begins, in characters")})},
		"masked":   text("the text with these parts masked"),
		"repeated": node{"type": "boolean", "description": "the event was recorded before, and this is its answer"},
		"time_us": object(node{"decode": integer("microseconds"), "sequence": integer("microseconds"), "score": integer("microseconds"),
			"commit": integer("microseconds; not part of a record")}, "commit"),
	}
}

// answerOptional names what an answer may leave out.
var answerOptional = []string{"scores", "intended", "propensity", "fallback", "reasons", "repeated", "class", "classes", "with", "spans", "masked"}

func answerSchema(s *spec.Spec) node { return object(answerProperties(s), answerOptional...) }

func recordSchema(s *spec.Spec) node {
	properties := answerProperties(s)
	properties["system"], properties["event_type"] = text("the system's name"), text("the event's type")
	properties["event"] = reference(eventName(s.DecideOn))
	properties["corrected_by"] = node{"type": "string", "description": "The id of the newest correction of the event, where it has been corrected."}
	properties["received"] = node{"type": "string", "format": "date-time"}
	properties["features"] = node{"type": "array", "items": reference("Feature")}
	properties["model"] = text("the kind of model that scored")
	properties["text_contribution"] = node{"type": "number", "description": "what a network's numbers for the text added to the log-odds that the reasons are about, as one item"}
	properties["highlights"] = node{"type": "array", "description": "places of the text that spoke most for or against what the model chose, and in a review the terms of lists", "items": highlightSchema()}
	return object(properties, append([]string{"model", "corrected_by", "text_contribution", "highlights"}, answerOptional...)...)
}

func featureValue() node {
	return node{"type": []string{"number", "string", "null"}, "description": "a text where the feature is one, null when it is missing, (personal) where a personal field is not shown"}
}

func category() node {
	return node{"type": "boolean", "description": "the value is the number of a text, which it does not tell"}
}

func featureSchema() node {
	return object(node{"name": text("the feature's name"), "value": featureValue(), "category": category(), "unit": text("its unit"), "about": text("what it means"),
		"input": node{"type": "boolean", "description": "the model takes it"}}, "category", "unit", "about", "input")
}

func knowledgeSchema() node {
	return object(node{"entity": text("which sort of entity"), "key": text("the entity's key"),
		"at": node{"type": "string", "format": "date-time"}, "features": node{"type": "array", "items": reference("Feature")}})
}

func receiptSchema() node {
	return object(node{"event_id": text("the event's id"), "offset": integer("its place in the log"), "repeated": node{"type": "boolean"}}, "repeated")
}

func systemSchema() node {
	return object(node{"name": text("the system's name"), "about": text("what it does"), "decide_on": text("the event it decides on"),
		"release": text("the release in force"), "model": node{"type": "boolean", "description": "the release has a trained model"},
		"log_offset": integer("the log is durable up to here")}, "about")
}

func trainedSchema() node {
	return object(node{"release": text("the new release"), "model": text("its kind"), "range": text("event times trained on"),
		"rows": integer("labelled rows"), "positives": integer("those that are positive"), "unknown": integer("rows without a label yet"),
		"reviewed": integer("rows known by reviewers alone, that stand for others"),
		"seconds":  node{"type": "number"}, "in_force": node{"type": "boolean"}}, "reviewed")
}

func verificationSchema() node {
	return object(node{"events": integer("events replayed"), "decisions": integer("decisions recomputed"), "different": integer("those that differ"), "erased": integer("decisions of somebody forgotten, of which nothing is left"),
		"other_text_forms": node{"type": "array", "description": "releases that decided on another version of texts' normal form, which this program cannot recompute",
			"items": object(node{"release": text("the release's id"), "text_form": integer("the version"), "decisions": integer("its decisions")})},
		"encoded": object(node{"scores": integer("decisions scored again"), "outside": integer("those of them with a score further than the tolerance from the one recorded"),
			"tolerance": node{"type": "number"}, "greatest_difference": node{"type": "number"},
			"left": integer("decisions that could not be scored again"), "because": text("why")}, "left", "because"),
		"first": node{"type": "array", "items": node{"type": "object"}}}, "first", "erased", "other_text_forms", "encoded")
}

func faultSchema() node {
	return object(node{"field": text("the field at fault"), "code": text("stable"), "message": text("what is wrong"), "next": text("what to do"),
		"offset": integer("the byte in the event's text"), "line": integer("the line of a file"), "column": integer("the byte of the line, from 1")},
		"field", "next", "offset", "line", "column")
}

func effectSchema() node {
	names := func(what string) node {
		return node{"type": "array", "description": what, "items": node{"type": "string"}}
	}
	fault := object(node{"code": text("stable"), "path": text("the place in the spec"), "message": text("what is wrong"), "next": text("what to do")})
	return object(node{"compatible": node{"type": "boolean"}, "faults": node{"type": "array", "items": fault},
		"added": names("entities, events and fields that are new"), "kept": names("features whose state is kept"), "rebuilt": names("features whose state is built anew"),
		"model": node{"type": "string", "enum": []string{"kept", "does_not_fit", "none"}}, "events": integer("events to be replayed"),
		"events_per_second": node{"type": "number", "description": "measured just now"}, "estimated_seconds": node{"type": "number"},
		"complete_from": node{"type": "string", "format": "date-time", "description": "from when features that are built anew know all of their windows"}}, "complete_from")
}

func problemSchema() node {
	schema := object(node{"type": text("names the code"), "title": text("the sort of problem"), "status": integer("the HTTP status"),
		"detail": text("what is wrong"), "code": text("stable, for programs"), "field": text("the field at fault"), "next": text("what to do"),
		"faults": node{"type": "array", "items": faultSchema()}}, "field", "next", "faults")
	schema["description"] = "Problem details, RFC 9457"
	return schema
}
