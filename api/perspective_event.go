package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/perspective"
	"orrery.dev/spec"
)

// comments gives the event that a comment is. It is read as an event that comes
// over the API is, so that it is held to the same bounds.
func (s *Server) comments(r *perspective.AnalyzeRequest) (orrery.Event, error) {
	system := s.engine.Plan().Spec
	t, p := system.DecideOn, system.Perspective
	id := commentID(r.ClientToken, r.Comment.Text, r.SessionID, r.CommunityID)
	values := map[string]any{t.Fields[system.Text.Field].Name: r.Comment.Text}
	for _, put := range []struct {
		field int
		value string
	}{{p.Session, r.SessionID}, {p.Community, r.CommunityID}} {
		if put.field < 0 {
			continue
		}
		f := &t.Fields[put.field]
		switch {
		case put.value != "":
			values[f.Name] = put.value
		case !f.Optional && f.Default.IsMissing():
			values[f.Name] = hex.EncodeToString(id[:])
		}
	}
	return s.made(t, id, values)
}

// made makes an event of a type, with an id, now.
func (s *Server) made(t *orrery.EventType, id [16]byte, values map[string]any) (orrery.Event, error) {
	values[t.Fields[t.IDField].Name] = idText(t, id)
	values[t.Fields[t.TimeField].Name] = s.engine.Now().String()
	text, err := json.Marshal(values)
	if err != nil {
		return orrery.Event{}, err
	}
	return s.known()[t.Name].Decode(text)
}

// idText gives an id as the type's id field takes it.
func idText(t *orrery.EventType, id [16]byte) string {
	if t.Fields[t.IDField].Type == orrery.Int {
		return strconv.FormatUint(binary.BigEndian.Uint64(id[:])>>1, 10)
	}
	return hex.EncodeToString(id[:])
}

// commentID gives the id of a comment. With a token it follows from what the
// comment is, so that the comment is known when it comes again; without one, each
// is another.
func commentID(token, text, session, community string) (id [16]byte) {
	if token == "" {
		_, _ = rand.Read(id[:])
		return id
	}
	h := sha256.New()
	for _, part := range []string{token, text, session, community} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		_, _ = h.Write([]byte(part))
	}
	copy(id[:], h.Sum(nil))
	return id
}

// suggest takes suggested scores for an outcome, where they mean one and are of a
// comment that is recorded; it acknowledges them in any case.
func (s *Server) suggest(ctx context.Context, body []byte, _ time.Time) (any, error) {
	r, err := perspective.DecodeSuggest(body)
	if err != nil {
		return nil, err
	}
	system := s.engine.Plan().Spec
	if err := knownAttributes(system.Perspective, r.AttributeScores); err != nil {
		return nil, err
	}
	if unsupported := unsupportedLanguages(system, r.Languages); len(unsupported) > 0 {
		return nil, perspective.UnsupportedLanguage(names(r.AttributeScores)[0], r.Languages, nil)
	}
	if outcome := suggested(system, r.AttributeScores); outcome != "" && r.ClientToken != "" {
		if err := s.outcome(ctx, system, commentID(r.ClientToken, r.Comment.Text, r.SessionID, r.CommunityID), outcome); err != nil {
			return nil, err
		}
	}
	return &perspective.SuggestResponse{ClientToken: r.ClientToken, RequestedLanguages: r.Languages}, nil
}

// suggested gives the outcome that suggested scores mean, empty where they mean
// none: the first, or where several classes can be right all of them.
func suggested(system *spec.Spec, scores map[string]perspective.AttributeScores) string {
	p, l := system.Perspective, system.Label
	var all orrery.LabelSet
	said := false
	for _, s := range p.Suggest {
		a := scores[p.Attributes[s.Attribute].Name]
		if a.SummaryScore == nil {
			continue
		}
		means := s.Below
		if *a.SummaryScore.Value >= spec.SuggestedHalf {
			means = s.Above
		}
		switch {
		case means == "":
		case !l.Several:
			return means
		default:
			set, _ := orrery.ParseLabels(means, l.Classes)
			all, said = all|set, true
		}
	}
	if said {
		return all.Text(l.Classes)
	}
	return ""
}

// outcome records the outcome of a comment, unless the comment is not recorded.
func (s *Server) outcome(ctx context.Context, system *spec.Spec, comment [16]byte, outcome string) error {
	reader, decided, l := s.engine.Reader(), system.DecideOn, system.Label
	offset, ok, err := reader.Find(decided.Name, idText(decided, comment))
	if err != nil || !ok {
		return err
	}
	event, _, err := reader.Recorded(offset)
	if err != nil || event.Erased {
		return err
	}
	if event, err = reader.Reveal(event); err != nil {
		return err
	}
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(ingest.AppendJSON(nil, &event)))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return err
	}
	values := map[string]any{}
	for i := range l.Event.Fields {
		f := &l.Event.Fields[i]
		if value, ok := fields[f.Name]; ok && i != l.Event.TimeField && spec.SameField(decided, f) >= 0 {
			values[f.Name] = value
		}
	}
	values[l.Event.Fields[l.Match].Name] = event.ID
	values[l.Event.Fields[l.Field].Name] = outcome
	if len(l.Classes) == 0 {
		values[l.Event.Fields[l.Field].Name] = outcome == "true"
	}
	made, err := s.made(l.Event, commentID("", "", "", ""), values)
	if err != nil {
		return err
	}
	results, err := s.engine.Ingest(ctx, []orrery.Event{made}, false)
	if err != nil {
		return err
	}
	return results[0].Err
}
