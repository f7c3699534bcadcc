// Package perspective has the shapes of the Perspective API, version v1alpha1, as
// its clients know them: requests, responses, errors and the discovery document.
// It knows nothing of systems and scores nothing.
//
// Requests follow the JSON mapping of Protocol Buffers: names in camelCase or as
// the messages declare them (do_not_store), null for what is not there, numbers
// also as text. Places in a text are counted in UTF-16 code units, from 0, ends
// exclusive.
package perspective

import (
	"bytes"
	"encoding/json"
	"strings"
)

// MaxText bounds the text of a comment, in bytes.
const MaxText = 20480

// Prefix is that of the paths of the API's methods, Discovery the path of its
// description.
const (
	Prefix    = "/v1alpha1/"
	Discovery = "/$discovery/rest"
)

// AnalyzeRequest asks for the scores of a comment.
type AnalyzeRequest struct {
	Comment TextEntry `json:"comment"`
	// Context is checked, and not used: a comment is scored by itself, and by what
	// the system knows of its session and its community.
	Context   *Context `json:"context,omitempty"`
	Languages []string `json:"languages"`
	// Requested has the attributes asked for, by name.
	Requested map[string]Parameters `json:"requestedAttributes"`
	// DoNotStore asks that nothing of the request is kept.
	DoNotStore      bool `json:"doNotStore"`
	SpanAnnotations bool `json:"spanAnnotations"`
	// DropUnsupported leaves attributes out that do not know the language, in place
	// of an error.
	DropUnsupported bool   `json:"dropUnsupportedAttributes"`
	ClientToken     string `json:"clientToken"`
	SessionID       string `json:"sessionId"`
	CommunityID     string `json:"communityId"`
}

// TextEntry is a text. Type is empty, PLAIN_TEXT or HTML.
type TextEntry struct {
	Text string `json:"text"`
	Type string `json:"type,omitempty"`
}

// Context is what a comment answers to: one of the two.
type Context struct {
	Entries                 []TextEntry     `json:"entries"`
	ArticleAndParentComment json.RawMessage `json:"articleAndParentComment"`
}

// Parameters say how an attribute is asked for.
type Parameters struct {
	ScoreType string `json:"scoreType,omitempty"`
	// ScoreThreshold is the score below which none is returned, nil for none.
	ScoreThreshold *float64 `json:"scoreThreshold,omitempty"`
}

// AnalyzeResponse has the scores of a comment.
type AnalyzeResponse struct {
	AttributeScores   map[string]AttributeScores `json:"attributeScores,omitempty"`
	Languages         []string                   `json:"languages,omitempty"`
	DetectedLanguages []string                   `json:"detectedLanguages,omitempty"`
	ClientToken       string                     `json:"clientToken,omitempty"`
}

// AttributeScores are those of one attribute, of the comment's parts and of all of
// it.
type AttributeScores struct {
	SpanScores   []SpanScore `json:"spanScores,omitempty"`
	SummaryScore *Score      `json:"summaryScore,omitempty"`
}

// SpanScore is the score of a part of a text. Begin and End are nil for all of it.
type SpanScore struct {
	Begin *int   `json:"begin,omitempty"`
	End   *int   `json:"end,omitempty"`
	Score *Score `json:"score,omitempty"`
}

// Score is a value of a type. Value is nil where a request leaves it out.
type Score struct {
	Value *float64 `json:"value,omitempty"`
	Type  string   `json:"type,omitempty"`
}

// Probability gives a score of the type that is served.
func Probability(value float64) *Score { return &Score{Value: &value, Type: probability} }

// SuggestRequest says which scores a comment should have had.
type SuggestRequest struct {
	Comment         TextEntry                  `json:"comment"`
	Context         *Context                   `json:"context,omitempty"`
	AttributeScores map[string]AttributeScores `json:"attributeScores"`
	Languages       []string                   `json:"languages"`
	CommunityID     string                     `json:"communityId"`
	SessionID       string                     `json:"sessionId"`
	ClientToken     string                     `json:"clientToken"`
}

// SuggestResponse acknowledges a suggestion.
type SuggestResponse struct {
	ClientToken        string   `json:"clientToken,omitempty"`
	RequestedLanguages []string `json:"requestedLanguages,omitempty"`
}

// DecodeAnalyze reads a request. The error is an *Error with all that does not
// fit the message, or the first thing that is wrong with what it says.
func DecodeAnalyze(body []byte) (*AnalyzeRequest, error) {
	r := &AnalyzeRequest{}
	if err := decode(body, "AnalyzeCommentRequest", r); err != nil {
		return nil, err
	}
	if err := checkComment(r.Comment, r.Context); err != nil {
		return nil, err
	}
	if len(r.Requested) == 0 {
		return nil, refuse(noRequestedAttributes, "Missing requested_attributes")
	}
	for _, name := range sorted(r.Requested) {
		if t := r.Requested[name].ScoreType; !served(t) {
			return nil, refuse(invalidRequest, "Requested score type %s is not supported by attribute %s", t, name)
		}
	}
	return r, nil
}

// DecodeSuggest reads a suggestion, as DecodeAnalyze reads a request.
func DecodeSuggest(body []byte) (*SuggestRequest, error) {
	r := &SuggestRequest{}
	if err := decode(body, "SuggestCommentScoreRequest", r); err != nil {
		return nil, err
	}
	if err := checkComment(r.Comment, r.Context); err != nil {
		return nil, err
	}
	if len(r.AttributeScores) == 0 {
		return nil, refuse(invalidRequest, "Missing attribute_scores")
	}
	for _, name := range sorted(r.AttributeScores) {
		if err := checkSuggested(name, r.AttributeScores[name]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func checkSuggested(name string, a AttributeScores) error {
	scores := []*Score{}
	if a.SummaryScore != nil {
		scores = append(scores, a.SummaryScore)
	}
	for _, span := range a.SpanScores {
		if span.Begin == nil || span.End == nil || span.Score == nil || *span.Begin < 0 || *span.End < *span.Begin {
			return refuse(invalidRequest, "Span scores of attribute %s must have begin, end and score", name)
		}
		scores = append(scores, span.Score)
	}
	if len(scores) == 0 {
		return refuse(invalidRequest, "No scores for attribute %s", name)
	}
	for _, s := range scores {
		switch {
		case s.Value == nil:
			return refuse(invalidRequest, "Missing score value for attribute %s", name)
		case !served(s.Type):
			return refuse(invalidRequest, "Requested score type %s is not supported by attribute %s", s.Type, name)
		case !(*s.Value >= 0 && *s.Value <= 1):
			return refuse(invalidRequest, "Score of attribute %s is not between 0 and 1", name)
		}
	}
	return nil
}

func checkComment(comment TextEntry, context *Context) error {
	switch n := len(comment.Text); {
	case strings.TrimSpace(comment.Text) == "":
		return refuse(commentEmpty, "Comment must be non-empty.")
	case n > MaxText:
		return refuse(commentTooLong, "Comment text was too many bytes. Value (%d) exceeded limit (%d).", n, MaxText)
	case comment.Type == "HTML":
		return refuse(invalidRequest, "Currently, only 'PLAIN_TEXT' comments are supported")
	case context != nil && len(context.Entries) > 0 && len(bytes.TrimSpace(context.ArticleAndParentComment)) > 0:
		return refuse(invalidRequest, "Context can have either entries or article_and_parent_comment, but both fields were populated.")
	}
	return nil
}

// served reports whether scores of a type are given; unspecified is of the first.
func served(scoreType string) bool {
	return scoreType == "" || scoreType == probability || scoreType == "SCORE_TYPE_UNSPECIFIED"
}
