package serve

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/store/memory"
)

const networked = `
orrery: 1
system: chat
entities: [author]
events:
  message:
    id: message_id
    time: at
    fields: {message_id: string, at: timestamp, author: entity, text: string}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, message_id: string, rude: bool}
decide_on: message
text: message.text
features:
  messages: {count: message, by: author, window: 1d}
label: {from: verdict.rude, match: message_id, matures_after: 1d}
model: {kind: onnx, file: m.onnx, tokenizer: t.json}
policy:
  - {when: score >= 0.5, action: remove}
  - {when: messages > 1000, action: silence}
  - {action: allow}
answer: {deadline: 1h, fallback: review}
`

// mouths is an encoder with one number, how often a text says "rude". It fails on a
// text with "fail", panics on one with "panic" and waits on one with "slow".
type mouths struct {
	mu   sync.Mutex
	runs []int
	// off is added to the number, as another library would.
	off     float64
	missing error
}

func (m *mouths) Ready() error          { return m.missing }
func (m *mouths) Columns() (int, error) { return 1, nil }
func (m *mouths) Close() error          { return nil }
func (m *mouths) Run(texts []string, rows []float64) error {
	m.mu.Lock()
	m.runs = append(m.runs, len(texts))
	m.mu.Unlock()
	for i, text := range texts {
		switch {
		case strings.Contains(text, "fail"):
			return errors.New("the library is unwell")
		case strings.Contains(text, "panic"):
			panic("the library is gone")
		case strings.Contains(text, "slow"):
			time.Sleep(2 * time.Hour)
		}
		rows[i] = 4*float64(strings.Count(text, "rude")) - 2 + m.off
	}
	return nil
}

// networkedEngine is a system with a network that is the whole model, in force
// without its release saying so. Its plan is the one that verifies, too.
func networkedEngine(t *testing.T, encoder *mouths) *Engine {
	t.Helper()
	s := orrerytest.Spec(t, networked)
	e, err := Open(t.Context(), memory.New(), s, Options{Registry: builtin.Registry(), Clock: func() orrery.Instant {
		return orrery.InstantOf(time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC))
	}})
	if err != nil {
		t.Fatal(err)
	}
	replace(t, e, encoder)
	return e
}

// replace has another encoder run the network.
func replace(t *testing.T, e *Engine, encoder *mouths) {
	t.Helper()
	m, err := model.NewONNX(model.ONNXParts{Files: model.ONNXFiles{Network: []byte("n"), Tokenizer: []byte("t")}, Columns: 1, Order: []int{1}, Encoder: encoder})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(e.Plan().Release, e.Plan().Spec, m)
	if err != nil {
		t.Fatal(err)
	}
	e.reader.plans.Store(p.Release, p)
	if err := e.between(t.Context(), func() error { e.current.Store(newRuntime(p)); return nil }); err != nil {
		t.Fatal(err)
	}
}

var numbered int

func messages(e *Engine, texts ...string) []orrery.Event {
	message := e.Plan().Spec.DecideOn
	out := make([]orrery.Event, len(texts))
	for i, text := range texts {
		numbered++
		id, at := fmt.Sprint("m", numbered), orrery.InstantOf(time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC))
		out[i] = orrery.Event{Type: message, ID: id, Time: at,
			Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(at), orrery.EntityValue("a"), orrery.StringValue(text)}}
	}
	return out
}

func actionsOf(t *testing.T, e *Engine, texts ...string) (actions, fallbacks []string) {
	t.Helper()
	results, err := e.Decide(t.Context(), messages(e, texts...), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		actions, fallbacks = append(actions, r.Decision.Action), append(fallbacks, r.Decision.Fallback)
	}
	return actions, fallbacks
}

// A network that fails on a text is answered for by the fallback, and the texts
// beside that one have their scores.
func TestNetworkFailureIsAnsweredFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		encoder := &mouths{}
		e := networkedEngine(t, encoder)
		actions, fallbacks := actionsOf(t, e, "rude", "kind", "fail", "panic", "rude rude")
		if want := []string{"remove", "allow", "review", "review", "remove"}; !slices.Equal(actions, want) {
			t.Errorf("actions %q, want %q", actions, want)
		}
		if want := []string{"", "", plan.FallbackFault, plan.FallbackFault, ""}; !slices.Equal(fallbacks, want) {
			t.Errorf("fallbacks %q, want %q", fallbacks, want)
		}
		for text, want := range map[string]string{"fail": "review", "panic": "review", "rude": "remove"} {
			if actions, _ := actionsOf(t, e, text); actions[0] != want {
				t.Errorf("%s: %s", text, actions[0])
			}
		}
		v, err := e.Reader().Verify(t.Context(), nil)
		if err != nil || v.Different != 0 || v.Decisions != 8 || v.Encoded == nil || v.Encoded.Scores != 4 || v.Encoded.Outside != 0 {
			t.Errorf("verification %+v %+v %v", v, v.Encoded, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Texts of a job are encoded together, and one text by itself.
func TestJobIsEncodedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		encoder := &mouths{}
		e := networkedEngine(t, encoder)
		texts := make([]string, 2*aheadBlock+3)
		for i := range texts {
			texts[i] = strings.Repeat("rude ", i%2)
		}
		actions, _ := actionsOf(t, e, texts...)
		for i, action := range actions {
			if want := []string{"allow", "remove"}[i%2]; action != want {
				t.Fatalf("text %d: %s, want %s", i, action, want)
			}
		}
		actionsOf(t, e, "one")
		if want := []int{aheadBlock, aheadBlock, 3, 1}; !slices.Equal(encoder.runs, want) {
			t.Errorf("texts were run in batches of %d, want %d", encoder.runs, want)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A network that takes too long is answered for by the deadline's fallback.
func TestSlowNetworkIsAnsweredForInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := networkedEngine(t, &mouths{})
		begun := time.Now()
		actions, fallbacks := actionsOf(t, e, "slow")
		if actions[0] != "review" || fallbacks[0] != plan.FallbackDeadline || time.Since(begun) > time.Hour+time.Second {
			t.Errorf("%s, %s after %v", actions, fallbacks, time.Since(begun))
		}
		if v, err := e.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 || v.Encoded != nil {
			t.Errorf("verification %+v %v", v, err)
		}
		time.Sleep(2 * time.Hour) // the scorer that was left ends
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Scores are computed again within their tolerance, what follows from those recorded
// bit by bit, and where the network cannot be run that is said.
func TestScoresOfANetworkAreVerifiedWithinTolerance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := networkedEngine(t, &mouths{})
		actionsOf(t, e, "rude", "kind", "so rude", "")
		for _, c := range []struct {
			name          string
			encoder       *mouths
			outside, left int64
		}{
			{"the same", &mouths{}, 0, 0}, {"nearly", &mouths{off: 1e-3}, 0, 0}, {"another", &mouths{off: 0.3}, 4, 0}, {"none", &mouths{missing: errors.New("no library")}, 0, 4},
		} {
			replace(t, e, c.encoder)
			v, err := e.Reader().Verify(t.Context(), nil)
			if err != nil || v.Different != 0 || v.Decisions != 4 || v.Encoded == nil {
				t.Fatalf("%s: verification %+v %v", c.name, v, err)
			}
			r := v.Encoded
			if r.Outside != c.outside || r.Left != c.left || r.Scores+r.Left != 4 || v.Clean() != (c.outside == 0) || int64(len(v.First)) != c.outside || (r.Because != "") != (c.left > 0) {
				t.Errorf("%s: %+v, first %+v", c.name, r, v.First)
			}
			if (r.Greatest > 0) != (c.encoder.off > 0) {
				t.Errorf("%s: the greatest difference is %v", c.name, r.Greatest)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
