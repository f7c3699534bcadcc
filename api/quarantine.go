package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/serve"
)

// Quarantine keeps what is refused, where the sender asks for it.
type Quarantine interface {
	serve.Quarantine
	Put(items []quarantine.Item, over int64) (kept int, err error)
	// Size gives how many items there are, and how many more were refused.
	Size() (items int, over int64, err error)
}

// keeper puts what is refused of one request in quarantine. One that is nil
// keeps nothing.
type keeper struct {
	server  *Server
	source  string
	event   string
	wrapped *envelopes
	// numbers are those of the lines, where the input is a stream of them.
	numbers []int64
	items   []quarantine.Item
}

// keeper gives one where the parameter quarantine says so: true or false, and
// otherwise as usual for the kind of request. A stream's sender has mostly gone on
// when a line of it is refused; the sender of one request is there to mend it.
func (s *Server) keeper(r *http.Request, in intake, wrapped *envelopes, usual bool) *keeper {
	if r.URL.RawQuery != "" {
		if asked, err := strconv.ParseBool(r.URL.Query().Get("quarantine")); err == nil {
			usual = asked
		}
	}
	if !usual || s.options.Quarantine == nil {
		return nil
	}
	k := &keeper{server: s, source: r.URL.Path, wrapped: wrapped}
	if in.decoder != nil {
		k.event = in.decoder.Type().Name
	}
	return k
}

// at says which lines of a stream come next.
func (k *keeper) at(numbers []int64) {
	if k != nil {
		k.numbers = numbers
	}
}

// refused notes that line i is refused; nil is one that was too long.
func (k *keeper) refused(line []byte, i int, err error) {
	if k == nil {
		return
	}
	number := int64(0)
	if k.numbers != nil {
		number = k.numbers[i]
	}
	k.items = append(k.items, quarantine.OfError(k.typeOf(err), k.source, number, k.server.engine.Now(), k.input(line), err))
}

// put keeps what was refused. The sender learns of it in any case, so that a
// quarantine that cannot be written stops nothing.
func (k *keeper) put() {
	if k == nil || len(k.items) == 0 {
		return
	}
	if _, err := k.server.options.Quarantine.Put(k.items, 0); err != nil {
		k.server.options.Logger.Error("refused input is not kept", "items", len(k.items), "error", err)
	}
	k.items = k.items[:0]
}

// typeOf names the type that a refused event was read as.
func (k *keeper) typeOf(err error) string {
	var event *ingest.EventError
	if k.event == "" && errors.As(err, &event) && k.server.known()[event.Event] != nil {
		return event.Event
	}
	return k.event
}

func (k *keeper) input(line []byte) ingest.RawInput {
	switch {
	case line == nil:
		in := ingest.Raw(ingest.InputJSON, "")
		in.Length = int64(k.server.options.Limits.Line) + 1
		return in
	case k.wrapped == nil:
		return ingest.Raw(ingest.InputJSON, string(line))
	case k.wrapped.header != nil:
		line = ingest.Structured(k.wrapped.header.Values, line)
	}
	return ingest.Raw(ingest.InputCloudEvent, string(line))
}

// kept gives the quarantine, an error where none is kept.
func (s *Server) kept() (Quarantine, error) {
	if s.options.Quarantine == nil {
		return nil, orrery.Errorf(orrery.NotFound, "quarantine_missing", "this server keeps no quarantine")
	}
	return s.options.Quarantine, nil
}

func (s *Server) listQuarantine(w http.ResponseWriter, r *http.Request) {
	listing, err := s.listing(r)
	s.reply(w, r, listing, err)
}

func (s *Server) listing(r *http.Request) (*quarantine.Listing, error) {
	q, err := s.kept()
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if query.Get("limit") == "" {
		limit, err = 100, nil
	}
	if err != nil || limit < 0 {
		return nil, orrery.Errorf(orrery.Invalid, "limit_invalid", "limit takes a number of items, not %q", query.Get("limit")).WithField("limit")
	}
	return q.List(quarantine.Selection{Event: query.Get("event"), Code: query.Get("code"), Source: query.Get("source")}, limit)
}

func (s *Server) showQuarantine(w http.ResponseWriter, r *http.Request) {
	q, err := s.kept()
	var listing *quarantine.Listing
	if err == nil {
		listing, err = q.List(quarantine.Selection{IDs: []string{r.PathValue("id")}}, 0)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, &listing.Items[0], nil)
}

// QuarantinePut is refused input to be kept.
type QuarantinePut struct {
	Items []quarantine.Item `json:"items"`
	// Over counts more that is not among the items.
	Over int64 `json:"over,omitempty"`
}

// Count says how many items something was done to.
type Count struct {
	Items int `json:"items"`
}

func (s *Server) putQuarantine(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	q, err := s.kept()
	var put QuarantinePut
	if err == nil {
		err = s.read(w, r, &put, `send {"items": [...]}`)
	}
	if err != nil {
		return nil, err
	}
	n, err := q.Put(put.Items, put.Over)
	return Count{n}, err
}

// Resubmission says which items to read again, and how changed.
type Resubmission struct {
	quarantine.Selection
	serve.Fix
}

// ResubmissionAnswer says what became of each item.
type ResubmissionAnswer struct {
	Results []serve.Resubmitted `json:"results"`
}

func (s *Server) resubmitQuarantine(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var request Resubmission
	q, err := s.selected(w, r, &request, &request.Selection)
	if err != nil {
		return nil, err
	}
	results, err := s.engine.Resubmit(ctx, q, request.Selection, request.Fix)
	return ResubmissionAnswer{results}, err
}

func (s *Server) dropQuarantine(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var sel quarantine.Selection
	q, err := s.selected(w, r, &sel, &sel)
	if err != nil {
		return nil, err
	}
	n, err := quarantine.DropSelected(q, sel)
	return Count{n}, err
}

// selected reads a request about some items.
func (s *Server) selected(w http.ResponseWriter, r *http.Request, request any, sel *quarantine.Selection) (Quarantine, error) {
	const next = `send {"ids": ["q…"]} or {"all": true}`
	q, err := s.kept()
	if err == nil {
		err = s.read(w, r, request, next)
	}
	if err == nil && sel.Empty() {
		err = orrery.Errorf(orrery.Invalid, "nothing_selected", "no items are named").WithNext(next)
	}
	return q, err
}

func (s *Server) imported(w http.ResponseWriter, r *http.Request) {
	at, err := s.engine.Imported(r.PathValue("import"))
	s.reply(w, r, at, err)
}

func (s *Server) setImported(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var at ingest.Position
	if err := s.read(w, r, &at, `send {"events": 4096, "digest": "…"}`); err != nil {
		return nil, err
	}
	return at, s.engine.SetImported(r.PathValue("import"), at)
}

// read decodes the request's body.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any, next string) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, s.options.Limits.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return orrery.Errorf(orrery.Invalid, "json_invalid", "the request's body is not what was expected").Because(err).WithNext("%s", next)
	}
	return nil
}
