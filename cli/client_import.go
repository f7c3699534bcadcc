package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// remoteRecorder records through a running server.
type remoteRecorder struct {
	client *client
	spec   *spec.Spec
}

func (r remoteRecorder) path(rest string) string { return "/v1/systems/" + r.spec.System + rest }

func (r remoteRecorder) imported(ctx context.Context, name string) (ingest.Position, error) {
	var at ingest.Position
	return at, r.client.get(ctx, r.path("/imports/"+name), &at)
}

func (r remoteRecorder) setImported(ctx context.Context, name string, at ingest.Position) error {
	return r.client.send(ctx, http.MethodPut, r.path("/imports/"+name), at, &at)
}

func (r remoteRecorder) quarantine(ctx context.Context, items []quarantine.Item, over int64) error {
	for {
		n, size := 0, 0
		for n < len(items) && (n == 0 || size < maxRequest) {
			size += len(items[n].Raw) + len(items[n].RawBytes) + 4096
			n++
		}
		var kept api.Count
		err := r.client.post(ctx, r.path("/quarantine"), api.QuarantinePut{Items: items[:n], Over: over}, &kept)
		if items, over = items[n:], 0; err != nil || len(items) == 0 {
			return err
		}
	}
}

// maxRequest is about how many bytes of events are sent at once, a quarter of what
// a server takes unless it was told otherwise.
const maxRequest = 4 << 20

// record sends events as CloudEvents, so that types may alternate, with their
// received times.
func (r remoteRecorder) record(ctx context.Context, events []orrery.Event, live bool) ([]serve.Result, error) {
	path := r.path("/events?received=recordedtime")
	if live {
		path = r.path("/events?received=now")
	}
	var out []serve.Result
	body := []byte{'['}
	for i := range events {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = appendCloudEvent(body, &events[i])
		if len(body) < maxRequest && i+1 < len(events) {
			continue
		}
		results, err := r.post(ctx, path, append(body, ']'))
		if err != nil {
			return nil, err
		}
		out, body = append(out, results...), body[:1]
	}
	return out, nil
}

func appendCloudEvent(b []byte, e *orrery.Event) []byte {
	b = append(b, `{"specversion":"1.0","source":"orrery-ingest","type":`...)
	b = strconv.AppendQuote(b, e.Type.Name)
	b = append(b, `,"id":`...)
	id, err := json.Marshal(e.ID)
	if err != nil {
		id = []byte(`""`) // Strings always encode.
	}
	b = append(append(b, id...), `,"recordedtime":"`...)
	b = append(append(b, e.Received.String()...), `","data":`...)
	return append(ingest.AppendJSON(b, e), '}')
}

func (r remoteRecorder) post(ctx context.Context, path string, body []byte) ([]serve.Result, error) {
	var answers []struct {
		api.Receipt
		api.Problem
	}
	if err := r.client.do(ctx, http.MethodPost, path, "application/cloudevents-batch+json", bytes.NewReader(body), &answers); err != nil {
		return nil, err
	}
	out := make([]serve.Result, len(answers))
	for i, answer := range answers {
		out[i].Repeated = answer.Repeated
		if answer.Code != "" {
			out[i].Err = &orrery.Error{Kind: api.KindOf(answer.Status), Code: answer.Code, Message: answer.Detail, Field: answer.Field, Next: answer.Next}
		}
	}
	return out, nil
}
