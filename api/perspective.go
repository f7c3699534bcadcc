package api

import (
	"context"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/perspective"
	"orrery.dev/plan"
	"orrery.dev/serve"
	"orrery.dev/spec"
	texts "orrery.dev/text"
)

// mostSpans bounds the sentences of a comment that are scored apart.
const mostSpans = 64

// inPerspective reports whether a request is one to the Perspective API, which has
// errors of its own.
func inPerspective(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, perspective.Prefix) || r.URL.Path == perspective.Discovery
}

// hideKey takes the key out of the query of a request to the Perspective API, and
// puts it where other requests have theirs, so that nothing that knows the address
// of a request knows a key.
func hideKey(r *http.Request) {
	if r.URL.RawQuery == "" && r.Header.Get("X-Goog-Api-Key") == "" || !inPerspective(r) {
		return
	}
	query := r.URL.Query()
	key := query.Get("key")
	if key == "" {
		key = r.Header.Get("X-Goog-Api-Key")
	}
	r.Header.Del("X-Goog-Api-Key")
	if key != "" && r.Header.Get("X-Api-Key") == "" {
		r.Header.Set("X-Api-Key", key)
	}
	if r.URL.RawQuery == "" {
		return
	}
	// What cannot be parsed is dropped as well: it could hold one.
	for _, secret := range []string{"key", "access_token", "oauth_token"} {
		query.Del(secret)
	}
	r.URL.RawQuery = query.Encode()
	r.RequestURI = r.URL.RequestURI()
}

// perspectiveError describes an error as the Perspective API does.
func perspectiveError(err error, p *Problem) *perspective.Error {
	if own, ok := err.(*perspective.Error); ok {
		return own
	}
	switch orrery.KindOf(err) {
	case orrery.Unauthenticated:
		if p.Code == errKeyMissing.Code {
			return perspective.KeyMissing
		}
		return perspective.KeyInvalid
	case orrery.Overloaded:
		return perspective.Overloaded
	}
	message := p.Detail
	if p.Next != "" {
		message += "; " + p.Next
	}
	if p.Status == http.StatusMethodNotAllowed { // To which Google's endpoints have no answer of its own.
		return perspective.Of(http.StatusNotFound, message)
	}
	return perspective.Of(p.Status, message)
}

// discover describes the Perspective API's methods to Google's clients.
func (s *Server) discover(w http.ResponseWriter, r *http.Request) {
	if version := r.URL.Query().Get("version"); version != "" && version != "v1alpha1" {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "no_such_version", "there is no version %q of the API", version).WithNext("ask for version v1alpha1"))
		return
	}
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store") // it depends on how the server was named
	_, _ = w.Write(perspective.Describe(scheme + "://" + r.Host + "/"))
}

// commented gives the handler of a method of the Perspective API: work is done
// within the bound on concurrent requests.
func (s *Server) commented(work func(ctx context.Context, body []byte, begun time.Time) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.comment(r, w, work)
		s.reply(w, r, answer, err)
	}
}

func (s *Server) comment(r *http.Request, w http.ResponseWriter, work func(context.Context, []byte, time.Time) (any, error)) (any, error) {
	if s.engine.Plan().Spec.Perspective == nil {
		return nil, orrery.Errorf(orrery.NotFound, "no_perspective", "the system %s does not answer as the Perspective API", s.engine.Plan().Spec.System).
			WithNext("say in its file which attributes it serves: perspective: {attributes: {TOXICITY: score}}")
	}
	if alt := r.URL.Query().Get("alt"); alt != "" && alt != "json" {
		return nil, perspective.Refused("Only alt=json is served.")
	}
	counted := s.meter.read(http.MaxBytesReader(w, r.Body, s.options.Limits.Body))
	defer counted.close()
	body, err := io.ReadAll(counted)
	if err != nil {
		return nil, bodyError(err)
	}
	if err := s.admission.enter(r.Context()); err != nil {
		return nil, err
	}
	defer s.admission.leave()
	return work(r.Context(), body, time.Now())
}

// analyze scores a comment: by deciding on it, or where nothing may be stored, by
// what the decision would be.
func (s *Server) analyze(ctx context.Context, body []byte, begun time.Time) (any, error) {
	request, err := perspective.DecodeAnalyze(body)
	if err != nil {
		return nil, err
	}
	return s.Analyze(ctx, request, begun)
}

// Analyze answers a request as comments:analyze does; begun is when it came. The
// system must serve attributes.
func (s *Server) Analyze(ctx context.Context, request *perspective.AnalyzeRequest, begun time.Time) (*perspective.AnalyzeResponse, error) {
	system := s.engine.Plan().Spec
	if err := knownAttributes(system.Perspective, request.Requested); err != nil {
		return nil, err
	}
	out := &perspective.AnalyzeResponse{ClientToken: request.ClientToken, Languages: request.Languages}
	unsupported := unsupportedLanguages(system, request.Languages)
	if len(request.Languages) == 0 {
		detected, known := told(system, request.Comment.Text)
		out.Languages, out.DetectedLanguages = detected, detected
		if !known {
			unsupported = detected
		}
	}
	if len(unsupported) > 0 && request.DropUnsupported {
		return out, nil
	}
	if len(unsupported) > 0 {
		return nil, perspective.UnsupportedLanguage(names(request.Requested)[0], request.Languages, out.DetectedLanguages)
	}
	event, err := s.comments(request)
	if err != nil {
		return nil, err
	}
	p, decision, err := s.scored(ctx, &event, request, begun)
	if err != nil {
		return nil, err
	}
	out.AttributeScores, err = attributeScores(p, &event, decision, request)
	return out, err
}

// knownAttributes refuses what is asked for and not declared.
func knownAttributes[V any](declared *spec.Perspective, asked map[string]V) error {
	var unknown []string
	for _, name := range names(asked) {
		if declared.Attribute(name) < 0 {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		return perspective.UnknownAttributes(unknown)
	}
	return nil
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// unsupportedLanguages gives those of a request that the system does not know.
func unsupportedLanguages(system *spec.Spec, requested []string) (out []string) {
	for _, l := range requested {
		if !texts.Covers(system.Text.Languages, l) {
			out = append(out, l)
		}
	}
	return out
}

// told says which of the system's languages a comment is in, as a list of one.
func told(system *spec.Spec, comment string) (detected []string, known bool) {
	var n texts.Normal
	if err := n.Reset(comment); err != nil {
		return []string{texts.Und}, false
	}
	code, known := n.Told(system.Text.Languages)
	return []string{code}, known
}

// scored decides on a comment, and records that unless it may not be. The plan is
// the one that decided.
func (s *Server) scored(ctx context.Context, event *orrery.Event, request *perspective.AnalyzeRequest, begun time.Time) (*plan.Plan, *orrery.Decision, error) {
	if request.DoNotStore {
		return s.engine.Score(ctx, *event)
	}
	results, err := s.engine.Decide(ctx, []orrery.Event{*event}, time.Since(begun))
	if err != nil {
		return nil, nil, err
	}
	result := &results[0]
	if request.ClientToken != "" && orrery.CodeOf(result.Err) == "event_conflict" {
		// The comment came before, at another time.
		result = s.before(event)
	}
	if result.Err != nil {
		return nil, nil, result.Err
	}
	s.decided(ctx, result)
	*event = result.Event
	p := s.engine.Plan()
	if p.Release != result.Decision.Release {
		if p, err = s.engine.Reader().Plan(result.Decision.Release); err != nil {
			return nil, nil, err
		}
	}
	return p, result.Decision, nil
}

// before gives what was recorded of a comment that came before.
func (s *Server) before(event *orrery.Event) *serve.Result {
	reader := s.engine.Reader()
	offset, ok, err := reader.Find(event.Type.Name, event.ID)
	if err == nil && !ok {
		err = orrery.Errorf(orrery.Gone, "decision_not_kept", "the comment came before, and is no longer kept")
	}
	if err != nil {
		return &serve.Result{Err: err}
	}
	found, decision, err := reader.Recorded(offset)
	if err == nil && (decision == nil || decision.Erased || found.Erased) {
		err = serve.Erased(offset)
	}
	return &serve.Result{Event: found, Decision: decision, Repeated: true, Err: err}
}

// attributeScores gives the scores of the attributes that are asked for, of the
// whole comment and of its parts, but for those below their thresholds.
func attributeScores(p *plan.Plan, event *orrery.Event, d *orrery.Decision, request *perspective.AnalyzeRequest) (map[string]perspective.AttributeScores, error) {
	if p.Spec.Perspective == nil {
		return nil, orrery.Errorf(orrery.Unavailable, "no_perspective", "the release %s that decided serves no attributes", p.Release.Short())
	}
	if err := knownAttributes(p.Spec.Perspective, request.Requested); err != nil {
		return nil, err
	}
	scratch := p.NewScratch()
	values := p.Attributes(event, scratch, d)
	comment := p.Text(event)
	whole := perspective.Part{Text: comment, End: perspective.Units(comment)}
	parts, scores := []perspective.Part{whole}, [][]float64{values}
	if request.SpanAnnotations {
		if parts = perspective.Sentences(comment, mostSpans); len(parts) > 1 {
			scores = scores[:0]
			for _, part := range parts {
				scores = append(scores, p.AttributesOf(part.Text, event, scratch, d))
			}
		}
	}
	out := map[string]perspective.AttributeScores{}
	for name, parameters := range request.Requested {
		i := p.Spec.Perspective.Attribute(name)
		switch {
		case !math.IsNaN(values[i]):
		case d.Fallback != plan.FallbackLanguage:
			return nil, noScore(name, d)
		case request.DropUnsupported:
			continue
		default:
			// The request names a language that the text is plainly not in.
			detected, _ := told(p.Spec, whole.Text)
			return nil, perspective.UnsupportedLanguage(name, request.Languages, detected)
		}
		threshold := math.Inf(-1)
		if parameters.ScoreThreshold != nil {
			threshold = *parameters.ScoreThreshold
		}
		var a perspective.AttributeScores
		if values[i] >= threshold {
			a.SummaryScore = perspective.Probability(values[i])
		}
		for j := range parts {
			if x := scores[j][i]; x >= threshold {
				a.SpanScores = append(a.SpanScores, perspective.SpanScore{Begin: &parts[j].Begin, End: &parts[j].End, Score: perspective.Probability(x)})
			}
		}
		if a.SummaryScore != nil || a.SpanScores != nil {
			out[name] = a
		}
	}
	return out, nil
}

// noScore says why there is none of an attribute.
func noScore(name string, d *orrery.Decision) error {
	why := "something that it is made of is missing"
	switch d.Fallback {
	case plan.FallbackNoModel:
		why = "the model is not trained yet"
	case plan.FallbackPaused:
		why = "the system is paused"
	case plan.FallbackDeadline:
		why = "there was no time for it"
	case plan.FallbackFault:
		why = "the model failed"
	}
	return orrery.Errorf(orrery.Unavailable, "no_attribute_score", "there is no score for the attribute %s: %s", name, why)
}
