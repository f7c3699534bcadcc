package serve_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

func correctedSpec(t testing.TB) *spec.Spec {
	return orrerytest.Spec(t, `orrery: 1
system: shop
entities: [buyer]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, buyer: entity, amount: {type: decimal, scale: 2}}
  fix:
    corrects: order
    withdraws: gone
    id: fix_id
    time: at
    fields: {fix_id: string, at: timestamp, order_id: string, buyer: {type: entity, entity: buyer, optional: true}, amount: {type: decimal, scale: 2, optional: true}, gone: {type: bool, optional: true}}
decide_on: order
dedupe: {within: 20d}
features:
  spent: {sum: order.amount, by: buyer, window: [1h, 3d]}
  orders: {count: order, by: buyer, window: 2d}
  most: {max: order.amount, by: buyer, window: 2d}
policy: [{action: approve}]
`)
}

// corrections draws orders and corrections of them, at instants a minute apart.
type corrections struct {
	random *rand.Rand
	spec   *spec.Spec
	sent   int
	orders []string
}

func (c *corrections) value(t *orrery.EventType, e *orrery.Event, field string, v orrery.Value) {
	e.Values[t.Field(field)] = v
}

func (c *corrections) next() orrery.Event {
	c.sent++
	at := orrery.InstantOf(time.Date(2018, 11, 20, 0, c.sent, 0, 0, time.UTC))
	name, id := "order", fmt.Sprintf("o%d", c.sent)
	if len(c.orders) > 0 && c.random.IntN(3) > 0 {
		name = "fix"
	}
	t := c.spec.Contract.Event(name)
	e := orrery.Event{Type: t, ID: id, Time: at, Values: make([]orrery.Value, len(t.Fields))}
	c.value(t, &e, name+"_id", orrery.StringValue(id))
	c.value(t, &e, "at", orrery.TimestampValue(at))
	buyer, amount := orrery.EntityValue(fmt.Sprintf("b%d", c.random.IntN(12))), orrery.DecimalValue(c.random.Int64N(1000))
	if name == "order" {
		c.value(t, &e, "buyer", buyer)
		c.value(t, &e, "amount", amount)
		c.orders = append(c.orders, id)
		return e
	}
	c.value(t, &e, "order_id", orrery.StringValue(c.orders[max(0, len(c.orders)-1-c.random.IntN(1<<c.random.IntN(7)))]))
	if c.random.IntN(4) == 0 {
		c.value(t, &e, "buyer", buyer)
	}
	if c.random.IntN(2) == 0 {
		c.value(t, &e, "amount", amount)
	}
	if c.random.IntN(3) == 0 {
		c.value(t, &e, "gone", orrery.BoolValue(c.random.IntN(2) == 0))
	}
	return e
}

// counted is an order as it counts, as the oracle keeps it.
type counted struct {
	at     orrery.Instant
	buyer  string
	amount int64
	void   bool
}

// checkCorrected reads the log from its beginning and reckons every decision's
// features from the orders as they stood.
func checkCorrected(t *testing.T, s *spec.Spec, st store.Store, engine *serve.Engine) (decisions, fixes int) {
	t.Helper()
	source := replay.FromLog(st.Log(), engine.Reader().Contract, func() {})
	defer source.Close()
	orders := map[string]*counted{}
	for {
		b, err := source.Next()
		if errors.Is(err, io.EOF) {
			return decisions, fixes
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Events {
			e := &b.Events[i]
			get := func(field string) orrery.Value { return e.Values[e.Type.Field(field)] }
			if e.Type.Name == "fix" {
				fixes++
				o := orders[get("order_id").Text()]
				if v := get("buyer"); !v.IsMissing() {
					o.buyer = v.Text()
				}
				if v := get("amount"); !v.IsMissing() {
					o.amount = v.Units()
				}
				if v := get("gone"); !v.IsMissing() {
					o.void = v.Bool()
				}
				after := &e.Corrected.After
				if e.Corrected.Withdraws != o.void || after.Values[after.Type.Field("buyer")].Text() != o.buyer || after.Values[after.Type.Field("amount")].Units() != o.amount || after.Time != o.at {
					t.Fatalf("the record of %s leaves %+v, want %+v", e.ID, e.Corrected, o)
				}
				continue
			}
			orders[e.ID] = &counted{at: e.Time, buyer: get("buyer").Text(), amount: get("amount").Units()}
			if b.Decision(i) == nil {
				continue
			}
			decisions++
			sum := func(window orrery.Duration) (n, total, most int64) {
				for _, o := range orders {
					if o.buyer == get("buyer").Text() && !o.void && o.at > e.Time.Add(-window) && o.at <= e.Time {
						n, total, most = n+1, total+o.amount, max(most, o.amount)
					}
				}
				return n, total, most
			}
			_, hour, _ := sum(orrery.Hour)
			_, days, _ := sum(3 * orrery.Day)
			n, _, most := sum(2 * orrery.Day)
			for name, want := range map[string]float64{"spent_1h": float64(hour) / 100, "spent_3d": float64(days) / 100, "orders": float64(n), "most": float64(most) / 100} {
				if got := b.Decision(i).Vector[s.FeatureIndex(name)]; got != want {
					t.Fatalf("%s of %s is %v, want %v", name, e.ID, got, want)
				}
			}
		}
	}
}

// TestCorrectionsLive sends orders and corrections, in batches and from many
// goroutines, to an engine with hardly any room that is started again on the way,
// once from its log alone.
func TestCorrectionsLive(t *testing.T) {
	s := correctedSpec(t)
	for seed := range uint64(4) {
		st := memory.New()
		open := func() *serve.Engine {
			e, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry(), CheckpointEvery: 2 * time.Millisecond, StateBytes: 3_000,
				Clock: func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		engine, draw := open(), &corrections{random: rand.New(rand.NewPCG(seed, 1)), spec: s}
		refused := 0
		for round := range 60 {
			var batches [][]orrery.Event
			for range 1 + draw.random.IntN(6) {
				var batch []orrery.Event
				for range 1 + draw.random.IntN(8) {
					batch = append(batch, draw.next())
				}
				batches = append(batches, batch)
			}
			var group sync.WaitGroup
			var mutex sync.Mutex
			for _, batch := range batches {
				group.Go(func() {
					for len(batch) > 0 {
						n, decide := 1, batch[0].Type.Is(s.DecideOn)
						for n < len(batch) && batch[n].Type.Is(s.DecideOn) == decide {
							n++
						}
						if !decide || len(batch)%2 == 0 {
							n, decide = len(batch), false
						}
						var results []serve.Result
						var err error
						if decide {
							results, err = engine.Decide(t.Context(), batch[:n], 0)
						} else {
							results, err = engine.Ingest(t.Context(), batch[:n], false)
						}
						if err != nil {
							t.Error(err)
							return
						}
						for _, r := range results {
							var known *orrery.Error
							if r.Err != nil && (!errors.As(r.Err, &known) || known.Code != "corrected_event_unknown") {
								t.Errorf("%v", r.Err)
							} else if r.Err != nil {
								mutex.Lock()
								refused++
								mutex.Unlock()
							}
						}
						batch = batch[n:]
					}
				})
			}
			group.Wait()
			if round%15 == 14 {
				if err := engine.Close(); err != nil {
					t.Fatal(err)
				}
				if round == 29 {
					forgetState(t, st, engine)
				}
				engine = open()
			}
		}
		decisions, fixes := checkCorrected(t, s, st, engine)
		if decisions < 20 || fixes < 100 {
			t.Errorf("%d decisions, %d corrections, %d refused", decisions, fixes, refused)
		}
		if v, err := engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 {
			t.Errorf("verification: %+v %v", v, err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCorrectionOfNothing: refused, not remembered, and a repeat once accepted.
func TestCorrectionOfNothing(t *testing.T) {
	s := correctedSpec(t)
	engine := openSmall(t, memory.New(), s, 1<<20)
	draw := &corrections{random: rand.New(rand.NewPCG(1, 1)), spec: s}
	order := draw.next()
	fix := draw.next()
	for fix.Type.Name != "fix" {
		fix = draw.next()
	}
	fix.Values[fix.Type.Field("order_id")] = orrery.StringValue(order.ID)
	ingest := func(events ...orrery.Event) []serve.Result { return submit(t, engine, events, false) }
	var known *orrery.Error
	if r := ingest(fix); !errors.As(r[0].Err, &known) || known.Code != "corrected_event_unknown" || known.Kind != orrery.Invalid {
		t.Fatalf("%v", r[0].Err)
	}
	if r := ingest(order, fix); r[0].Err != nil || r[1].Err != nil {
		t.Fatal(r)
	}
	if r := ingest(fix); r[0].Err != nil || !r[0].Repeated {
		t.Fatal(r)
	}
	other := fix
	other.Values = append([]orrery.Value(nil), fix.Values...)
	other.Values[fix.Type.Field("amount")] = orrery.DecimalValue(123456)
	if r := ingest(other); !errors.As(r[0].Err, &known) || known.Code != "event_conflict" {
		t.Fatalf("%v", r[0].Err)
	}
	by, err := engine.Reader().CorrectedBy(&order)
	if err != nil || by == nil || by.ID != fix.ID {
		t.Errorf("%v %v", by, err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}

// TestCorrectionsAndRetention: the log forgets what it remembered of an event
// with the event; a correction that is kept still does what it did.
func TestCorrectionsAndRetention(t *testing.T) {
	s := orrerytest.Spec(t, `orrery: 1
system: shop
entities: [buyer]
events:
  order: {id: order_id, time: at, fields: {order_id: string, at: timestamp, buyer: entity, amount: {type: decimal, scale: 2}}}
  fix: {corrects: order, id: fix_id, time: at, fields: {fix_id: string, at: timestamp, order_id: string, amount: {type: decimal, scale: 2}}}
decide_on: order
dedupe: {within: 2d}
log: {keep: 10d}
features:
  spent: {sum: order.amount, by: buyer, window: 8d}
  total: {sum: order.amount, by: buyer, window: ever}
policy: [{action: approve}]
`)
	sh := newShop(t, s)
	send := func(name, id, order string, amount int64) serve.Result {
		typ := s.Contract.Event(name)
		e := orrery.Event{Type: typ, ID: id, Time: sh.now, Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(sh.now), orrery.StringValue(order), orrery.DecimalValue(amount)}}
		if name == "order" {
			e.Values[2] = orrery.EntityValue("b")
		}
		return sh.send(e)
	}
	total := func(r serve.Result) float64 { return r.Decision.Vector[s.FeatureIndex("total")] }
	first := send("order", "o1", "", 100)
	send("order", "o2", "", 200)
	if r := send("fix", "f1", "o1", 150); r.Err != nil {
		t.Fatal(r.Err)
	}
	sh.now = sh.now.Add(9 * orrery.Day)
	if r := send("fix", "f2", "o1", 175); r.Err != nil {
		t.Fatal(r.Err)
	}
	sh.now = sh.now.Add(3 * orrery.Day)
	if r := send("order", "o3", "", 1000); total(r) != 13.75 {
		t.Fatal(r.Decision.Vector)
	}
	sh.reopen()
	if done := sh.retain(); done.Events != 3 {
		t.Fatalf("%+v", done)
	}
	if by, err := sh.engine.Reader().CorrectedBy(&first.Event); err != nil || by != nil {
		t.Errorf("%v %v", by, err)
	}
	var known *orrery.Error
	if r := send("fix", "f3", "o1", 1); !errors.As(r.Err, &known) || known.Code != "corrected_event_unknown" {
		t.Errorf("%v", r.Err)
	}
	if r := send("fix", "f4", "o3", 2000); r.Err != nil {
		t.Error(r.Err)
	}
	sh.loseState()
	if r := send("order", "o5", "", 1); total(r) != 23.76 {
		t.Errorf("%v", r.Decision.Vector)
	}
	sh.verify()
}
