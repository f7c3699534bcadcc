package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/review"
	"orrery.dev/serve"
)

// client names the key of a request, empty where there are no keys.
func (s *Server) client(r *http.Request) string {
	if name := s.actor(r).Name; name != access.Loopback {
		return name
	}
	return ""
}

func (s *Server) listReviews(w http.ResponseWriter, r *http.Request) {
	page, err := s.reviewPage(r)
	s.reply(w, r, page, err)
}

func (s *Server) reviewPage(r *http.Request) (*ReviewPage, error) {
	return ListReviews(s.engine, r.URL.Query())
}

// ListReviews gives the page of what waits for a reviewer that a query asks for.
func ListReviews(engine *serve.Engine, query url.Values) (*ReviewPage, error) {
	limit, err := limitOf(query.Get("limit"), reviewsDefault, reviewsMax)
	if err != nil {
		return nil, err
	}
	f, err := filterOf(query.Get("action"), query.Get("why"))
	if err != nil {
		return nil, err
	}
	after := orrery.Offset(0)
	if text := query.Get("after"); text != "" {
		if after, err = serve.ParseDecisionID(text); err != nil {
			return nil, err
		}
	}
	return ReadReviews(engine, f, after, limit)
}

// limitOf reads how many entries of a page are asked for.
func limitOf(text string, otherwise, most int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, orrery.Errorf(orrery.Invalid, "limit_invalid", "%q is no number of entries", text).WithField("limit").WithNext("ask for 1 to %d", most)
	}
	return n, nil
}

func (s *Server) showReview(w http.ResponseWriter, r *http.Request) {
	decision, err := serve.ParseDecisionID(r.PathValue("id"))
	var shown *Review
	if err == nil {
		err = s.personal(r, func(personal bool) (err error) {
			shown, err = ReadReview(r.Context(), s.engine, decision, personal)
			return err
		})
	}
	s.reply(w, r, shown, err)
}

func (s *Server) claimReview(w http.ResponseWriter, r *http.Request) {
	var request ClaimRequest
	err := readJSON(w, r, &request, `{"reviewer": "ann"}`)
	var shown *Review
	if err == nil {
		err = s.personal(r, func(personal bool) (err error) {
			shown, err = ClaimReview(r.Context(), s.engine, request, s.client(r), personal)
			return err
		})
	}
	s.reply(w, r, shown, err)
}

func (s *Server) giveVerdict(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	decision, err := serve.ParseDecisionID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var request VerdictRequest
	if err := readJSON(w, r, &request, `{"reviewer": "ann", "verdict": true}`); err != nil {
		return nil, err
	}
	return GiveVerdict(ctx, s.engine, decision, request, s.client(r))
}

func (s *Server) reviewAct(do doReview) act {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
		decision, err := serve.ParseDecisionID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		var request ReviewActRequest
		if err := readJSON(w, r, &request, `{"reviewer": "ann", "reason": "I know them"}`); err != nil {
			return nil, err
		}
		return do(ctx, s.engine, decision, request, s.client(r))
	}
}

func (s *Server) agreement(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	since := orrery.Instant(0)
	if text := r.URL.Query().Get("since"); text != "" {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", text).WithField("since").WithNext("write it as in 2018-07-18T09:30:00Z")
		}
		since = orrery.InstantOf(t)
	}
	takeTime(w)
	return Agreement(s.engine, since)
}

// ReviewState says how the queue does.
type ReviewState struct {
	Open    int `json:"open"`
	Claimed int `json:"claimed"`
	// Oldest is since when the oldest waits.
	Oldest string `json:"oldest,omitempty"`
	// Verdicts counts those since the start, by round.
	Verdicts map[string]int64 `json:"verdicts"`
}

// ReadReviewState says how the queue does.
func ReadReviewState(engine *serve.Engine) (*ReviewState, error) {
	if _, _, err := engine.Reviews(review.Filter{}, 0, 1); err != nil {
		return nil, err
	}
	st := engine.ReviewStats()
	out := &ReviewState{Open: st.Open, Claimed: st.Claimed, Verdicts: map[string]int64{}}
	if st.Open > 0 {
		out.Oldest = st.Oldest.String()
	}
	for round, n := range st.Given {
		out.Verdicts[string(round)] = n
	}
	return out, nil
}

func (s *Server) reviewStats(context.Context, http.ResponseWriter, *http.Request) (any, error) {
	return ReadReviewState(s.engine)
}
