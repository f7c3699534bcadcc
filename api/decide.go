package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/serve"
)

// intake is how one request's events are taken.
type intake struct {
	// decoder reads them where they are plain; nil where only CloudEvents are taken.
	decoder *ingest.Decoder
	// submit gives decoded events to the engine.
	submit func(events []orrery.Event, decode time.Duration) ([]serve.Result, error)
	// answer turns one event's result into what the client gets for it.
	answer func(r *serve.Result) any
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	s.take(w, r, s.deciding(r.Context()))
}

// deciding gives an intake that decides on events.
func (s *Server) deciding(ctx context.Context) intake {
	submit := func(events []orrery.Event, decode time.Duration) ([]serve.Result, error) {
		return s.engine.Decide(ctx, events, decode)
	}
	answer := func(result *serve.Result) any {
		s.decided(ctx, result)
		p := s.engine.Plan()
		if p.Release != result.Decision.Release {
			// The request finished on the release before, or is a repeat.
			old, err := s.engine.Reader().Plan(result.Decision.Release)
			if err != nil {
				return problemOf(err)
			}
			p = old
		}
		return AnswerOf(p, result)
	}
	return intake{s.known()[s.engine.Plan().Spec.DecideOn.Name], submit, answer}
}

// Receipt is what a client gets for an event that was recorded without a decision.
type Receipt struct {
	EventID  string        `json:"event_id"`
	Offset   orrery.Offset `json:"offset"`
	Repeated bool          `json:"repeated,omitempty"`
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	decoder := s.known()[r.PathValue("event")]
	if decoder == nil {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "event_not_found", "the system has no event %q", r.PathValue("event")).
			WithNext("GET /openapi.json or the system's file names the events"))
		return
	}
	s.take(w, r, intake{decoder, s.recording(r), receipt})
}

func (s *Server) cloudEventsOfAnyType(w http.ResponseWriter, r *http.Request) {
	s.take(w, r, intake{nil, s.recording(r), receipt})
}

func receipt(result *serve.Result) any {
	return Receipt{EventID: result.Event.ID, Offset: result.Event.Offset, Repeated: result.Repeated}
}

// The values of the parameter received.
const (
	receivedNow       = "now"
	receivedEventTime = "event_time"
	receivedRecorded  = "recordedtime"
)

// recording gives a submission that records events without deciding on them.
func (s *Server) recording(r *http.Request) func([]orrery.Event, time.Duration) ([]serve.Result, error) {
	received := r.URL.Query().Get("received")
	return func(events []orrery.Event, _ time.Duration) ([]serve.Result, error) {
		switch received {
		case "", receivedNow:
			return s.engine.Ingest(r.Context(), events, false)
		case receivedEventTime, receivedRecorded:
			// A decoder that reads no received time gives the event's.
			return s.engine.Ingest(r.Context(), events, true)
		}
		return nil, orrery.Errorf(orrery.Invalid, "received_invalid", "received takes %s, %s or %s, not %q", receivedNow, receivedEventTime, receivedRecorded, received)
	}
}

// take reads one event, an array of events, an NDJSON stream or CloudEvents, and answers in kind.
func (s *Server) take(w http.ResponseWriter, r *http.Request, in intake) {
	media := mediaType(r.Header.Get("Content-Type"))
	if in.decoder != nil && (media == "application/x-ndjson" || media == "application/jsonl") {
		s.stream(w, r, in)
		return
	}
	wrapped, err := s.cloudEvents(in.decoder, media, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	counted := s.meter.read(http.MaxBytesReader(w, r.Body, s.options.Limits.Body))
	defer counted.close()
	buffer := bodies.Get().(*bytes.Buffer)
	defer giveBodyBack(buffer)
	body, err := readAll(buffer, counted, r.ContentLength)
	if err != nil {
		s.fail(w, r, bodyError(err))
		return
	}
	result, err := s.work(r, in, wrapped, body)
	s.reply(w, r, result, err)
}

// mediaType gives a content type without its parameters; most have none.
func mediaType(header string) string {
	if header == mediaJSON {
		return mediaJSON
	}
	media, _, _ := mime.ParseMediaType(header)
	return media
}

const mediaJSON = "application/json"

// bodies has buffers for bodies. Events and answers keep nothing of a body: decoders
// copy what they take of it.
var bodies = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// bodyRoom bounds the memory that a body gets before its bytes have come, and bodyKept
// that of a buffer that is kept for the next.
const (
	bodyRoom = 64 << 10
	bodyKept = 16 << 10
)

func giveBodyBack(buffer *bytes.Buffer) {
	if buffer.Cap() <= bodyKept {
		buffer.Reset()
		bodies.Put(buffer)
	}
}

// readAll reads a body whose length, -1 where it is not known, its client has
// announced, into a buffer.
func readAll(buffer *bytes.Buffer, r io.Reader, length int64) ([]byte, error) {
	// The buffer wants so much room for the read that finds the end.
	buffer.Grow(int(max(0, min(length, bodyRoom))) + bytes.MinRead)
	_, err := buffer.ReadFrom(r)
	return buffer.Bytes(), err
}

// work decodes a body, decides on its events and gives the answer. It is done
// within the bound on concurrent requests; the answer is written after.
func (s *Server) work(r *http.Request, in intake, wrapped *envelopes, body []byte) (any, error) {
	if err := s.admission.enter(r.Context()); err != nil {
		return nil, err
	}
	defer s.admission.leave()
	begun := time.Now()
	body = bytes.TrimSpace(body)
	var decode eventDecoder = in.decoder
	many := len(body) > 0 && body[0] == '['
	if wrapped != nil {
		decode, many = wrapped, wrapped.batch
	}
	keep := s.keeper(r, in, wrapped, false)
	if many {
		return s.batch(decode, body, in, keep)
	}
	event, err := decode.Decode(body)
	var results []serve.Result
	if err == nil {
		if results, err = in.submit([]orrery.Event{event}, time.Since(begun)); err != nil {
			return nil, err
		}
		err = results[0].Err
	}
	if err != nil {
		keep.refused(body, 0, err)
		keep.put()
		return nil, err
	}
	return in.answer(&results[0]), nil
}

func bodyError(err error) error {
	var large *http.MaxBytesError
	var known *orrery.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, os.ErrDeadlineExceeded):
		return orrery.Errorf(orrery.TooSlow, "body_too_slow", "the request's body did not arrive in time").
			WithNext("send it without pauses, or stream lines as application/x-ndjson")
	case errors.As(err, &large):
		return orrery.Errorf(orrery.TooLarge, "body_too_large", "the request's body is larger than %d bytes", large.Limit).
			WithNext("send fewer events at once, or stream them as application/x-ndjson")
	}
	return orrery.Errorf(orrery.Invalid, "body_unreadable", "the request's body could not be read").Because(err)
}

// batch answers an array item by item: a refused event has a problem in its
// place and disturbs no other.
func (s *Server) batch(decoder eventDecoder, body []byte, in intake, keep *keeper) (any, error) {
	begun := time.Now()
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "json_invalid", "the batch is not a JSON array of events").Because(err)
	}
	if most := s.options.Limits.Batch; len(raw) > most {
		return nil, orrery.Errorf(orrery.TooLarge, "batch_too_large", "the batch has %d events; at most %d are taken", len(raw), most).
			WithNext("send smaller batches, or stream them as application/x-ndjson")
	}
	lines := make([][]byte, len(raw))
	for i := range raw {
		lines[i] = raw[i]
	}
	return s.answers(decoder, lines, begun, in, keep)
}

// answers decodes lines (nil for one that was too long), submits what is valid and gives for each line its
// answer or its problem.
func (s *Server) answers(decoder eventDecoder, lines [][]byte, begun time.Time, in intake, keep *keeper) ([]any, error) {
	defer keep.put()
	refuse := func(i int, err error) any {
		keep.refused(lines[i], i, err)
		return s.problem(err)
	}
	out := make([]any, len(lines))
	events, places := make([]orrery.Event, 0, len(lines)), make([]int, 0, len(lines))
	for i, line := range lines {
		if line == nil {
			out[i] = refuse(i, orrery.Errorf(orrery.TooLarge, "line_too_large", "the line is longer than %d bytes", s.options.Limits.Line).
				WithNext("send one event a line"))
			continue
		}
		event, err := decoder.Decode(line)
		if err != nil {
			out[i] = refuse(i, err)
			continue
		}
		events, places = append(events, event), append(places, i)
	}
	if len(events) == 0 {
		return out, nil
	}
	results, err := in.submit(events, time.Since(begun))
	if err != nil {
		return nil, err
	}
	for j := range results {
		if results[j].Err != nil {
			out[places[j]] = refuse(places[j], results[j].Err)
		} else {
			out[places[j]] = in.answer(&results[j])
		}
	}
	return out, nil
}
