package serve_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/memory"
	"orrery.dev/store/pebble"
)

// retainSpec keeps ten days of a log; extra are more features.
func retainSpec(t testing.TB, log string, extra ...string) *spec.Spec {
	text := `orrery: 1
system: shop
entities: [buyer, shop]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, buyer: entity, shop: entity, amount: {type: decimal, scale: 2}, kind: string}
  refund:
    id: refund_id
    time: at
    fields: {refund_id: string, at: timestamp, buyer: entity, order_id: string, bad: bool}
decide_on: order
dedupe: {within: 2d}
` + log + `
features:
  amount: order.amount
  spent: {sum: order.amount, by: buyer, window: [1d, 8d]}
  total: {sum: order.amount, by: buyer, window: ever}
  kinds: {distinct: order.kind, by: shop, window: 5d}
  refunds: {count: refund, by: buyer, window: 6d, where: refund.bad}
`
	for _, f := range extra {
		text += "  " + f + "\n"
	}
	return orrerytest.Spec(t, text+"policy: [{when: spent_1d > 500, action: review}, {action: approve}]\n")
}

// shop is a system with a clock of its own, on a store that outlives it.
type shop struct {
	t      testing.TB
	store  store.Store
	engine *serve.Engine
	now    orrery.Instant
	spec   *spec.Spec
}

func newShop(t testing.TB, s *spec.Spec) *shop {
	sh := &shop{t: t, store: memory.New(), spec: s, now: orrery.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	sh.open()
	t.Cleanup(sh.close)
	return sh
}

func (sh *shop) open() {
	sh.t.Helper()
	var err error
	sh.engine, err = serve.Open(context.Background(), sh.store, sh.spec, serve.Options{Registry: builtin.Registry(), CheckpointEvery: time.Hour,
		RetainEvery: time.Hour, Clock: func() orrery.Instant { return sh.now }})
	if err != nil {
		sh.t.Fatal(err)
	}
}

func (sh *shop) close() {
	if sh.engine == nil {
		return
	}
	if err := sh.engine.Close(); err != nil {
		sh.t.Error(err)
	}
	sh.engine = nil
}

// reopen writes the state out on the way.
func (sh *shop) reopen() {
	sh.t.Helper()
	sh.close()
	sh.open()
}

func (sh *shop) send(e orrery.Event) serve.Result {
	sh.t.Helper()
	var results []serve.Result
	var err error
	if e.Type.Name == "order" {
		results, err = sh.engine.Decide(context.Background(), []orrery.Event{e}, 0)
	} else {
		results, err = sh.engine.Ingest(context.Background(), []orrery.Event{e}, false)
	}
	if err != nil {
		sh.t.Fatal(err)
	}
	return results[0]
}

func (sh *shop) retain() serve.Retained {
	sh.t.Helper()
	done, err := sh.engine.Retain(context.Background())
	if err != nil {
		sh.t.Fatal(err)
	}
	return done
}

func (sh *shop) verify() *replay.Verification {
	sh.t.Helper()
	v, err := sh.engine.Reader().Verify(context.Background(), nil)
	if err != nil || v.Different > 0 {
		sh.t.Fatalf("%+v, %v", v, err)
	}
	return v
}

func (sh *shop) install(s *spec.Spec) {
	sh.t.Helper()
	id, err := release.Save(sh.store.Blob(), s.System, &release.Release{Spec: s.Source})
	if err == nil {
		err = sh.engine.Install(context.Background(), id)
	}
	if err != nil {
		sh.t.Fatal(err)
	}
	sh.spec = s
}

// orders makes events that come in order of arrival, some of them late.
type orders struct {
	random *rand.Rand
	n      int
}

func (o *orders) next(t testing.TB, s *spec.Spec, now orrery.Instant) orrery.Event {
	o.n++
	typ := s.Contract.Events[0]
	if o.random.IntN(4) == 0 {
		typ = s.Contract.Events[1]
	}
	late := orrery.Duration(0)
	if o.random.IntN(5) == 0 {
		late = orrery.Duration(o.random.Int64N(int64(36 * orrery.Hour)))
	}
	return event(t, o.random, typ, o.n, now.Add(-late))
}

// loseState forgets all feature state, as if its folder had been removed.
func (sh *shop) loseState() {
	sh.t.Helper()
	sh.close()
	for _, s := range []*spec.Spec{sh.spec} {
		p, err := plan.Compile("", s, nil)
		if err != nil {
			sh.t.Fatal(err)
		}
		for _, table := range p.Tables() {
			if err := sh.store.State().Drop(table); err != nil {
				sh.t.Fatal(err)
			}
		}
	}
	sh.open()
}

// TestACutLogDecidesAsAWholeOne runs one history through a system that cuts its
// log and one that keeps it, with restarts, losses of state and changes of
// features on the way: all decisions are the same, and what is kept verifies.
func TestACutLogDecidesAsAWholeOne(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			whole := newShop(t, retainSpec(t, ""))
			cut := newShop(t, retainSpec(t, "log: {keep: 10d}"))
			source, sent, cuts := &orders{random: random}, []orrery.Event{}, int64(0)
			for range 600 {
				step := orrery.Duration(random.Int64N(int64(4 * orrery.Hour)))
				whole.now, cut.now = whole.now.Add(step), cut.now.Add(step)
				e := source.next(t, cut.spec, cut.now)
				a, b := whole.send(e), cut.send(e)
				sameResult(t, e, a, b)
				sent = append(sent, e)
				switch random.IntN(60) {
				case 0:
					cut.reopen()
					done := cut.retain()
					cuts += done.Events
					cut.checkGone(done.First)
				case 1:
					cut.loseState()
				case 2:
					cut.verify()
				}
				// A repeat gets its answer. Beyond the horizon, one that was cut off
				// with its answer is refused.
				again := sent[max(0, len(sent)-1-random.IntN(200))]
				a, b = whole.send(again), cut.send(again)
				if !a.Repeated || orrery.CodeOf(b.Err) != "event_too_old" || again.Time >= cut.now.Add(-2*orrery.Day) {
					sameResult(t, again, a, b)
				}
			}
			if cuts == 0 {
				t.Error("nothing was cut")
			}
			all, kept := whole.verify(), cut.verify()
			if kept.Events+cuts != all.Events || kept.Decisions == 0 {
				t.Errorf("%d events were cut, %d verified, of %d", cuts, kept.Events, all.Events)
			}
			sameRows(t, whole, cut)
		})
	}
}

func sameResult(t *testing.T, e orrery.Event, a, b serve.Result) {
	t.Helper()
	if orrery.CodeOf(a.Err) != orrery.CodeOf(b.Err) || (a.Decision == nil) != (b.Decision == nil) || a.Repeated != b.Repeated {
		t.Fatalf("%s %s: %+v, and with a cut log %+v", e.Type.Name, e.ID, a, b)
	}
	if a.Decision != nil && (a.Decision.Offset != b.Decision.Offset || a.Decision.Action != b.Decision.Action || !sameVector(a.Decision.Vector, b.Decision.Vector)) {
		t.Fatalf("%s: %v, and with a cut log %v", e.ID, a.Decision, b.Decision)
	}
}

func sameVector(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// checkGone looks for a decision that was cut off.
func (sh *shop) checkGone(first orrery.Offset) {
	sh.t.Helper()
	if first == 1 {
		return
	}
	_, _, err := sh.engine.Reader().Recorded(first - 1)
	if orrery.KindOf(err) != orrery.Gone || orrery.CodeOf(err) != "decision_not_kept" {
		sh.t.Errorf("what was cut off gives %v", err)
	}
	if _, _, err := sh.engine.Reader().Recorded(1 << 40); orrery.KindOf(err) != orrery.NotFound {
		sh.t.Errorf("what never was gives %v", err)
	}
}

// sameRows compares the training rows of what both logs still have.
func sameRows(t *testing.T, whole, cut *shop) {
	t.Helper()
	rows := func(sh *shop) map[string][]float64 {
		p, err := plan.Compile("", sh.spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		span, err := sh.engine.Reader().Within(replay.Range{From: 0, To: replay.Forever}, p)
		if err != nil || span.From != 0 {
			t.Fatalf("the features are complete within %s, %v", span, err)
		}
		columns := make([]int, p.Width())
		for i := range columns {
			columns[i] = i
		}
		source := sh.engine.Reader().History(sh.spec.Contract)
		defer source.Close()
		x, err := replay.Collect(t.Context(), p, source, span, columns, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]float64{}
		for i := range x.List {
			out[x.List[i].ID] = x.Row(i)
		}
		return out
	}
	all, kept := rows(whole), rows(cut)
	if len(kept) == 0 || len(kept) == len(all) {
		t.Errorf("%d rows of %d", len(kept), len(all))
	}
	for id, row := range kept {
		if !sameVector(row, all[id]) {
			t.Errorf("row %s is %v, and of a cut log %v", id, all[id], row)
		}
	}
}

// TestFeaturesChangeOverACutLog installs specs with new features, and old ones
// again, while the log is being cut: what is decided verifies throughout, and
// rows of new features begin where they are complete.
func TestFeaturesChangeOverACutLog(t *testing.T) {
	extras := [][]string{{}, {"shop_sum: {sum: order.amount, by: shop, window: 7d}"}, {"refunds_ever: {count: refund, by: buyer, window: ever}"},
		{"shop_sum: {sum: order.amount, by: shop, window: 7d}", "largest: {max: order.amount, by: buyer, window: 4d}"}}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 9))
			sh := newShop(t, retainSpec(t, "log: {keep: 10d}"))
			source, cuts := &orders{random: random}, int64(0)
			for i := range 900 {
				sh.now = sh.now.Add(orrery.Duration(random.Int64N(int64(4 * orrery.Hour))))
				if r := sh.send(source.next(t, sh.spec, sh.now)); r.Err != nil {
					t.Fatal(r.Err)
				}
				switch random.IntN(40) {
				case 0:
					sh.reopen()
					cuts += sh.retain().Events
				case 1:
					sh.install(retainSpec(t, "log: {keep: 10d}", extras[random.IntN(len(extras))]...))
				case 2:
					sh.spec = retainSpec(t, "log: {keep: 10d}", extras[random.IntN(len(extras))]...)
					sh.reopen()
				case 3:
					sh.loseState()
				case 4:
					sh.verify()
				}
				if i%300 == 299 {
					sh.verify()
				}
			}
			if cuts == 0 {
				t.Error("nothing was cut")
			}
		})
	}
}

// TestANewFeatureOverACutLog: its rows begin where it knows all of its window.
func TestANewFeatureOverACutLog(t *testing.T) {
	sh := newShop(t, retainSpec(t, "log: {keep: 10d}"))
	source := &orders{random: rand.New(rand.NewPCG(1, 1))}
	for range 300 {
		sh.now = sh.now.Add(2 * orrery.Hour)
		sh.send(source.next(t, sh.spec, sh.now))
	}
	sh.reopen()
	if sh.retain().Events == 0 {
		t.Fatal("nothing was cut")
	}
	p, err := plan.Compile("", retainSpec(t, "", "shop_sum: {sum: order.amount, by: shop, window: 7d}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	complete, err := sh.engine.Reader().CompleteFrom(p)
	if err != nil || complete == 0 || complete > sh.now {
		t.Fatalf("complete from %s, %v", complete, err)
	}
	if _, err := sh.engine.Reader().Within(replay.Range{From: 0, To: complete}, p); orrery.CodeOf(err) != "log_too_short" {
		t.Errorf("a range before that: %v", err)
	}
}

// TestRetentionBySize cuts the oldest until the rest fits, but never what
// repeats are recognised by.
func TestRetentionBySize(t *testing.T) {
	sh := newShop(t, retainSpec(t, "log: {keep_bytes: 20kB}"))
	source := &orders{random: rand.New(rand.NewPCG(2, 2))}
	for range 400 {
		sh.now = sh.now.Add(orrery.Hour)
		sh.send(source.next(t, sh.spec, sh.now))
	}
	sh.reopen()
	if done := sh.retain(); done.Bytes > 20_000 || done.Bytes < 15_000 || done.Held != "" {
		t.Errorf("%+v", done)
	}
	sh.verify()
	sh.spec = retainSpec(t, "log: {keep_bytes: 1kB}")
	sh.reopen()
	done := sh.retain()
	if done.Held == "" || done.Bytes < 1000 {
		t.Errorf("%+v", done)
	}
	event, _, err := sh.engine.Reader().Recorded(done.First)
	if err != nil || event.Time < sh.now.Add(-3*orrery.Day) {
		t.Errorf("the first event left is of %s, now is %s: %v", event.Time, sh.now, err)
	}
	sh.verify()
}

// TestNothingIsCutUnderAReader: a history that is open keeps the log as it is.
func TestNothingIsCutUnderAReader(t *testing.T) {
	sh := newShop(t, retainSpec(t, "log: {keep: 10d}"))
	source := &orders{random: rand.New(rand.NewPCG(3, 3))}
	for range 300 {
		sh.now = sh.now.Add(2 * orrery.Hour)
		sh.send(source.next(t, sh.spec, sh.now))
	}
	sh.reopen()
	history := sh.engine.Reader().History(sh.spec.Contract)
	if done := sh.retain(); done.Events != 0 || done.First != 1 {
		t.Errorf("cut under a reader: %+v", done)
	}
	history.Close()
	if done := sh.retain(); done.Events == 0 {
		t.Errorf("nothing was cut: %+v", done)
	}
}

// reusing keeps a crashable disk from being cloned while it reuses a file: it takes
// a lock twice for that, and waits for ever if a clone is asked for in between.
type reusing struct {
	vfs.FS
	cloning *sync.Mutex
}

func (r reusing) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	r.cloning.Lock()
	defer r.cloning.Unlock()
	return r.FS.ReuseForWrite(from, to, category)
}

// TestCrashesWhileTheLogIsCut takes the power away at many moments of a cut: the
// system starts again with all that was acknowledged, verifies, cuts the rest
// and decides as one that was left alone.
func TestCrashesWhileTheLogIsCut(t *testing.T) {
	// The store's own work may add any number of writes to those of the cut.
	const mostCrashes = 60
	disk := vfs.NewCrashableMem()
	var clones []*vfs.MemFS
	var mutex sync.Mutex
	var writes, every atomic.Int64
	faulty := errorfs.Wrap(reusing{disk, &mutex}, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if at := every.Load(); op.Kind.ReadOrWrite() == errorfs.OpIsWrite && at > 0 && writes.Add(1)%at == 0 {
			mutex.Lock()
			defer mutex.Unlock()
			n := uint64(len(clones))
			if n == mostCrashes {
				return nil
			}
			clones = append(clones, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(n%3) * 50, RNG: rand.New(rand.NewPCG(n, 0))}))
		}
		return nil
	}))
	open := func(fs vfs.FS) store.Store {
		st, err := pebble.Open("/data", pebble.Options{FS: fs, CacheBytes: 8 << 20, MemTableBytes: 256 << 10})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	s := retainSpec(t, "log: {keep: 10d}")
	sh := &shop{t: t, store: open(faulty), spec: s, now: orrery.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	sh.open()
	source := &orders{random: rand.New(rand.NewPCG(4, 4))}
	for range 4000 {
		sh.now = sh.now.Add(10 * orrery.Minute)
		sh.send(source.next(t, s, sh.now))
	}
	sh.reopen()
	every.Store(2)
	done := sh.retain()
	final := source.next(t, s, sh.now)
	sh.send(final)
	every.Store(0)
	last := sh.engine.Last() - 1
	next := source.next(t, s, sh.now)
	want := sh.send(next)
	// The store's own work goes on.
	mutex.Lock()
	crashes := clones
	mutex.Unlock()
	if done.Events == 0 || len(crashes) < 3 {
		t.Fatalf("%+v, %d crashes", done, len(crashes))
	}
	for i, clone := range crashes {
		after := &shop{t: t, store: open(clone), spec: s, now: sh.now}
		after.open()
		if got := after.engine.Last(); got < last {
			t.Fatalf("crash %d: the log ends at %d, %d was acknowledged", i, got, last)
		}
		after.verify()
		after.reopen()
		if again := after.retain(); again.First != done.First {
			t.Errorf("crash %d: cut to %d, want %d", i, again.First, done.First)
		}
		after.loseState()
		after.send(final)
		sameResult(t, next, want, after.send(next))
		after.close()
		if err := after.store.Close(); err != nil {
			t.Error(err)
		}
	}
	sh.close()
	if err := sh.store.Close(); err != nil {
		t.Error(err)
	}
}

// before is a store as a program left it that kept no list of releases.
type before struct {
	store.Store
	old bool
}

func (b *before) Meta() store.Meta { return beforeMeta{b.Store.Meta(), b} }

type beforeMeta struct {
	store.Meta
	*before
}

func (m beforeMeta) Get(name string) ([]byte, bool, error) {
	if m.old && name == "releases" {
		return nil, false, nil
	}
	return m.Meta.Get(name)
}

func (m beforeMeta) Put(values map[string][]byte) error {
	if m.old {
		values = maps.Clone(values)
		delete(values, "releases")
	}
	return m.Meta.Put(values)
}

// TestRetentionOfDataFromBefore cuts a log whose releases were not listed as they
// came: they are found in the log.
func TestRetentionOfDataFromBefore(t *testing.T) {
	b := &before{Store: memory.New(), old: true}
	sh := &shop{t: t, store: b, spec: retainSpec(t, "log: {keep: 10d}"), now: orrery.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	sh.open()
	t.Cleanup(sh.close)
	source := &orders{random: rand.New(rand.NewPCG(6, 6))}
	for i := range 400 {
		sh.now = sh.now.Add(2 * orrery.Hour)
		sh.send(source.next(t, sh.spec, sh.now))
		if i == 310 { // Its decisions are kept, and its tables are no longer in force.
			sh.install(retainSpec(t, "log: {keep: 10d}", "shop_sum: {sum: order.amount, by: shop, window: 7d}"))
		}
		if i == 390 {
			sh.install(retainSpec(t, "log: {keep: 10d}"))
		}
	}
	sh.close()
	b.old = false
	sh.open()
	if done := sh.retain(); done.Events == 0 {
		t.Fatalf("nothing was cut: %+v", done)
	}
	sh.verify()
	sh.reopen()
	sh.now = sh.now.Add(5 * orrery.Day)
	sh.send(source.next(t, sh.spec, sh.now))
	sh.reopen()
	sh.retain()
	sh.verify()
}
