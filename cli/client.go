package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/ingest"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// client talks to a running server, for the commands that find it has their
// data directory open.
type client struct {
	base string
}

func newClient(address string) *client { return &client{base: "http://" + address} }

func (c *client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, into)
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(text), into)
}

func (c *client) do(ctx context.Context, method, path, contentType string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return problemError(response)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("the server at %s gave an answer that cannot be read: %w", c.base, err)
	}
	return nil
}

func (c *client) unreachable(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return orrery.Errorf(orrery.Unavailable, "server_unreachable", "the server at %s does not answer", c.base).Because(cause).
		WithNext("if it has crashed, start it again: orrery up")
}

// problemError turns a server's problem details back into an error.
func problemError(response *http.Response) error {
	var p api.Problem
	if err := json.NewDecoder(io.LimitReader(response.Body, api.MaxBody)).Decode(&p); err != nil || p.Code == "" {
		return orrery.Errorf(orrery.Internal, "server_failed", "the server answered %s", response.Status)
	}
	return &orrery.Error{Kind: kindOfStatus(p.Status), Code: p.Code, Message: p.Detail, Field: p.Field, Next: p.Next}
}

func kindOfStatus(status int) orrery.ErrorKind {
	switch status {
	case http.StatusNotFound:
		return orrery.NotFound
	case http.StatusConflict:
		return orrery.Conflict
	case http.StatusServiceUnavailable:
		return orrery.Unavailable
	case http.StatusInternalServerError:
		return orrery.Internal
	}
	return orrery.Invalid
}

// sender gives a function that records events through the server: runs of one
// type, in order.
func (c *client) sender(ctx context.Context, s *spec.Spec, live bool) func([]orrery.Event) ([]serve.Result, error) {
	return func(events []orrery.Event) ([]serve.Result, error) {
		var out []serve.Result
		for len(events) > 0 {
			n := 1
			for n < len(events) && events[n].Type.Is(events[0].Type) {
				n++
			}
			results, err := c.send(ctx, s.System, events[:n], live)
			if err != nil {
				return out, err
			}
			out, events = append(out, results...), events[n:]
		}
		return out, nil
	}
}

// send posts events of one type as a batch.
func (c *client) send(ctx context.Context, system string, events []orrery.Event, live bool) ([]serve.Result, error) {
	body := []byte{'['}
	for i := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = ingest.AppendJSON(body, &events[i])
	}
	path := "/v1/systems/" + system + "/events/" + events[0].Type.Name
	if !live {
		path += "?received=event_time"
	}
	var answers []struct {
		api.Receipt
		api.Problem
	}
	if err := c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(append(body, ']')), &answers); err != nil {
		return nil, err
	}
	out := make([]serve.Result, len(answers))
	for i, answer := range answers {
		out[i].Repeated = answer.Repeated
		if answer.Code != "" {
			out[i].Err = &orrery.Error{Kind: kindOfStatus(answer.Status), Code: answer.Code, Message: answer.Detail, Field: answer.Field, Next: answer.Next}
		}
	}
	return out, nil
}
