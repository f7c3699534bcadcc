package perspective

// message declares one message of the API. What a request may say, and the
// discovery document, both follow from it.
type message struct {
	name, doc string
	fields    []field
}

// field declares one field of a message: of one of these types, or of the message
// of.
type field struct {
	name, doc string
	kind      kind
	of        string
	enum      []value
	// many is a list of such; keyed a map to such from names.
	many, keyed bool
}

type kind uint8

const (
	text kind = iota
	boolean
	number
	integer
	choice
	object
)

// value is one of an enumeration, whose numbers are in order from 0.
type value struct{ name, doc string }

var scoreTypes = []value{
	{"SCORE_TYPE_UNSPECIFIED", "The same as PROBABILITY."},
	{probability, "How likely the attribute applies, from 0 to 1."},
	{"STD_DEV_SCORE", "Not served."}, {"PERCENTILE", "Not served."}, {"RAW", "Not served."},
}

var textTypes = []value{{"TEXT_TYPE_UNSPECIFIED", "The same as PLAIN_TEXT."}, {"PLAIN_TEXT", "Plain text."}, {"HTML", "Not served."}}

const (
	tokenDoc     = "Echoed in the response. It also names the comment: a request with the same token, text, session and community is the same comment again."
	languagesDoc = "The languages of the comment, as codes of BCP 47. Where none is given, it is told from the text: by its letters, and among languages that share them by its function words."
	sessionDoc   = "Whose comment it is: requests with one session are put together."
	communityDoc = "Where the comment was made."
)

// messages are all of the API's, in the order of their names.
var messages = []message{
	{"AnalyzeCommentRequest", "A comment to score.", []field{
		{name: "clientToken", doc: tokenDoc},
		{name: "comment", doc: "The comment.", kind: object, of: "TextEntry"},
		{name: "communityId", doc: communityDoc},
		{name: "context", doc: "What the comment answers to. It is checked, and not used: a comment is scored by itself, and by what the system knows of its session and its community.", kind: object, of: "Context"},
		{name: "doNotStore", doc: "Score the comment from what is known, and record nothing.", kind: boolean},
		{name: "dropUnsupportedAttributes", doc: "Leave out attributes that do not know the language, in place of an error.", kind: boolean},
		{name: "languages", doc: languagesDoc, many: true},
		{name: "requestedAttributes", doc: "The attributes asked for, by name.", kind: object, of: "AttributeParameters", keyed: true},
		{name: "sessionId", doc: sessionDoc},
		{name: "spanAnnotations", doc: "Score each sentence as well.", kind: boolean},
	}},
	{"AnalyzeCommentResponse", "The scores of a comment.", []field{
		{name: "attributeScores", doc: "The scores by the names of attributes; of those at or above their thresholds.", kind: object, of: "AttributeScores", keyed: true},
		{name: "clientToken", doc: "That of the request."},
		{name: "detectedLanguages", doc: "The language that the comment was taken to be in, where the request names none.", many: true},
		{name: "languages", doc: "The languages of the request, or that one.", many: true},
	}},
	{"ArticleAndParentComment", "What a comment on an article answers to.", []field{
		{name: "article", doc: "The article.", kind: object, of: "TextEntry"},
		{name: "parentComment", doc: "The comment that this one answers.", kind: object, of: "TextEntry"},
	}},
	{"AttributeParameters", "How an attribute is asked for.", []field{
		{name: "scoreThreshold", doc: "Scores below it are not returned.", kind: number},
		{name: "scoreType", doc: "What sort of score is asked for.", kind: choice, enum: scoreTypes},
	}},
	{"AttributeScores", "The scores of one attribute.", []field{
		{name: "spanScores", doc: "Those of parts of the comment.", kind: object, of: "SpanScore", many: true},
		{name: "summaryScore", doc: "That of the whole comment.", kind: object, of: "Score"},
	}},
	{"Context", "What a comment answers to: one of the two.", []field{
		{name: "articleAndParentComment", doc: "An article, and a comment on it.", kind: object, of: "ArticleAndParentComment"},
		{name: "entries", doc: "Messages, as of a thread.", kind: object, of: "TextEntry", many: true},
	}},
	{"Score", "A score.", []field{
		{name: "type", doc: "What sort of score it is.", kind: choice, enum: scoreTypes},
		{name: "value", doc: "The score.", kind: number},
	}},
	{"SpanScore", "The score of a part of a text.", []field{
		{name: "begin", doc: "Where the part begins, in UTF-16 code units from 0.", kind: integer},
		{name: "end", doc: "Where it ends, exclusive.", kind: integer},
		{name: "score", doc: "The score.", kind: object, of: "Score"},
	}},
	{"SuggestCommentScoreRequest", "Scores that a comment should have had.", []field{
		{name: "attributeScores", doc: "The scores by the names of attributes.", kind: object, of: "AttributeScores", keyed: true},
		{name: "clientToken", doc: tokenDoc},
		{name: "comment", doc: "The comment.", kind: object, of: "TextEntry"},
		{name: "communityId", doc: communityDoc},
		{name: "context", doc: "What the comment answers to. It is checked, and not used: a comment is scored by itself, and by what the system knows of its session and its community.", kind: object, of: "Context"},
		{name: "languages", doc: languagesDoc, many: true},
		{name: "sessionId", doc: sessionDoc},
	}},
	{"SuggestCommentScoreResponse", "An acknowledgement.", []field{
		{name: "clientToken", doc: "That of the request."},
		{name: "requestedLanguages", doc: "The languages of the request.", many: true},
	}},
	{"TextEntry", "A text.", []field{
		{name: "text", doc: "The text, in UTF-8."},
		{name: "type", doc: "What sort of text it is.", kind: choice, enum: textTypes},
	}},
}

func messageOf(name string) *message {
	for i := range messages {
		if messages[i].name == name {
			return &messages[i]
		}
	}
	return nil
}

// field gives the field of a name as JSON has it, in camelCase or as it is
// declared.
func (m *message) field(name string) *field {
	for i := range m.fields {
		if f := &m.fields[i]; f.name == name || snake(f.name) == name {
			return f
		}
	}
	return nil
}

// snake gives a name as a message declares it: do_not_store.
func snake(name string) string {
	var b []byte
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			b = append(b, '_', c-'A'+'a')
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}
