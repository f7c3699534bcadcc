package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/memory"
	"orrery.dev/train"
)

// chatSpec is a system that stands in for the Perspective API.
const chatSpec = `
orrery: 1
system: chat
entities: [author, channel]
events:
  message:
    id: message_id
    time: at
    fields: {message_id: string, at: timestamp, author: entity, channel: entity, text: string}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, message_id: string, author: entity, label: string, note: {type: string, optional: true}}
decide_on: message
text: {of: message.text, languages: [en, de]}
features:
  messages: {count: message, by: author, window: 1h}
  hateful: {count: verdict, where: 'verdict.label == "hate"', by: author, window: 1d}
label: {from: verdict.label, classes: [hate, offensive, neither], match: message_id, matures_after: 1h}
model: {kind: text, train: {range: 30d}}
policy:
  - {when: scores.hate >= 0.5, action: remove}
  - {when: messages > 100, action: slow}
  - {action: allow}
perspective:
  attributes:
    TOXICITY: scores.hate + scores.offensive
    IDENTITY_ATTACK: scores.hate
    SPAM: messages / 10
    FLIRTATION: 7
  session: message.author
  community: message.channel
  suggest:
    - {attribute: IDENTITY_ATTACK, above: hate}
    - {attribute: TOXICITY, above: offensive, below: neither}
`

// chat is a running system, trained on made-up words: flurg is a slur, drat a
// curse.
type chat struct {
	*httptest.Server
	store  store.Store
	engine *serve.Engine
}

func newChat(t *testing.T, o api.Options) *chat {
	t.Helper()
	return newChatOf(t, chatSpec, o)
}

// newChatOf is newChat of another spec with the same events.
func newChatOf(t *testing.T, source string, o api.Options) *chat {
	t.Helper()
	st := memory.New()
	s := orrerytest.Spec(t, source)
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	begin := orrery.InstantOf(time.Now().Add(-48 * time.Hour).Truncate(time.Hour))
	message, verdict := s.Contract.Event("message"), s.Contract.Event("verdict")
	templates := map[string][]string{
		"hate":      {"all flurg are filth %d", "get the flurg out of here %d", "no flurg in my street %d"},
		"offensive": {"drat that, you fool %d", "what a load of drat %d", "drat drat drat %d"},
		"neither":   {"the bread is good today %d", "see you at noon %d", "who won the game %d"},
	}
	n := 0
	for _, label := range []string{"hate", "offensive", "neither"} {
		for i := range 90 {
			id, at := fmt.Sprint("m", n), begin.Add(orrery.Duration(n)*orrery.Minute)
			text := fmt.Sprintf(templates[label][i%3], i)
			m := orrery.Event{Type: message, ID: id, Time: at, Received: at, Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(at),
				orrery.EntityValue(fmt.Sprint("a", n%20)), orrery.EntityValue("c"), orrery.StringValue(text)}}
			v := orrery.Event{Type: verdict, ID: id, Time: at, Received: at, Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(at),
				orrery.StringValue(id), orrery.EntityValue("nobody"), orrery.StringValue(label), {}}}
			if _, err := engine.Ingest(t.Context(), []orrery.Event{m, v}, true); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	kind, _ := builtin.Trainer("text")
	r, counts, err := serve.Learn(t.Context(), st, engine.Reader(), serve.Lesson{Spec: s, Kind: "text",
		Range: replay.Range{From: begin, To: begin.Add(orrery.Day)},
		Fit: func(ctx context.Context, rows *train.Rows) (model.Model, error) {
			return kind.Fit(ctx, rows, train.Defaults(kind.Kind), nil)
		}})
	if err != nil || counts.Rows != n {
		t.Fatalf("%+v, %v", counts, err)
	}
	if err := engine.Install(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(engine, noJobs{}, o))
	t.Cleanup(func() {
		server.Close()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return &chat{Server: server, store: st, engine: engine}
}
