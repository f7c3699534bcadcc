package api

import (
	"net/http"
	"strings"

	"orrery.dev"
	"orrery.dev/ingest"
)

// The media types of CloudEvents 1.0 in structured mode, one and several.
const (
	mediaCloudEvent  = "application/cloudevents+json"
	mediaCloudEvents = "application/cloudevents-batch+json"
)

// eventDecoder reads one event.
type eventDecoder interface {
	Decode(data []byte) (orrery.Event, error)
}

// envelopes reads the CloudEvents of one request.
type envelopes struct {
	events ingest.CloudEvents
	// header is set in binary mode, where it holds the attributes.
	header http.Header
	// batch says that the body is an array.
	batch bool
}

func (e *envelopes) Decode(data []byte) (orrery.Event, error) {
	if e.header != nil {
		return e.events.DecodeBinary(e.header.Values, data)
	}
	return e.events.Decode(data)
}

// cloudEvents says how to read a request whose events come as CloudEvents, nil
// where they do not: structured or batched by its media type, or binary by any
// of the headers that a CloudEvent must have.
// Where plain is nil, they must, and may be of any type.
func (s *Server) cloudEvents(plain *ingest.Decoder, media string, r *http.Request) (*envelopes, error) {
	header := r.Header
	e := &envelopes{events: ingest.CloudEvents{Decoders: s.known(), Recorded: r.URL.Query().Get("received") == receivedRecorded}}
	if plain != nil {
		e.events.Only = plain.Type().Name
	}
	switch {
	case media == mediaCloudEvent:
		return e, nil
	case media == mediaCloudEvents:
		e.batch = true
		return e, nil
	case strings.HasPrefix(media, "application/cloudevents"):
		return nil, orrery.Errorf(orrery.Invalid, "cloudevent_format", "CloudEvents in the format %s are not understood", media).
			WithNext("send %s, %s or binary mode", mediaCloudEvent, mediaCloudEvents)
	}
	for _, name := range []string{"Ce-Specversion", "Ce-Type", "Ce-Source", "Ce-Id"} {
		if len(header.Values(name)) > 0 {
			e.header = header
			return e, nil
		}
	}
	if plain == nil {
		return nil, orrery.Errorf(orrery.Invalid, "cloudevent_expected", "events of any type are taken as CloudEvents only").
			WithNext("send %s, %s or binary mode, or plain events to events/EVENT", mediaCloudEvent, mediaCloudEvents)
	}
	return nil, nil
}
