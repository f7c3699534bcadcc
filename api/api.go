// Package api is the HTTP interface: it decodes requests, hands them to the
// engine and maps the kinds of error to status codes in one place.
package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/replay"
	"orrery.dev/serve"
)

// Limits on what one request may hold.
const (
	// MaxBody bounds a JSON body, in bytes.
	MaxBody = 16 << 20
	// MaxBatch bounds the events of one JSON array.
	MaxBatch = 10_000
	// MaxLine bounds one line of an NDJSON stream, in bytes.
	MaxLine = 1 << 20
	// streamBatch is how many lines of an NDJSON stream are decided on together.
	streamBatch = 256
)

// Jobs are the long works that a server can be asked for.
type Jobs interface {
	// Train fits a model on the log, saves the release and puts it in force.
	Train(ctx context.Context, request TrainRequest) (*TrainAnswer, error)
	// Verify recomputes the log.
	Verify(ctx context.Context) (*replay.Verification, error)
	// Backup writes a copy of the data, as of one moment, in the form of package
	// backup's streams.
	Backup(ctx context.Context, w io.Writer) error
}

// TrainRequest says what to train on; the zero value is what the spec says.
type TrainRequest struct {
	// Kind overrides the spec's model kind.
	Kind string `json:"model,omitempty"`
	// Range overrides the spec's: "2018-07-04..2018-07-11".
	Range string `json:"range,omitempty"`
}

// TrainAnswer says what was trained.
type TrainAnswer struct {
	Release   orrery.ReleaseID `json:"release"`
	Model     string           `json:"model"`
	Range     string           `json:"range"`
	Rows      int              `json:"rows"`
	Positives int              `json:"positives"`
	// Unknown rows had no label yet, can have none, or are stood for by others,
	// and were left out.
	Unknown int `json:"unknown"`
	// Explored rows were let through by chance and stand for others.
	Explored int `json:"explored"`
	// Outcomes counts those in the log.
	Outcomes replay.Outcomes `json:"outcomes"`
	Seconds  float64         `json:"seconds"`
	// InForce says that the running server has switched to the release.
	InForce bool `json:"in_force"`
}

// Server answers HTTP requests for one system.
type Server struct {
	engine *serve.Engine
	jobs   Jobs
	logger *slog.Logger
	// decoders are those of the contract in force, which a release may extend.
	decoders atomic.Pointer[decoders]
	mux      *http.ServeMux
}

type decoders struct {
	contract *orrery.Contract
	byName   map[string]*ingest.Decoder
}

// known gives the decoder of each event type by name.
func (s *Server) known() map[string]*ingest.Decoder {
	known, contract := s.decoders.Load(), s.engine.Plan().Spec.Contract
	if known == nil || known.contract != contract {
		known = &decoders{contract: contract, byName: map[string]*ingest.Decoder{}}
		for _, t := range contract.Events {
			known.byName[t.Name] = ingest.NewDecoder(t)
		}
		s.decoders.Store(known)
	}
	return known.byName
}

// New makes a server on an engine.
func New(engine *serve.Engine, jobs Jobs, logger *slog.Logger) *Server {
	s := &Server{engine: engine, jobs: jobs, logger: logger, mux: http.NewServeMux()}
	s.routes()
	return s
}

func (s *Server) routes() {
	s.mux.HandleFunc("GET /livez", s.live)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("GET /v1/systems", s.systems)
	s.mux.HandleFunc("GET /openapi.json", s.openapi)
	s.mux.HandleFunc("GET /docs", s.docs)
	system := func(pattern string, handler http.HandlerFunc) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if name := r.PathValue("system"); name != s.engine.Plan().Spec.System {
				s.fail(w, r, orrery.Errorf(orrery.NotFound, "system_not_found", "this server does not run the system %q", name).
					WithNext("it runs %q", s.engine.Plan().Spec.System))
				return
			}
			handler(w, r)
		})
	}
	system("POST /v1/systems/{system}/decisions", s.decide)
	system("GET /v1/systems/{system}/decisions/{id}", s.decision)
	system("POST /v1/systems/{system}/events/{event}", s.events)
	system("GET /v1/systems/{system}/entities/{entity}/{key}/features", s.features)
	system("GET /v1/systems/{system}/release", s.release)
	system("GET /v1/systems/{system}/lists", s.lists)
	system("GET /v1/systems/{system}/lists/{list}", s.list)
	system("POST /v1/systems/{system}/lists/{list}", s.changeList)
	system("GET /v1/systems/{system}/pause", s.paused)
	system("POST /v1/systems/{system}/pause", s.pause)
	system("POST /v1/systems/{system}/resume", s.resume)
	system("POST /v1/systems/{system}/train", s.train)
	system("POST /v1/systems/{system}/verify", s.verify)
	system("GET /v1/systems/{system}/backup", s.backup)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "no_such_endpoint", "there is no %s %s", r.Method, r.URL.Path).
			WithNext("POST an event to /v1/systems/%s/decisions", s.engine.Plan().Spec.System))
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"status": "live"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.engine.Err(); err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, map[string]string{"status": "ready"})
}

// System describes a running system.
type System struct {
	Name     string           `json:"name"`
	About    string           `json:"about,omitempty"`
	DecideOn string           `json:"decide_on"`
	Release  orrery.ReleaseID `json:"release"`
	// Model is false until the release in force has a trained model.
	Model bool `json:"model"`
	// Events is the number of records acknowledged.
	Events orrery.Offset `json:"log_offset"`
}

func (s *Server) describe() System {
	p := s.engine.Plan()
	return System{Name: p.Spec.System, About: p.Spec.About, DecideOn: p.Spec.DecideOn.Name, Release: p.Release, Model: p.HasModel(), Events: s.engine.Last()}
}

func (s *Server) systems(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string][]System{"systems": {s.describe()}})
}

func (s *Server) release(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.describe()) }

func (s *Server) decision(w http.ResponseWriter, r *http.Request) {
	record, err := s.record(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, record)
}

func (s *Server) record(id string) (*Record, error) {
	offset, err := serve.ParseDecisionID(id)
	if err != nil {
		return nil, err
	}
	return ReadRecord(s.engine.Reader(), offset)
}

func (s *Server) features(w http.ResponseWriter, r *http.Request) {
	entity, key := r.PathValue("entity"), r.PathValue("key")
	var at orrery.Instant
	if text := r.URL.Query().Get("at"); text != "" {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			s.fail(w, r, orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", text).WithField("at").
				WithNext("write it as in 2018-07-18T09:30:00Z"))
			return
		}
		at = orrery.InstantOf(t)
	}
	if !s.engine.Plan().Spec.Contract.HasEntity(entity) {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "entity_not_found", "the system has no entity %q", entity).
			WithNext("it has %v", s.engine.Plan().Spec.Contract.Entities))
		return
	}
	answer, err := Known(r.Context(), s.engine, entity, key, at)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, answer)
}

func (s *Server) train(w http.ResponseWriter, r *http.Request) {
	var request TrainRequest
	if err := readJSON(w, r, &request, `{} or {"model": "gbdt", "range": "2018-07-04..2018-07-11"}`); err != nil {
		s.fail(w, r, err)
		return
	}
	answer, err := s.jobs.Train(r.Context(), request)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, answer)
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	v, err := s.jobs.Verify(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, v)
}
