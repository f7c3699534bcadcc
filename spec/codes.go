package spec

import "maps"

// codes says what each code of a diagnostic of this package means.
var codes = map[string]string{
	"too_large":           "The file, or a line of it, is larger than a spec's can be.",
	"too_many":            "More windows than a feature can have, or more faults than are told.",
	"not_utf8":            "The file has bytes that are not UTF-8.",
	"too_deep":            "Brackets or lists nest deeper than any spec needs.",
	"empty_file":          "The file has no content.",
	"more_documents":      "The file has more than one YAML document.",
	"yaml_syntax":         "A part of the file is not YAML. The rest has been checked.",
	"yaml_anchor":         "An anchor (&name): a spec says things where they are used.",
	"yaml_alias":          "An alias (*name): a spec says things where they are used.",
	"yaml_merge":          "A merge key (<<): a spec says things where they are used.",
	"yaml_tag":            "A tag (!!str): each key says which type it takes.",
	"yaml_directive":      "A directive (%YAML).",
	"yaml_surprise":       "Text that other readers of YAML take for something else: no, on, 1:30, 010.",
	"bad_key":             "A key that is not one plain word.",
	"duplicate_key":       "A key that its mapping has already.",
	"unknown_key":         "A key that is not declared there.",
	"missing_key":         "A required key is missing.",
	"empty_value":         "A key without a value.",
	"wrong_type":          "A value of another type than its key takes.",
	"unknown_value":       "A value that is not one of those listed.",
	"out_of_bounds":       "A number below or above its bounds.",
	"misplaced_key":       "A key that does not go with the type of the field.",
	"bad_version":         "A version of the language that this program does not read.",
	"bad_name":            "A name with characters that names do not have.",
	"reserved_name":       "A name that is a word of expressions.",
	"shadows_event":       "A feature with the name of an event.",
	"bad_duration":        "Text that is no duration, or one of no length.",
	"bad_zone":            "Text that is no time zone.",
	"bad_reference":       "Text that cannot refer to what its key takes.",
	"unknown_entity":      "An entity that is not declared.",
	"unknown_event":       "An event that is not declared.",
	"unknown_field":       "A field that its event does not have.",
	"unknown_feature":     "A feature that is not declared.",
	"unknown_kind":        "A kind of feature that does not exist.",
	"unknown_model":       "A kind of model that does not exist.",
	"no_kind":             "A feature that does not say what it is.",
	"two_kinds":           "A feature of two kinds.",
	"duplicate_item":      "An item that its list has already.",
	"missing_scale":       "A decimal field without a scale.",
	"bad_bound":           "A min or max that is no value of its field.",
	"min_above_max":       "A least value above the greatest.",
	"bad_default":         "A default that is no value of its field.",
	"optional_default":    "A field that is optional and has a default.",
	"bad_id":              "An id that is neither a string nor an int.",
	"optional_id":         "An id that an event may lack.",
	"bad_time":            "A time that is not a timestamp.",
	"optional_time":       "A time that an event may lack.",
	"wrong_field_type":    "A field of a type that the kind of feature does not take.",
	"duplicate_window":    "A window listed twice.",
	"window_needed":       "All time, for a kind that makes no sense over it.",
	"not_an_entity":       "A field that holds no entity, where one is needed.",
	"wrong_event":         "A field of another event than the one meant.",
	"entity_not_in_event": "An entity that the event has no field for.",
	"ambiguous_entity":    "An entity that the counted event has several fields for.",
	"ambiguous_key":       "An entity that the event decided on has several fields for.",
	"duplicate_feature":   "Two features of one name, once windows are spelt out.",
	"feature_cycle":       "A feature that reads itself, perhaps by way of others.",
	"bad_ratio":           "A ratio of other than two features.",
	"ratio_windows":       "A ratio of features with different windows.",
	"not_a_number":        "A feature that is neither a number nor a bool.",
	"not_a_condition":     "A condition that is not a bool.",
	"empty_pattern":       "A pattern that matches no feature.",
	"no_label":            "A model or an evaluation without a label.",
	"no_model":            "An expression that reads a score, without a model.",
	"label_not_bool":      "An outcome that is not a bool.",
	"label_of_decision":   "An outcome that comes from the event decided on.",
	"match_type":          "A label matched by a field of another type than the id.",
	"unknown_action":      "An action that no rule gives.",
	"unreachable_rule":    "A rule after one that always fires.",
	"policy_without_end":  "A policy whose last rule has a condition.",
	"expression_scope":    "A scope of expressions that cannot be made.",
}

// expressionCodes are those of package expr.
var expressionCodes = map[string]string{
	"expression_syntax":           "An expression that cannot be parsed.",
	"expression_unknown_name":     "A name in an expression that is no field, feature or other value there.",
	"expression_unknown_function": "A function that expressions do not have.",
	"expression_type":             "A value in an expression of another type than its place takes.",
	"expression_too_costly":       "An expression whose cost is above the limit.",
}

// Codes gives every code of a diagnostic, with its meaning.
func Codes() map[string]string {
	out := maps.Clone(codes)
	maps.Copy(out, expressionCodes)
	return out
}
