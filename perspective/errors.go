package perspective

import (
	"encoding/json"
	"fmt"
	"strings"

	"orrery.dev"
)

// Error is what a client gets in the place of a response, with its HTTP status.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	// Status is the name of a canonical code of gRPC.
	Status  string `json:"status"`
	Details []any  `json:"details,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives it as the kind of error that it is elsewhere.
func (e *Error) Unwrap() error {
	return orrery.Errorf(orrery.Invalid, "perspective_refused", "%s", e.Message)
}

// Body gives the error as it is sent.
func (e *Error) Body() []byte {
	body, err := json.Marshal(map[string]*Error{"error": e})
	if err != nil {
		return []byte(`{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL"}}`)
	}
	return append(body, '\n')
}

// What the errorType of a detail says.
const (
	commentEmpty           = "COMMENT_EMPTY"
	commentTooLong         = "COMMENT_TOO_LONG"
	noRequestedAttributes  = "NO_REQUESTED_ATTRIBUTES"
	languageNotSupported   = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
	invalidRequest         = "INVALID_REQUEST"
	detailType             = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
	badRequestType         = "type.googleapis.com/google.rpc.BadRequest"
	errorInfoType          = "type.googleapis.com/google.rpc.ErrorInfo"
	service                = "commentanalyzer.googleapis.com"
	invalidArgument        = "INVALID_ARGUMENT"
	probability            = "PROBABILITY"
	statusInvalidArgument  = 400
	statusPermissionDenied = 403
)

type detail struct {
	Type                   string               `json:"@type"`
	ErrorType              string               `json:"errorType"`
	LanguageNotSupportedBy *unsupportedLanguage `json:"languageNotSupportedByAttributeError,omitempty"`
}

type unsupportedLanguage struct {
	DetectedLanguages  []string `json:"detectedLanguages,omitempty"`
	RequestedLanguages []string `json:"requestedLanguages,omitempty"`
	Attribute          string   `json:"attribute"`
}

// refuse makes the error of a request that the API refuses.
func refuse(errorType, format string, args ...any) *Error {
	return &Error{Code: statusInvalidArgument, Status: invalidArgument, Message: fmt.Sprintf(format, args...),
		Details: []any{detail{Type: detailType, ErrorType: errorType}}}
}

// Refused makes the error of a request that this server's own checks refuse.
func Refused(message string) *Error { return refuse(invalidRequest, "%s", message) }

// UnknownAttributes refuses attributes that nothing serves, by their names.
func UnknownAttributes(names []string) *Error {
	if len(names) == 1 {
		return refuse(invalidRequest, "Unknown requested attribute: %s", names[0])
	}
	return refuse(invalidRequest, "Unknown requested attributes: %s", strings.Join(names, ", "))
}

// UnsupportedLanguage refuses an attribute for languages that it does not know:
// those that the request names, or else those that the text is in.
func UnsupportedLanguage(attribute string, requested, detected []string) *Error {
	languages := requested
	if len(languages) == 0 {
		languages = detected
	}
	e := refuse(languageNotSupported, "Attribute %s does not support request languages: %s", attribute, strings.Join(languages, ", "))
	e.Details = []any{detail{Type: detailType, ErrorType: languageNotSupported,
		LanguageNotSupportedBy: &unsupportedLanguage{DetectedLanguages: detected, RequestedLanguages: requested, Attribute: attribute}}}
	return e
}

type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata"`
}

func info(reason string) []any {
	return []any{errorInfo{errorInfoType, reason, "googleapis.com", map[string]string{"service": service}}}
}

// Errors about keys and load, as the API gives them.
var (
	KeyMissing = &Error{Code: statusPermissionDenied, Status: "PERMISSION_DENIED", Details: info("API_KEY_MISSING"),
		Message: "Method doesn't allow unregistered callers. Please pass an API key as ?key=."}
	KeyInvalid = &Error{Code: statusInvalidArgument, Status: invalidArgument, Details: info("API_KEY_INVALID"),
		Message: "API key not valid. Please pass a valid API key."}
	Overloaded = &Error{Code: 429, Status: "RESOURCE_EXHAUSTED", Details: info("RATE_LIMIT_EXCEEDED"),
		Message: "The server has as much to do as it can. Try again later."}
)

// statuses has the canonical code of an HTTP status, as google.rpc.Code has them.
var statuses = map[int]string{400: invalidArgument, 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED",
	409: "ABORTED", 410: "NOT_FOUND", 413: invalidArgument, 422: invalidArgument, 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}

// Of makes an error of an HTTP status: what does not fit the API's own statuses
// becomes one that does.
func Of(status int, message string) *Error {
	name, known := statuses[status]
	if !known {
		status, name = 500, "INTERNAL"
	}
	if name == invalidArgument {
		return Refused(message)
	}
	return &Error{Code: status, Status: name, Message: message}
}

// violation is one thing that does not fit a message.
type violation struct {
	Field       string `json:"field,omitempty"`
	Description string `json:"description"`
}

// misfit makes the error of a body that does not fit a message, with every place
// where it does not.
func misfit(violations []violation) *Error {
	lines := make([]string, len(violations))
	for i, v := range violations {
		lines[i] = v.Description
	}
	return &Error{Code: statusInvalidArgument, Status: invalidArgument, Message: strings.Join(lines, "\n"), Details: []any{struct {
		Type       string      `json:"@type"`
		Violations []violation `json:"fieldViolations"`
	}{badRequestType, violations}}}
}
