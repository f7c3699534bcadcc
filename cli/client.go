package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"orrery.dev"
	"orrery.dev/api"
)

// keyVariable is the environment variable with the API key that commands send
// to a running server.
const keyVariable = "ORRERY_KEY"

// client talks to a running server, for the commands that find it has their
// data directory open.
type client struct {
	base  string
	token string
	http  *http.Client
}

// newClient makes a client of a server on this machine. Its certificate is
// known: it is the one in the file that the server has named.
func newClient(info serverInfo) (*client, error) {
	c := clientOf(info)
	if info.Certificate == "" {
		return c, nil
	}
	text, err := os.ReadFile(info.Certificate)
	if err != nil {
		return nil, orrery.Errorf(orrery.Unavailable, "certificate_unreadable", "the certificate of the server at %s cannot be read", info.Address).Because(err).
			WithNext("run the command as a user who may read %s", info.Certificate)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, orrery.Errorf(orrery.Invalid, "certificate_invalid", "%s is no certificate in PEM", info.Certificate)
	}
	c.http = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		// The name in the certificate is not 127.0.0.1; the certificate itself is
		// compared instead of being looked up.
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS12,
		VerifyConnection: func(state tls.ConnectionState) error {
			if !bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return errors.New("it shows another certificate than the one in " + info.Certificate)
			}
			return nil
		},
	}}}
	return c, nil
}

// clientOf makes a client of a server without TLS.
func clientOf(info serverInfo) *client {
	return &client{base: info.url(), token: os.Getenv(keyVariable), http: http.DefaultClient}
}

func (c *client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, into)
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	return c.send(ctx, http.MethodPost, path, body, into)
}

func (c *client) send(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, method, path, "application/json", bytes.NewReader(text), into)
}

func (c *client) do(ctx context.Context, method, path, contentType string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.perform(request)
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

// perform sends a request, with the client's key where it has one.
func (c *client) perform(request *http.Request) (*http.Response, error) {
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.http.Do(request)
}

func (c *client) unreachable(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return orrery.Errorf(orrery.Unavailable, "server_unreachable", "the server at %s does not answer", c.base).Because(cause).
		WithNext("if it has crashed, start it again: orrery up")
}

// maxProblem bounds what is read of an error's description, in bytes.
const maxProblem = 16 << 20

// problemError turns a server's problem details back into an error.
func problemError(response *http.Response) error {
	var p api.Problem
	if err := json.NewDecoder(io.LimitReader(response.Body, maxProblem)).Decode(&p); err != nil || p.Code == "" {
		return orrery.Errorf(orrery.Internal, "server_failed", "the server answered %s", response.Status)
	}
	known := &orrery.Error{Kind: api.KindOf(p.Status), Code: p.Code, Message: p.Detail, Field: p.Field, Next: p.Next}
	if p.Code == "key_missing" {
		known = known.WithNext("put the key into the environment variable %s", keyVariable)
	}
	return known
}
