package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/control"
	"orrery.dev/serve"
)

// Limits on what a page of a list holds.
const (
	pageDefault = 1000
	pageMax     = 10_000
)

// List describes a list of the system.
type List struct {
	Name string `json:"name"`
	// Of is the entity, or event.field, whose values are on it.
	Of    string `json:"of"`
	About string `json:"about,omitempty"`
	// Match is terms for a list of terms, which can be of Categories.
	Match      string   `json:"match,omitempty"`
	Categories []string `json:"categories,omitempty"`
	// Value describes the number that goes with each entry, nil where none does.
	Value   *ListValue `json:"value,omitempty"`
	Entries int        `json:"entries"`
}

// ListValue describes the numbers of a list: that of what is not listed, and their
// bounds, which are nil where there are none.
type ListValue struct {
	Default float64  `json:"default"`
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
}

// ListPage is some of a list's entries, in the order of their keys.
type ListPage struct {
	List    string      `json:"list"`
	Entries []ListEntry `json:"entries"`
	// Next is the last key of this page, where there may be more: ?after=NEXT.
	Next string `json:"next,omitempty"`
}

// ListEntry is one key on a list.
type ListEntry struct {
	Key   string `json:"key"`
	Since string `json:"since"`
	// Until is the first event time at which it is not listed any more.
	Until string `json:"until,omitempty"`
	// Value, Category and Allow are what goes with it.
	Value    *float64 `json:"value,omitempty"`
	Category string   `json:"category,omitempty"`
	Allow    bool     `json:"allow,omitempty"`
	By       string   `json:"by,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

// ListItem is a key that is put on a list, with what goes with it: in JSON an
// object, or the key alone.
type ListItem struct {
	Key Key `json:"key"`
	// Value is the number that goes with it, on a list that declares one.
	Value *float64 `json:"value,omitempty"`
	// Category is that of a term. Allow has a term cancel those that it overlaps.
	Category string `json:"category,omitempty"`
	Allow    bool   `json:"allow,omitempty"`
	// Until takes the place of the change's.
	Until *time.Time `json:"until,omitempty"`
	// Line is where it stands in a file, for what is said of faults.
	Line int `json:"line,omitempty"`
}

// UnmarshalJSON reads an object, or a key.
func (i *ListItem) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '{' {
		*i = ListItem{}
		return i.Key.UnmarshalJSON(text)
	}
	type object ListItem // without this method
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*object)(i))
}

// ListChange puts keys on a list and takes others off.
type ListChange struct {
	Add    []ListItem `json:"add,omitempty"`
	Remove []Key      `json:"remove,omitempty"`
	// Until ends the entries added, for events that happen from then on.
	Until  *time.Time `json:"until,omitempty"`
	By     string     `json:"by,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// Key is an entity's key: a string, or an integer that stands for its digits.
type Key string

// UnmarshalJSON reads a string or an integer.
func (k *Key) UnmarshalJSON(text []byte) error {
	var i int64
	if err := json.Unmarshal(text, &i); err == nil && string(text) != "null" {
		*k = Key(strconv.FormatInt(i, 10))
		return nil
	}
	return json.Unmarshal(text, (*string)(k))
}

// ListChanged says what a change came to.
type ListChanged struct {
	// Offset is the change's place in the log: it acts on decisions after it.
	Offset  orrery.Offset `json:"offset"`
	Added   int           `json:"added"`
	Removed int           `json:"removed"`
}

// PauseState says whether a system is paused.
type PauseState struct {
	Paused bool   `json:"paused"`
	Since  string `json:"since,omitempty"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Lists describes the lists of the release in force.
func Lists(ctx context.Context, engine *serve.Engine) ([]List, error) {
	out := []List{}
	for _, l := range engine.Plan().Spec.Lists {
		n, err := engine.ListSize(ctx, l.Name)
		if err != nil {
			return nil, err
		}
		one := List{Name: l.Name, Of: l.Of, About: l.About, Categories: l.Categories, Entries: n}
		if l.Terms {
			one.Match = "terms"
		}
		if v := l.Value; v != nil {
			one.Value = &ListValue{Default: v.Default, Min: bound(v.Min), Max: bound(v.Max)}
		}
		out = append(out, one)
	}
	return out, nil
}

// bound gives a bound as JSON can hold it, nil for none.
func bound(x float64) *float64 {
	if math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// ReadList gives a page of a list: at most limit entries after a key. With
// personal, the keys that pseudonyms stand for are given in their place.
func ReadList(ctx context.Context, engine *serve.Engine, list, after string, limit int, personal bool) (*ListPage, error) {
	entries, err := engine.Listed(ctx, list, after, limit)
	if err != nil {
		return nil, err
	}
	page := &ListPage{List: list, Entries: make([]ListEntry, len(entries))}
	for i, e := range entries {
		page.Entries[i] = ListEntry{Key: e.Key, Since: e.Since.String(), Value: e.Value, Category: e.Category, Allow: e.Allow, By: e.By, Reason: e.Reason}
		if e.Until != 0 {
			page.Entries[i].Until = e.Until.String()
		}
	}
	if n := len(entries); n == limit {
		page.Next = entries[n-1].Key
	}
	if personal && engine.PersonalList(list) {
		for i := range page.Entries {
			if page.Entries[i].Key, err = engine.Reader().Name(page.Entries[i].Key); err != nil {
				return nil, err
			}
		}
	}
	return page, nil
}

// ChangeList makes a change of a list.
func ChangeList(ctx context.Context, engine *serve.Engine, list string, c ListChange) (*ListChanged, error) {
	change := control.Change{List: list, Note: control.Note{By: c.By, Reason: c.Reason}}
	if c.Until != nil {
		change.Until = orrery.InstantOf(*c.Until)
	}
	for i := range c.Add {
		in := &c.Add[i]
		item := control.Item{Key: string(in.Key), Line: in.Line, Details: control.Details{Value: in.Value, Category: in.Category, Allow: in.Allow}}
		if in.Until != nil {
			item.Until = orrery.InstantOf(*in.Until)
		}
		change.Add = append(change.Add, item)
	}
	for _, key := range c.Remove {
		change.Remove = append(change.Remove, string(key))
	}
	done, err := engine.ChangeList(ctx, change)
	if err != nil {
		return nil, err
	}
	return &ListChanged{Offset: done.Offset, Added: done.Added, Removed: done.Removed}, nil
}

// ReadPause says whether a system is paused.
func ReadPause(ctx context.Context, engine *serve.Engine) (*PauseState, error) {
	pause, paused, err := engine.Paused(ctx)
	if err != nil || !paused {
		return &PauseState{}, err
	}
	return &PauseState{Paused: true, Since: pause.Since.String(), By: pause.By, Reason: pause.Reason}, nil
}

// Pause pauses a system, or resumes it.
func Pause(ctx context.Context, engine *serve.Engine, paused bool, note control.Note) (*PauseState, error) {
	act := engine.Resume
	if paused {
		act = engine.Pause
	}
	if _, err := act(ctx, note); err != nil {
		return nil, err
	}
	return ReadPause(ctx, engine)
}

func (s *Server) lists(w http.ResponseWriter, r *http.Request) {
	lists, err := Lists(r.Context(), s.engine)
	s.reply(w, r, map[string][]List{"lists": lists}, err)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	limit := pageDefault
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > pageMax {
			s.fail(w, r, orrery.Errorf(orrery.Invalid, "limit_invalid", "%q is no number of entries", text).WithField("limit").
				WithNext("ask for 1 to %d", pageMax))
			return
		}
		limit = n
	}
	var page *ListPage
	err := s.personal(r, func(personal bool) (err error) {
		page, err = ReadList(r.Context(), s.engine, r.PathValue("list"), r.URL.Query().Get("after"), limit, personal)
		return err
	})
	s.reply(w, r, page, err)
}

func (s *Server) changeList(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var change ListChange
	if err := readBody(w, r, maxListChange, &change, `{"add": ["596"], "reason": "chargeback"}`); err != nil {
		return nil, err
	}
	change.By = s.by(r, change.By)
	return ChangeList(ctx, s.engine, r.PathValue("list"), change)
}

// by says who changes something: the key, where there are keys, and who the
// client says.
func (s *Server) by(r *http.Request, said string) string {
	who := s.actor(r)
	if who.Name == access.Loopback {
		return said
	}
	if said == "" {
		return "key " + who.Name
	}
	return "key " + who.Name + ": " + said
}

func (s *Server) paused(w http.ResponseWriter, r *http.Request) {
	state, err := ReadPause(r.Context(), s.engine)
	s.reply(w, r, state, err)
}

func (s *Server) pause(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	return s.setPause(ctx, w, r, true)
}

func (s *Server) resume(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	return s.setPause(ctx, w, r, false)
}

func (s *Server) setPause(ctx context.Context, w http.ResponseWriter, r *http.Request, paused bool) (any, error) {
	var note control.Note
	if err := readJSON(w, r, &note, `{} or {"by": "ann", "reason": "the feed is wrong"}`); err != nil {
		return nil, err
	}
	note.By = s.by(r, note.By)
	return Pause(ctx, s.engine, paused, note)
}

// maxControl bounds the body of an administrative request, in bytes;
// maxListChange that of a change of a list, which may name very many keys.
const (
	maxControl    = 4 << 20
	maxListChange = 128 << 20
)

// readJSON reads a request's body, which may be empty, into a value; example is
// what could have been sent.
func readJSON(w http.ResponseWriter, r *http.Request, into any, example string) error {
	return readBody(w, r, maxControl, into, example)
}

// readBody reads a body of at most so many bytes in the same way.
func readBody(w http.ResponseWriter, r *http.Request, most int64, into any, example string) error {
	if r.ContentLength == 0 {
		return nil
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
	case errors.As(err, &large):
		return bodyError(err)
	case err != nil:
		return orrery.Errorf(orrery.Invalid, "json_invalid", "the request's body is not what was expected").Because(err).WithNext("send %s", example)
	}
	return nil
}
