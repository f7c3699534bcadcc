package spec

import (
	"slices"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/text"
)

// Registry lists the components that a spec can name.
type Registry struct {
	// Features are the kinds of windowed aggregate: count, mean.
	Features []declare.Kind
	// Models are the kinds of model: gbdt, logistic.
	Models []declare.Kind
}

// Version is the version of the language, the value of the key orrery.
const Version = 1

// Declaration declares the whole file, and is what it is checked against. The
// JSON Schema and the reference pages are made from it too.
func Declaration(reg *Registry) declare.Field {
	return declare.Field{Name: "system.yaml", Type: declare.Mapping, Required: true,
		Doc: "One system: what it is told, what it works out from that, and how it decides.",
		Fields: slices.Concat([]declare.Field{
			{Name: "orrery", Type: declare.Int, Required: true, Example: "1",
				Doc: "The version of this language, always 1."},
			{Name: "system", Type: declare.Name, Required: true, Example: "fraud",
				Doc: "The system's name, part of its address in the API."},
			{Name: "about", Type: declare.Text, Example: "Approve, review or block card transactions as they happen.",
				Doc: "What the system is for, in a sentence."},
			{Name: "timezone", Type: declare.Zone, Default: "UTC", Example: "Europe/Paris",
				Doc: "The zone in which expressions read days and hours. Windows do not depend on it: a day of a window is 24 hours."},
			{Name: "entities", Type: declare.Name, List: true, Example: "[customer, terminal]",
				Doc: "The things that events are about and that features are kept for."},
			eventsField(),
			{Name: "decide_on", Type: declare.EventRef, Required: true, Example: "transaction",
				Doc: "The event that is answered with a decision."},
			{Name: "dedupe", Type: declare.Mapping, Doc: "How repeats of an event are told from new ones.",
				Fields: []declare.Field{
					{Name: "within", Type: declare.Duration, Default: "30d", Above: declare.Bound(0),
						Doc: "How long the id of an event is remembered. Within it a repeat gets the recorded answer; an event that happened longer ago, before the latest event, is refused as too old, be it a repeat or not."},
				}},
			logField(),
			{Name: "state", Type: declare.Mapping, Doc: "How the state behind features is kept.",
				Fields: []declare.Field{
					{Name: "exact_events", Type: declare.Int, Default: "1024", Min: declare.Bound(128), Max: declare.Bound(1 << 20),
						Doc: "How many of the newest events of one entity are told apart; older ones are added up in tiles. " +
							"A window that begins within those events is answered exactly. Of one that begins or ends before them, " +
							"that bound is moved back to the end of a tile, by less than a tile's width. " +
							"That is the largest of 1d, 1h, 5m, 15s, 1s and the powers of ten below it that goes at least twelve times into the window, " +
							"so such a window is longer by less than a twelfth; where a `lag` is more than a thousand times as long, it is the next that goes at most 1,024 times into both. " +
							"Over all time it is that of a window of `lag` and `dedupe.within` together. " +
							"An entity's events cost no more, however many there are. More exact events take more memory, and more time for each event of an entity that has so many."},
				}},
			listsField(),
			textField(),
			{Name: "durability", Type: declare.Text, Enum: []string{"sync", "async"}, Default: "sync",
				Doc: "When a reply may leave: with `sync` when its event and decision are on disk; with `async` when they are on their way there. " +
					"A crash, of the machine or of the process, may then lose the newest replies: those of the two batches on their way to the disk at that moment, " +
					"on a disk whose sync takes 2 ms what was answered in the last 4 ms. Their order never changes, and a clean stop loses none."},
			featuresField(reg),
			labelField(),
		}, modelField(reg), []declare.Field{policyField(), exploreField(), answerField(), emitField(), reviewField(), evaluateField(), perspectiveField()})}
}

func logField() declare.Field {
	return declare.Field{Name: "log", Type: declare.Mapping, Doc: "How much of the log is kept; all of it where this is left out. " +
		"What is cut off is summed up in the state that the rest is applied to, so features and verification stay exact. " +
		"A decision that is cut off can no longer be explained, and a new feature begins with what the log keeps.",
		Fields: []declare.Field{
			{Name: "keep", Type: declare.Duration, Above: declare.Bound(0), Example: "400d",
				Doc: "How long records are kept, counted back from the newest event's arrival. Windows, `dedupe.within` and what training needs must fit in it."},
			{Name: "keep_bytes", Type: declare.Bytes, Above: declare.Bound(0), Example: "200GB",
				Doc: "About how much space the records may take on disk, compressed; the oldest go first. What repeats are recognised by, `dedupe.within`, stays even so."},
		}}
}

func textField() declare.Field {
	of := declare.Field{Type: declare.FieldRef, Example: "message.text",
		Doc: "The string of the event decided on that is read as text: by a model of a kind that reads one, and where a rule masks a part of it."}
	named := of
	named.Name, named.Required = "of", true
	return declare.Field{Name: "text", Doc: "What is read as text: a field, or a mapping with more to say.", OneOf: []declare.Field{of,
		{Type: declare.Mapping, Doc: "A text with words about it.", Fields: []declare.Field{named,
			{Name: "languages", Type: declare.Text, List: true, Enum: text.Languages(), Example: "[en]",
				Doc: "The languages that the model knows. A text that is plainly in none of them, by its letters or its function words, gets no score, and the decision says `fallback: language`; one that is too short to tell gets one. Any language where this is left out."},
			about("the text is")}}}}
}

func about(what string) declare.Field {
	return declare.Field{Name: "about", Type: declare.Text, Doc: "What " + what + ", for people."}
}

func unit(of string) declare.Field {
	return declare.Field{Name: "unit", Type: declare.Text, Example: "USD", Doc: "The unit of " + of + ", for people."}
}

func eventsField() declare.Field {
	return declare.Field{Name: "events", Type: declare.Mapping, Required: true,
		Doc: "The types of event that the system is told of.",
		Each: &declare.Field{Type: declare.Mapping, Doc: "One type of event.",
			Fields: []declare.Field{
				{Name: "id", Type: declare.FieldRef, Required: true, Example: "transaction_id",
					Doc: "The field that identifies an event of this type: a string or an int. A second event with the same id is a repeat."},
				{Name: "time", Type: declare.FieldRef, Required: true, Example: "at",
					Doc: "The timestamp field that says when the event happened."},
				{Name: "corrects", Type: declare.EventRef, Example: "transaction",
					Doc: "The event that this one corrects. It names it by a field with the name of that event's id field, and its other fields of that event's names take the place of their values, where it has one. From then on features count the corrected event so; decisions made before stay as they were. One that names an event that is not known before it is refused."},
				{Name: "withdraws", Type: declare.FieldRef, Example: "void",
					Doc: "For an event that corrects another: the bool field by which that event does not count at all (true), or counts again (false)."},
				{Name: "fields", Type: declare.Mapping, Required: true, Doc: "What an event of this type says.",
					Each: &declare.Field{Doc: "One field of the event: its type, or a mapping with more to say.", OneOf: []declare.Field{
						{Type: declare.Text, Enum: orrery.FieldTypes(), Example: "timestamp",
							Doc: "A field of this type. An `entity` field written so holds the key of the entity of its own name."},
						fieldMapping(),
					}}},
				{Name: "subject", Type: declare.FieldRef, Example: "customer",
					Doc: "Whose the event's personal fields are: one of its entity fields. They, and the decision on the event, are kept under a key of that subject, which `orrery forget` destroys."},
				about("the event means"),
			}}}
}

func fieldMapping() declare.Field {
	return declare.Field{Type: declare.Mapping, Example: "{type: decimal, scale: 2, unit: USD, min: 0}",
		Doc: "A field with more to say than its type.",
		Fields: []declare.Field{
			{Name: "type", Type: declare.Text, Required: true, Enum: orrery.FieldTypes(), Doc: "The field's type. A timestamp is text with a day, a time and a zone, as in 2018-04-01T09:30:00Z or 2018-04-01 11:30:00+02."},
			{Name: "entity", Type: declare.EntityRef, Example: "member",
				Doc: "Of an `entity` field, the entity whose key it holds: the one of the field's own name where this is left out."},
			{Name: "scale", Type: declare.Int, Min: declare.Bound(0), Max: declare.Bound(orrery.MaxScale), Example: "2",
				Doc: "Of a `decimal` field, and required there, the number of digits after the point. An amount with more is refused."},
			{Name: "min", Type: declare.Any, Example: "0", Doc: "The least value of a numeric field; an event below is refused."},
			{Name: "max", Type: declare.Any, Example: "1000000", Doc: "The greatest value of a numeric field; an event above is refused."},
			{Name: "optional", Type: declare.Bool, Default: "false", Doc: "Whether an event without the field is valid."},
			{Name: "default", Type: declare.Any, Example: "web",
				Doc: "The value of an event without the field; a `string`, `bool` or numeric field can have one. A field that is added while there is data needs one, or is optional: what was recorded before has this value."},
			{Name: "personal", Type: declare.Bool, Default: "false",
				Doc: "Whether the field is about a person. Its value is kept encrypted under the key of the event's `subject`, and shown to nobody who does not ask for it by right. Expressions on the event can read it; nothing that is kept can. Of an `entity` field, a random pseudonym stands for the key wherever it is kept, and all fields of that entity are personal. The id and the time cannot be."},
			unit("the field"), about("the field means"),
		}}
}

func listsField() declare.Field {
	of := declare.Field{Type: declare.EntityRef, Example: "customer",
		Doc: "What is on the list: the keys of an entity, or the values of a string field of the event decided on, as in `transaction.country`."}
	named := of
	named.Name, named.Required = "of", true
	match := declare.Field{Name: "match", Type: declare.Text, Enum: []string{"keys", matchTerms}, Default: "keys",
		Doc: "What an entry of the list is. `keys`: a value that the field has. `terms`: a word, a phrase or, between slashes, a regular expression (RE2) that is looked for in the text of a string field, " +
			"in its normal form and between the bounds of words; the field is then on the list where a term occurs in it. A term that is put on the list to allow something cancels those that it overlaps. " +
			"`message.text.count(lists.slurs)` is how many occur."}
	categories := declare.Field{Name: "categories", Type: declare.Name, List: true, Example: "[slur, profanity]",
		Doc: "Of a list of terms, what a term can be: `message.text in lists.words.slur` asks for the terms of one category."}
	value := declare.Field{Name: "value", Type: declare.Mapping, Example: "{default: 0.8, min: 0, max: 1}",
		Doc: "A number that goes with each entry of the list, such as a threshold for each channel: `message.channel.value(lists.strictness)`. Of a list of terms it is the greatest of those that occur, such as how bad they are: `message.text.value(lists.slurs)`.",
		Fields: []declare.Field{
			{Name: "default", Type: declare.Number, Required: true, Example: "0.8", Doc: "The number of what is not on the list."},
			{Name: "min", Type: declare.Number, Example: "0", Doc: "The least number that an entry can have."},
			{Name: "max", Type: declare.Number, Example: "1", Doc: "The greatest number that an entry can have."},
		}}
	return declare.Field{Name: "lists", Type: declare.Mapping,
		Doc: "Lists that are changed while the system runs, at once and without a new release: `orrery list`. Conditions and features ask them: `transaction.customer in lists.blocked`.",
		Each: &declare.Field{Doc: "One list: what is on it, or a mapping with more to say.", OneOf: []declare.Field{of,
			{Type: declare.Mapping, Doc: "A list with more to say.", Fields: []declare.Field{named, match, categories, value, about("it means to be on the list")}}}}}
}

func featuresField(reg *Registry) declare.Field {
	shapes := []declare.Field{
		{Type: declare.Expression, Doc: "A feature computed from the event's fields and from other features. A text, such as `transaction.merchant_type`, is a category to the model; expressions cannot read it.",
			Example: "transaction.at.getHours() <= 6"},
		{Type: declare.Mapping, Doc: "An expression with words about it.",
			Fields: []declare.Field{
				{Name: "value", Type: declare.Expression, Required: true, Example: "transaction.at.getHours() <= 6",
					Doc: "The expression: a number, a bool, which counts as 0 or 1, or a text, which the model takes as a category."},
				unit("the feature"), about("the feature means"),
			}},
		{Type: declare.Mapping, Doc: "One feature divided by another, window by window.",
			Fields: []declare.Field{
				{Name: "ratio", Type: declare.FeatureRef, List: true, Required: true, Example: "[terminal_frauds, terminal_count]",
					Doc: "The numerator and the denominator. Two features over several windows must have the same windows; a feature with one value goes with every window of the other."},
				{Name: "empty", Type: declare.Number, Example: "0",
					Doc: "The value where the denominator is 0: missing where this is left out."},
				unit("the feature"), about("the feature means"),
			}},
	}
	for i := range reg.Features {
		shapes = append(shapes, aggregateField(&reg.Features[i]))
	}
	return declare.Field{Name: "features", Type: declare.Mapping,
		Doc:  "The numbers worked out from the event decided on and from what happened before it.",
		Each: &declare.Field{Doc: "One feature: an expression, a ratio or an aggregate.", OneOf: shapes}}
}

func aggregateField(kind *declare.Kind) declare.Field {
	operand := declare.Field{Type: declare.EventRef}
	if kind.Operand != nil {
		operand = *kind.Operand
	}
	operand.Name, operand.Required = kind.Name, true
	current := "true"
	if kind.WithoutCurrent {
		current = "false"
	}
	var window []declare.Field
	if !kind.WithoutWindow {
		window = []declare.Field{{Name: "window", Type: declare.Duration, List: true, Required: true, Words: []string{ever}, Above: declare.Bound(0), Example: "[1d, 7d, 30d]",
			Doc: "How far back events count, half-open on the left: (t − window, t]. A list makes one scalar for each, with the window as its suffix: customer_count_7d. `ever` is all time."}}
	}
	return declare.Field{Type: declare.Mapping, Doc: kind.Doc,
		Fields: slices.Concat([]declare.Field{operand,
			{Name: "by", Type: declare.EntityRef, Required: true, Example: "customer",
				Doc: "The entity whose events count. Where the counted event has two fields of one entity, the field: transaction.payee."},
		}, window, []declare.Field{
			{Name: "lag", Type: declare.Duration, Above: declare.Bound(0), Example: "7d",
				Doc: "How much earlier than the asking event the window ends."},
			{Name: "where", Type: declare.Expression, Example: "transaction.amount > 100",
				Doc: "Which events count: a condition on the counted event's own fields."},
			{Name: "current", Type: declare.Bool, Default: current,
				Doc: "Whether the asking event itself counts."},
			unit("the feature"), about("the feature means"),
		}, kind.Fields)}
}

func labelField() declare.Field {
	return declare.Field{Name: "label", Type: declare.Mapping, Doc: "What the outcome of a decision was, and when that is known. An outcome counts from when it was received, whenever that is: one that comes after the label has matured takes the place of silence from then on, one that comes before the event it names waits for it, and of several that contradict each other the one received last counts.",
		Fields: []declare.Field{
			{Name: "from", Type: declare.FieldRef, Required: true, Example: "fraud_report.fraud",
				Doc: "The field of another event that says the outcome: a bool, or a string with `classes`."},
			{Name: "classes", Type: declare.Name, List: true, Example: "[hate, offensive, neither]",
				Doc: "The values of a string field, one of which is right, for a model of several classes. The model gives each a score, which expressions read as `scores.hate`; `score` is the greatest. An outcome of any other value is left out, and counted."},
			{Name: "several", Type: declare.Bool, Default: "false",
				Doc: "Whether any number of the classes can be right at once. An outcome then names those that are, with | between them, `toxic|threat`, or says `none`. Each score is a probability of its own, `chosen.threat` says whether the model chooses a class, and there is no `class`."},
			{Name: "match", Type: declare.FieldRef, Required: true, Example: "transaction_id",
				Doc: "The field of that event that holds the id of the event decided on. An outcome that names no event received so far is kept, counted as an orphan, and counts once that event comes."},
			{Name: "matures_after", Type: declare.Duration, Required: true, Example: "7d",
				Doc: "How long after the time of the event decided on an outcome may come before its absence means something. It is inclusive: an outcome received at exactly that instant is waited for, and silence is known only once the instant has passed."},
			{Name: "absent", Type: declare.Any, Example: "false",
				Doc: "What it means that no outcome came in that time, where one could have come: `true` or `false`, the default, or one of `classes`, or with `several` an outcome such as `none`. With `classes` and without this, silence means nothing, and only what had an outcome is a row."},
			{Name: "unknown_when", Type: declare.Expression, Example: `action == "block"`,
				Doc: "When the outcome can never be learned, so that silence means nothing. It reads `action`, `score`, the features and the event decided on. An outcome that comes all the same counts, unless `explore` lets others through in its place."},
		}}
}

// modelField has one shape for each kind of model; there is no such field where
// there are no kinds.
func modelField(reg *Registry) []declare.Field {
	var shapes []declare.Field
	for i := range reg.Models {
		kind := &reg.Models[i]
		inputs := "The model's inputs, in order."
		if kind.ReadsText {
			inputs = "The model's inputs beside `text`, in order; it reads the text alone where this is left out."
		}
		if kind.Heads {
			inputs = "The inputs of the head beside `text`, in order; it takes what the network gives alone where this is left out."
		}
		shapes = append(shapes, declare.Field{Type: declare.Mapping, Doc: kind.Doc,
			Fields: slices.Concat([]declare.Field{kindField(kind)}, kind.Keys, []declare.Field{
				{Name: "features", Type: declare.FeatureRef, List: true, Required: !kind.ReadsText, Example: "[amount, customer_*]",
					Doc: inputs + " A pattern with * stands for every feature that it matches, in the order in which they are declared."},
			}, paramsField(kind), headField(reg, kind), monotoneField(kind), []declare.Field{trainField(!kind.Heads)})})
	}
	if shapes == nil {
		return nil
	}
	return []declare.Field{{Name: "model", Doc: "The model that gives the score, and what it is fitted on.", OneOf: shapes}}
}

func kindField(kind *declare.Kind) declare.Field {
	return declare.Field{Name: "kind", Type: declare.Text, Required: true, Enum: []string{kind.Name}, Doc: kind.Doc}
}

// paramsField is there for kinds that have parameters, or could: those without a
// head of their own.
func paramsField(kind *declare.Kind) []declare.Field {
	if kind.Heads {
		return nil
	}
	return []declare.Field{{Name: "params", Type: declare.Mapping, Doc: "The model's parameters.", Fields: kind.Fields}}
}

// headField is there for kinds that can have a head. It has one shape for each kind
// that can be one.
func headField(reg *Registry, of *declare.Kind) []declare.Field {
	var shapes []declare.Field
	for i := range reg.Models {
		kind := &reg.Models[i]
		if !of.Heads || !kind.Head {
			continue
		}
		fields := slices.DeleteFunc(slices.Clone(kind.Fields), func(f declare.Field) bool { return f.Alone })
		shapes = append(shapes, declare.Field{Type: declare.Mapping, Doc: kind.Doc, Example: "{kind: " + kind.Name + "}",
			Fields: []declare.Field{kindField(kind), {Name: "params", Type: declare.Mapping, Doc: "The head's parameters.", Fields: fields}}})
	}
	if shapes == nil {
		return nil
	}
	return []declare.Field{{Name: "head", OneOf: shapes,
		Doc: "A model that is trained here, on the numbers that the network gives for the text and on `features` beside them. The network stays as it is. Without a head the network is the whole model, and `train` has nothing to fit."}}
}

// monotoneField is there for kinds that keep constraints.
func monotoneField(kind *declare.Kind) []declare.Field {
	if !kind.Monotone {
		return nil
	}
	list := func(name, doc string) declare.Field {
		return declare.Field{Name: name, Type: declare.FeatureRef, List: true, Example: "[terminal_risk_*]", Doc: doc}
	}
	return []declare.Field{{Name: "monotone", Type: declare.Mapping,
		Doc: "What is known beforehand of how features move the score, all else equal. The model keeps to it strictly, whatever the rows say; a missing value is not bound. " +
			"It is worth it where a reversal would be absurd, or could be used against the system. For a label of true and false.",
		Fields: []declare.Field{
			list("increasing", "Inputs of the model, or patterns: where one rises, the score does not fall."),
			list("decreasing", "Inputs of the model, or patterns: where one rises, the score does not rise."),
		}}}
}

func trainField(required bool) declare.Field {
	return declare.Field{Name: "train", Type: declare.Mapping, Required: required, Doc: "What the model is fitted on.",
		Fields: []declare.Field{
			{Name: "range", Type: declare.Duration, Required: true, Above: declare.Bound(0), Example: "7d",
				Doc: "The span of events that are rows, up to the newest whose label is known."},
			{Name: "calibrate", Type: declare.Bool, Default: "false",
				Doc: "Whether scores are made to be probabilities that hold, on the newest fifth of the rows: by beta calibration, or by isotonic regression where there are 1,000 positives and it does better on rows held out. The order of scores stays. " +
					"Of several classes each is calibrated against the rest, and their scores are made to sum to 1. It helps a forest most, undoes what class_weight does to the scores, and takes nearly twice the time."},
			{Name: "class_weight", Doc: "How much the rows of each class count. Scores are then no probabilities, unless they are calibrated.", OneOf: []declare.Field{
				{Type: declare.Text, Enum: []string{"balanced"}, Doc: "Each class counts as much as any other, however few its rows."},
				{Type: declare.Mapping, Example: "{positive: 10}", Doc: "The weight of the rows of a class, `positive` and `negative` for a label of true and false; 1 for a class left out.",
					Each: &declare.Field{Type: declare.Number, Above: declare.Bound(0), Max: declare.Bound(1e6), Example: "10", Doc: "The weight of a row of the class."}},
			}},
		}}
}

func policyField() declare.Field {
	return declare.Field{Name: "policy", Type: declare.Mapping, List: true, Required: true,
		Doc: "The rules that turn a score and features into an action. They are tried in order and the first that holds fires; the last has no condition.",
		Fields: []declare.Field{
			{Name: "action", Type: declare.Name, Required: true, Example: "block", Doc: "The answer that the rule gives."},
			{Name: "when", Type: declare.Expression, Example: "score >= 0.9",
				Doc: "The condition. It reads `score`, the features and the event decided on; with the label's `classes` also `scores.CLASS`, and `class`, the class that the model chooses, or with `several` `chosen.CLASS`, whether it chooses each. It does not hold where it reads a missing value."},
			{Name: "costs", Type: declare.Mapping,
				Doc: "What it costs to be wrong, in place of a condition. The rule then fires where acting is expected to cost less than not acting: where the score is above false_alarm / (missed + false_alarm), worked out for each event. That is the least expected cost if scores are probabilities that hold: see `model.train.calibrate`.",
				Fields: []declare.Field{
					{Name: "missed", Type: declare.Expression, Required: true, Example: "transaction.amount", Doc: "The cost of not acting on a positive: a number, or an expression over the features and the event decided on."},
					{Name: "false_alarm", Type: declare.Expression, Required: true, Example: "5", Doc: "The cost of acting on a negative, in the same unit."},
					unit("both costs"),
				}},
			{Name: "with", Type: declare.Mapping, Example: "{minutes: 10 * strikes_7d}",
				Doc:  "Numbers that go with the action, for whoever carries it out: how long a time-out lasts. They are recorded with the decision.",
				Each: &declare.Field{Type: declare.Expression, Example: "10 * strikes_7d", Doc: "A number, or an expression for one, which reads what a condition does. It is left out of the answer where it is missing."}},
			{Name: "mask", Type: declare.Text, List: true, Example: "[model, lists.banned]",
				Doc: "What of the text is to be masked. `model` is what speaks most for the class that the model chooses; `lists.NAME`, or `lists.NAME.CATEGORY`, what the terms of a list find. The answer says where it stands, and has the text with it masked."},
		}}
}

func answerField() declare.Field {
	return declare.Field{Name: "answer", Type: declare.Mapping,
		Doc: "How decisions are answered: within what time, by what where the rules cannot, and with what reasons.",
		Fields: []declare.Field{
			{Name: "deadline", Type: declare.Duration, Above: declare.Bound(0), Example: "50ms",
				Doc: "How long after a request has come its score is waited for. Past it the decision is made without the score and its record says `fallback: deadline`. Recording is not cut short: an answer is always on disk."},
			{Name: "fallback", Type: declare.Name, Example: "review",
				Doc: "The action that answers, in place of the last rule, where there should be a score and there is none, and whenever the system is paused. Rules that need no score are tried first, except in a pause. The last rule's action where this is left out."},
			{Name: "reasons", Type: declare.Mapping, Doc: "Which decisions record their reasons, the inputs that moved the score most. Those of any other are worked out when it is looked at.",
				Fields: []declare.Field{
					{Name: "for", Type: declare.Name, List: true, Required: true, Example: "[block, review]", Doc: "The actions that have reasons in their answer and record."},
					{Name: "top", Type: declare.Int, Default: "5", Min: declare.Bound(1), Max: declare.Bound(100), Doc: "How many reasons at most."},
				}},
		}}
}

func evaluateField() declare.Field {
	return declare.Field{Name: "evaluate", Type: declare.Mapping, Doc: "How a model is measured, beside the metrics that every model has.",
		Fields: []declare.Field{
			{Name: "leave_out_known", Type: declare.EntityRef, Example: "customer",
				Doc: "Leaves out of a test the events of an entity with a positive outcome that was known before that day: nobody needs a model for those."},
			{Name: "precision_at", Type: declare.Int, Min: declare.Bound(1), Max: declare.Bound(1e6), Example: "100",
				Doc: "Measures, for each day, the share of positives among this many entities with the highest scores. Needs `by`."},
			{Name: "by", Type: declare.EntityRef, Example: "customer",
				Doc: "The entity that precision_at ranks."},
		}}
}
