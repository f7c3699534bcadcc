package api

import "orrery.dev/spec"

// controlPaths describes what changes a running system without a new release.
func controlPaths(base string, s *spec.Spec) node {
	var names []string
	for _, l := range s.Lists {
		names = append(names, l.Name)
	}
	list := pathParameter("list", "the list's name", names)
	return node{
		base + "/lists": node{"get": operation("readLists", "The system's lists", nil, nil, reference("Lists"))},
		base + "/lists/{list}": node{
			"get": operation("readList", "A list's entries, in the order of their keys", []any{list,
				queryParameter("after", "the key after which the page begins", node{"type": "string"}),
				queryParameter("limit", "how many entries at most", node{"type": "integer", "minimum": 1, "maximum": pageMax, "default": pageDefault}), personalParameter()},
				nil, reference("ListPage")),
			"post": operation("changeList", "Put keys on a list and take others off, at once", []any{list},
				node{"required": true, "content": jsonContent(reference("ListChange"))}, reference("ListChanged")),
		},
		base + "/forget": node{"post": operation("forget", "Destroy the key of what is personal of somebody", nil,
			node{"required": true, "content": jsonContent(node{"type": "object", "additionalProperties": false, "required": []string{"entity", "key"}, "properties": node{
				"entity": text("the entity"), "key": node{"type": []string{"string", "integer"}, "description": "its key"},
				"by": text("who asks for it"), "reason": text("why")}})}, reference("Forgetting"))},
		base + "/pause": node{
			"get":  operation("readPause", "Whether the system is paused", nil, nil, reference("Pause")),
			"post": operation("pause", "Answer every decision by the fallback action, until resumed", nil, noteBody(), reference("Pause")),
		},
		base + "/resume": node{"post": operation("resume", "End a pause", nil, noteBody(), reference("Pause"))},
	}
}

func controlSchemas() node {
	key := node{"type": []string{"string", "integer"}, "description": "the key of an entity, or the value of a field"}
	instant := func(about string) node { return node{"type": "string", "format": "date-time", "description": about} }
	by, reason := text("who asked for it"), text("why")
	number := func(about string) node { return node{"type": "number", "description": about} }
	list := object(node{"name": text("the list's name"), "of": text("the entity, or event.field, whose values are on it"),
		"about": text("what it means"), "entries": integer("how many there are"),
		"match":      node{"const": "terms", "description": "its entries are terms that are looked for in a text"},
		"categories": node{"type": "array", "items": node{"type": "string"}, "description": "what a term can be"},
		"value":      object(node{"default": number("that of what is not listed"), "min": number("the least"), "max": number("the greatest")}, "min", "max")},
		"about", "match", "categories", "value")
	value, category := number("the number that goes with it"), text("what sort of term it is")
	allow := node{"type": "boolean", "description": "the term cancels those that it overlaps"}
	item := node{"anyOf": []any{key, node{"type": "object", "additionalProperties": false, "required": []string{"key"}, "properties": node{
		"key": key, "value": value, "category": category, "allow": allow, "until": instant("events from then on do not find it"),
		"line": integer("where it stands in a file, for what is said of faults")}}}}
	entry := object(node{"key": text("the key"), "since": instant("when it was put there"),
		"until": instant("events from then on do not find it"), "value": value, "category": category, "allow": allow, "by": by, "reason": reason},
		"until", "value", "category", "allow", "by", "reason")
	return node{
		"Forgetting": object(node{"pseudonym": text("stands for whom was forgotten"),
			"offset": integer("the place in the log from which on nothing is known")}, "pseudonym", "offset"),
		"Lists":    object(node{"lists": node{"type": "array", "items": list}}),
		"ListPage": object(node{"list": text("the list's name"), "entries": node{"type": "array", "items": entry}, "next": text("ask for more after this key")}, "next"),
		"ListChange": node{"type": "object", "additionalProperties": false, "properties": node{
			"add": node{"type": "array", "items": item}, "remove": node{"type": "array", "items": key},
			"until": instant("ends the entries added, for events that happen from then on"), "by": by, "reason": reason}},
		"ListChanged": object(node{"offset": integer("the change's place in the log: it acts on decisions after it"),
			"added": integer("keys that were not on the list"), "removed": integer("keys that were")}),
		"Pause": object(node{"paused": node{"type": "boolean"}, "since": instant("when it began"), "by": by, "reason": reason}, "since", "by", "reason"),
	}
}

func noteBody() node {
	return node{"required": false, "content": jsonContent(node{"type": "object", "additionalProperties": false,
		"properties": node{"by": text("who asks for it"), "reason": text("why")}})}
}

func personalParameter() node {
	return queryParameter("personal", "show personal values; takes a key for admin", node{"type": "boolean", "default": false})
}

func queryParameter(name, about string, schema node) node {
	return node{"name": name, "in": "query", "description": about, "schema": schema}
}
