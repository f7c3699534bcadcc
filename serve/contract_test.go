package serve_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/ingest"
	"orrery.dev/release"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store/memory"
)

// growing is a spec whose contract grows: fields and events are added anywhere.
type growing struct {
	order    []string // the fields of the event decided on, as in the file
	others   []string // further events, as in the file
	features []string
	entities []string
	added    int
}

func newGrowing() *growing {
	return &growing{entities: []string{"buyer"},
		order:    []string{"order_id: string", "at: timestamp", "buyer: entity", "amount: {type: decimal, scale: 2}"},
		features: []string{"amount: order.amount", "spent: {sum: order.amount, by: buyer, window: [1h, 1d]}"}}
}

func (g *growing) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "orrery: 1\nsystem: shop\nentities: [%s]\nevents:\n", strings.Join(g.entities, ", "))
	fmt.Fprintf(&b, "  order:\n    id: order_id\n    time: at\n    fields:\n      %s\n", strings.Join(g.order, "\n      "))
	for _, e := range g.others {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	fmt.Fprintf(&b, "decide_on: order\nfeatures:\n  %s\n", strings.Join(g.features, "\n  "))
	b.WriteString("policy:\n  - {when: spent_1h > 300, action: review}\n  - {action: approve}\n")
	return b.String()
}

func (g *growing) spec(t testing.TB) *spec.Spec {
	t.Helper()
	s, diagnostics := spec.Check("system.yaml", []byte(g.text()), builtin.Registry())
	if s == nil {
		t.Fatalf("%v\n%s", diagnostics, g.text())
	}
	return s
}

func insert(random *rand.Rand, list []string, item string) []string {
	at := random.IntN(len(list) + 1)
	return append(list[:at:at], append([]string{item}, list[at:]...)...)
}

// grow adds one thing, and a feature that reads it.
func (g *growing) grow(random *rand.Rand) {
	g.added++
	n := g.added
	switch random.IntN(5) {
	case 0:
		g.order = insert(random, g.order, fmt.Sprintf("extra%d: {type: int, default: %d}", n, n))
		g.features = append(g.features, fmt.Sprintf("extra_sum%d: {sum: order.extra%d, by: buyer, window: 1d}", n, n))
	case 1:
		g.order = insert(random, g.order, fmt.Sprintf("channel%d: {type: string, default: web}", n))
		g.features = append(g.features, fmt.Sprintf("web%d: {count: order, by: buyer, window: ever, where: 'order.channel%d == \"web\"'}", n, n))
	case 2:
		g.order = insert(random, g.order, fmt.Sprintf("maybe%d: {type: float, optional: true}", n))
		g.features = append(g.features, fmt.Sprintf("maybe_mean%d: {mean: order.maybe%d, by: buyer, window: 12h}", n, n), fmt.Sprintf("maybe_now%d: order.maybe%d", n, n))
	case 3:
		g.others = append(g.others, fmt.Sprintf("visit%d: {id: visit_id, time: at, fields: {visit_id: string, at: timestamp, buyer: entity}}", n))
		g.features = append(g.features, fmt.Sprintf("visits%d: {count: visit%d, by: buyer, window: 1d}", n, n))
	case 4:
		g.entities = insert(random, g.entities, fmt.Sprintf("shop%d", n))
		g.order = insert(random, g.order, fmt.Sprintf("shop%d: {type: entity, optional: true}", n))
		g.features = append(g.features, fmt.Sprintf("at_shop%d: {count: order, by: shop%d, window: 1d}", n, n))
	}
}

// event makes an event of a spec, leaving out fields that have a default or
// are optional half of the time.
func event(t testing.TB, random *rand.Rand, typ *orrery.EventType, n int, at orrery.Instant) orrery.Event {
	t.Helper()
	var members []string
	for i := range typ.Fields {
		f := &typ.Fields[i]
		if (f.Optional || !f.Default.IsMissing()) && random.IntN(2) == 0 {
			continue
		}
		value := fmt.Sprint(random.IntN(100))
		switch f.Type {
		case orrery.Timestamp:
			value = `"` + at.String() + `"`
		case orrery.String:
			value = fmt.Sprintf("%q", []string{"web", "shop"}[random.IntN(2)])
			if i == typ.IDField {
				value = fmt.Sprintf(`"e%d"`, n)
			}
		case orrery.Bool:
			value = fmt.Sprint(random.IntN(2) == 0)
		case orrery.Entity:
			value = fmt.Sprintf(`"k%d"`, random.IntN(6))
		}
		members = append(members, fmt.Sprintf("%q: %s", f.Name, value))
	}
	e, err := ingest.NewDecoder(typ).Decode([]byte("{" + strings.Join(members, ", ") + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestTheContractGrows extends the contract again and again, by a restart with a
// new spec or by a release that a running engine takes, with events of the spec
// before still coming in. Every decision verifies to the end, old releases can
// be put in force again, and no state is built anew that was kept before.
func TestTheContractGrows(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { growContract(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func growContract(t *testing.T, random *rand.Rand) {
	now := orrery.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	st, g := memory.New(), newGrowing()
	options := serve.Options{Registry: builtin.Registry(), CheckpointEvery: 5 * time.Millisecond, Clock: func() orrery.Instant { return now }}
	s := g.spec(t)
	engine, err := serve.Open(t.Context(), st, s, options)
	if err != nil {
		t.Fatal(err)
	}
	events, sent := 0, []orrery.Event{}
	send := func(s *spec.Spec) {
		t.Helper()
		for range 30 {
			now = now.Add(10 * orrery.Minute)
			events++
			e := event(t, random, s.Contract.Events[random.IntN(len(s.Contract.Events))], events, now)
			submit := func(e orrery.Event) serve.Result {
				var results []serve.Result
				if e.Type.Name == "order" {
					results, err = engine.Decide(t.Context(), []orrery.Event{e}, 0)
				} else {
					results, err = engine.Ingest(t.Context(), []orrery.Event{e}, false)
				}
				if err != nil {
					t.Fatal(err)
				}
				return results[0]
			}
			if r := submit(e); r.Err != nil || r.Repeated {
				t.Fatalf("event %s: %+v", e.ID, r)
			}
			sent = append(sent, e)
			if again := sent[random.IntN(len(sent))]; random.IntN(4) == 0 {
				if r := submit(again); r.Err != nil || !r.Repeated {
					t.Fatalf("event %s again: %+v", again.ID, r)
				}
			}
		}
	}
	verify := func() {
		t.Helper()
		v, err := engine.Reader().Verify(t.Context(), nil)
		if err != nil || v.Different > 0 || v.Events != int64(events) {
			t.Fatalf("%d events: %+v, %v\n%s", events, v, err, g.text())
		}
	}
	first := engine.Plan().Release
	for range 6 {
		send(s)
		before := s
		g.grow(random)
		s = g.spec(t)
		if random.IntN(2) == 0 {
			if err := engine.Close(); err != nil {
				t.Fatal(err)
			}
			if engine, err = serve.Open(t.Context(), st, s, options); err != nil {
				t.Fatal(err)
			}
		} else {
			id, err := release.Save(st.Blob(), s.System, &release.Release{Spec: s.Source})
			if err != nil {
				t.Fatal(err)
			}
			if err := engine.Install(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			send(before) // Clients that know nothing of it yet.
		}
		verify()
	}
	send(s)
	if err := engine.Install(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	send(s)
	verify()
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	// The spec as it was at first now lacks what is recorded.
	if _, err = serve.Open(t.Context(), st, newGrowing().spec(t), options); orrery.CodeOf(err) != "contract_changed" {
		t.Errorf("a spec that lacks what was added: %v", err)
	}
	if engine, err = serve.Open(t.Context(), st, s, options); err != nil {
		t.Fatal(err)
	}
	verify()
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFaultOfAContractIsTold: a change that is refused leaves the data
// alone and names all that is wrong.
func TestEveryFaultOfAContractIsTold(t *testing.T) {
	st, g := memory.New(), newGrowing()
	options := serve.Options{Registry: builtin.Registry()}
	engine, err := serve.Open(t.Context(), st, g.spec(t), options)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	changed := newGrowing()
	changed.order = []string{"order_id: string", "at: timestamp", "buyer: entity", "amount: {type: decimal, scale: 3}", "note: string"}
	_, err = serve.Open(t.Context(), st, changed.spec(t), options)
	for _, want := range []string{"events.order.fields.amount", "the scale was 2 and is now 3", "events.order.fields.note", "default"} {
		if err == nil || orrery.CodeOf(err) != "contract_changed" || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if engine, err = serve.Open(t.Context(), st, g.spec(t), options); err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
}
