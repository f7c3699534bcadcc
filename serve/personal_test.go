package serve_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/control"
	"orrery.dev/ingest"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store/pebble"
)

// personalSpec has a key that is personal, and features by two entities.
const personalSpec = `
orrery: 1
system: shop
entities: [buyer, shop]
events:
  order:
    id: order_id
    time: at
    subject: buyer
    fields: {order_id: string, at: timestamp, buyer: {type: entity, personal: true}, shop: entity, amount: {type: decimal, scale: 2},
             name: {type: string, personal: true}, age: {type: int, personal: true, optional: true, max: 150}}
decide_on: order
lists: {blocked: buyer}
features:
  amount: order.amount
  young: order.age < 25
  shout: order.name == "NAME"
  orders: {count: order, by: buyer, window: [1d, ever]}
  shop_orders: {count: order, by: shop, window: [1d, ever]}
  shop_buyers: {distinct: order.buyer, by: shop, window: 7d}
  shop_amount: {sum: order.amount, by: shop, window: ever}
policy:
  - {when: order.buyer in lists.blocked, action: block}
  - {when: young == 1 && shop_orders_ever > 3, action: review}
  - {action: approve}
`

func newPrivateShop(t testing.TB) *system {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, personalSpec)}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }
	s.open()
	t.Cleanup(s.close)
	return s
}

// The personal values of a buyer, each with bytes that are nowhere else.
func keyOf(buyer int) string  { return fmt.Sprintf("zqkey%dxw@example.com", buyer) }
func nameOf(buyer int) string { return fmt.Sprintf("Zqname %d Xw", buyer) }

// secrets are the bytes that must be nowhere on disk.
var secrets = []string{"zqkey", "Zqname"}

func (s *system) order(i, buyer, shop int) orrery.Event {
	s.t.Helper()
	at := time.Date(2018, 11, 1, 10, i, 0, 0, time.UTC).Format(time.RFC3339)
	text := fmt.Sprintf(`{"order_id":"o%d","at":%q,"buyer":%q,"shop":"s%d","amount":"%d.50","name":%q,"age":%d}`,
		i, at, keyOf(buyer), shop, i, nameOf(buyer), 20+buyer)
	if i%5 == 4 {
		text = fmt.Sprintf(`{"order_id":"o%d","at":%q,"buyer":%q,"shop":"s%d","amount":"%d.50","name":%q}`,
			i, at, keyOf(buyer), shop, i, nameOf(buyer))
	}
	e, err := ingest.NewDecoder(s.spec.DecideOn).Decode([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func (s *system) forgetBuyer(buyer int) serve.Forgetting {
	s.t.Helper()
	done, err := s.engine.Forget(s.t.Context(), "buyer", keyOf(buyer), control.Note{By: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// nowhere searches every file of a directory for bytes. The store may be at work
// there: where a file goes while it is looked for, what it had may be in one that was
// passed already, so the search begins again.
func nowhere(t testing.TB, dir string, what ...string) {
	t.Helper()
	err := search(t, dir, what)
	for tries := 1; tries < 1000 && errors.Is(err, fs.ErrNotExist); tries++ {
		err = search(t, dir, what)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func search(t testing.TB, dir string, what []string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, w := range what {
			if bytes.Contains(content, []byte(w)) {
				t.Errorf("%s holds %q", path, w)
			}
		}
		return err
	})
}

// copied copies a checkpoint of the store, which is what a backup holds.
func (s *system) copied() string {
	s.t.Helper()
	to := filepath.Join(s.t.TempDir(), "copy")
	if err := s.engine.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.(*pebble.Store).Checkpoint(func(dir string) error { return os.CopyFS(to, os.DirFS(dir)) }); err != nil {
		s.t.Fatal(err)
	}
	return to
}

func TestForgetting(t *testing.T) {
	s, kept := newPrivateShop(t), newPrivateShop(t)
	if _, err := s.engine.ChangeList(t.Context(), control.Change{List: "blocked", Add: control.Keys(keyOf(3))}); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.engine.ChangeList(t.Context(), control.Change{List: "blocked", Add: control.Keys(keyOf(3))}); err != nil {
		t.Fatal(err)
	}
	var events []orrery.Event
	for i := range 60 {
		events = append(events, s.order(i, i%6, i%3))
	}
	first := s.send(events)
	kept.send(events)
	if a := first[3].Decision.Action; a != "block" {
		t.Errorf("a listed buyer was answered %s", a)
	}
	nowhere(t, s.dir, secrets...)
	before := s.copied()
	s.reopen()
	v := s.verifyClean()
	if v.Decisions != 60 || v.Erased != 0 {
		t.Errorf("before forgetting: %+v", v)
	}
	vaulted, err := s.store.Vault()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, pebble.VaultName))
	if err != nil {
		t.Fatal(err)
	}
	pseudonym, _, err := vaulted.Find("buyer", keyOf(2))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(raw, pseudonym[:])
	secret := string(raw[at+16 : at+48])

	done := s.forgetBuyer(2)
	if done.Pseudonym != pseudonym.String() || done.Offset == 0 {
		t.Errorf("forgetting gave %+v", done)
	}
	if again := s.forgetBuyer(2); again != (serve.Forgetting{}) {
		t.Errorf("forgetting again gave %+v", again)
	}
	nowhere(t, s.dir, append(slices.Clone(secrets), secret)...)
	nowhere(t, before, append(slices.Clone(secrets), secret)...)
	check := func(when string) {
		t.Helper()
		if v := s.verifyClean(); v.Decisions != 50 || v.Erased != 10 {
			t.Errorf("%s: %+v", when, v)
		}
		e, d, err := s.engine.Reader().Recorded(first[2].Event.Offset)
		if err != nil || !e.Erased || !d.Erased || e.Values[5] != (orrery.Value{}) || e.Values[2].Text() != pseudonym.String() || e.Values[3].Text() != "s2" {
			t.Errorf("%s: %+v, %+v, %v", when, e, d, err)
		}
	}
	check("forgotten")
	s.reopen()
	check("after a restart")

	// What others are told goes on as if nobody had been forgotten.
	var more []orrery.Event
	for i := 60; i < 90; i++ {
		if i%6 != 2 {
			more = append(more, s.order(i, i%6, i%3))
		}
	}
	got, want := s.send(more), kept.send(more)
	for i := range got {
		sameAnswer(t, more[i].ID, got[i].Decision, want[i].Decision)
	}
	// A repeat of what is erased says so, and makes nobody known.
	if r := s.send(events[2:3]); orrery.CodeOf(r[0].Err) != "erased" {
		t.Errorf("a repeat of an erased event: %+v", r[0])
	}
	if _, found, _ := vaultOf(t, s).Find("buyer", keyOf(2)); found {
		t.Error("a repeat of an erased event made its subject known")
	}
	// Whoever comes back is somebody new.
	back := s.send([]orrery.Event{s.order(200, 2, 0)})[0]
	if back.Err != nil || back.Event.Subject == pseudonym || back.Decision.Vector[s.spec.FeatureIndex("orders_ever")] != 1 {
		t.Errorf("who came back: %+v", back)
	}
	s.verifyClean()
	s.reopen()
	s.verifyClean()
	nowhere(t, s.dir, secrets...)
	nowhere(t, before, secrets...)
}

func vaultOf(t testing.TB, s *system) interface {
	Find(entity, key string) (orrery.Pseudonym, bool, error)
} {
	t.Helper()
	v, err := s.store.Vault()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sameAnswer(t testing.TB, id string, a, b *orrery.Decision) {
	t.Helper()
	if a == nil || b == nil || a.Action != b.Action || len(a.Vector) != len(b.Vector) {
		t.Fatalf("%s: %+v and %+v", id, a, b)
	}
	for i := range a.Vector {
		if math.Float64bits(a.Vector[i]) != math.Float64bits(b.Vector[i]) {
			t.Errorf("%s: feature %d is %v and %v", id, i, a.Vector[i], b.Vector[i])
		}
	}
}

// TestACopyIsForgottenToo opens a copy that was made before somebody was
// forgotten, with the vault as it is after.
func TestACopyIsForgottenToo(t *testing.T) {
	s := newPrivateShop(t)
	var events []orrery.Event
	for i := range 12 {
		events = append(events, s.order(i, i%3, 0))
	}
	s.send(events)
	before := s.copied()
	s.forgetBuyer(1)
	s.close()
	vault, err := os.ReadFile(filepath.Join(s.dir, pebble.VaultName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(before, pebble.VaultName), vault, 0o600); err != nil {
		t.Fatal(err)
	}
	s.dir = before
	s.open()
	if v := s.verifyClean(); v.Decisions != 8 || v.Erased != 4 {
		t.Errorf("the copy: %+v", v)
	}
}

func TestDataWithoutItsVault(t *testing.T) {
	s := newPrivateShop(t)
	s.send([]orrery.Event{s.order(0, 0, 0), s.order(1, 0, 0)})
	s.close()
	if err := os.Remove(filepath.Join(s.dir, pebble.VaultName)); err != nil {
		t.Fatal(err)
	}
	st, err := pebble.Open(s.dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Vault(); orrery.CodeOf(err) != "vault_missing" {
		t.Errorf("without its vault: %v", err)
	}
	findings, err := serve.Examine(t.Context(), st, builtin.Registry(), nil, orrery.InstantOf(time.Now()), nil)
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, f := range findings {
		if !f.OK {
			missing++
		}
		if f.Check == "vault" && (f.OK || !strings.Contains(f.Detail, "4 records")) || f.Check == "log" && !f.OK {
			t.Errorf("found %+v", f)
		}
	}
	if missing != 1 {
		t.Errorf("a missing vault is found %d times: %+v", missing, findings)
	}
	if err := st.GiveVaultUp(); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	s.open()
	if v := s.verifyClean(); v.Erased != 2 {
		t.Errorf("given up: %+v", v)
	}
}

// TestForgettingIsFinishedAtTheNextStart stops between the destruction of a key
// and the rest.
func TestForgettingIsFinishedAtTheNextStart(t *testing.T) {
	s := newPrivateShop(t)
	s.send([]orrery.Event{s.order(0, 0, 0), s.order(1, 1, 0), s.order(2, 0, 0)})
	v, err := s.store.Vault()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := v.Forget("buyer", keyOf(0), true); !ok || err != nil {
		t.Fatal(ok, err)
	}
	last := s.engine.Last()
	s.reopen()
	if s.engine.Last() != last+1 {
		t.Errorf("the log ends at %d, want %d", s.engine.Last(), last+1)
	}
	if v, err := s.store.Vault(); err != nil || len(v.Unfinished()) != 0 {
		t.Errorf("still to be finished: %v, %v", v.Unfinished(), err)
	}
	if v := s.verifyClean(); v.Erased != 2 || v.Decisions != 1 {
		t.Errorf("%+v", v)
	}
}

// TestForgettingAtRandom runs random histories with restarts, and holds every
// answer to a slow count of what came since its buyer was last forgotten.
func TestForgettingAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newPrivateShop(t)
		defer s.close()
		since, shops := map[int]int{}, map[int]int{}
		live, erased := map[int]int{}, 0
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			buyer := rapid.IntRange(0, 3).Draw(rt, "buyer")
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1:
				s.forgetBuyer(buyer)
				erased += live[buyer]
				live[buyer], since[buyer] = 0, 0
			case 2:
				s.reopen()
			case 3:
				if err := s.engine.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			default:
				shop := rapid.IntRange(0, 1).Draw(rt, "shop")
				r := s.send([]orrery.Event{s.order(i, buyer, shop)})[0]
				if r.Err != nil {
					rt.Fatal(r.Err)
				}
				since[buyer]++
				shops[shop]++
				live[buyer]++
				for name, want := range map[string]int{"orders_ever": since[buyer], "shop_orders_ever": shops[shop]} {
					if got := r.Decision.Vector[s.spec.FeatureIndex(name)]; got != float64(want) {
						rt.Fatalf("event %d: %s is %v, want %d", i, name, got, want)
					}
				}
			}
		}
		sum := 0
		for n := range maps.Values(live) {
			sum += n
		}
		if v := s.verifyClean(); v.Erased != int64(erased) || v.Decisions != int64(sum) {
			rt.Fatalf("%+v, want %d erased of %d", v, erased, sum+erased)
		}
		nowhere(t, s.dir, secrets...)
	})
}

// TestForgettingBesideDecisions forgets while others, and the same, decide.
func TestForgettingBesideDecisions(t *testing.T) {
	s := newPrivateShop(t)
	var work sync.WaitGroup
	var mutex sync.Mutex
	decided := 0
	for w := range 4 {
		work.Go(func() {
			for i := range 60 {
				e := s.order(w*1000+i*28, i%3, w)
				for {
					results, err := s.engine.Decide(t.Context(), []orrery.Event{e}, 0)
					if err == nil {
						err = results[0].Err
					}
					if orrery.CodeOf(err) == "subject_changed" {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					break
				}
				mutex.Lock()
				decided++
				mutex.Unlock()
			}
		})
	}
	work.Go(func() {
		for i := range 30 {
			if _, err := s.engine.Forget(t.Context(), "buyer", keyOf(i%3), control.Note{}); err != nil {
				t.Error(err)
			}
		}
	})
	work.Wait()
	if v := s.verifyClean(); v.Decisions+v.Erased != int64(decided) {
		t.Errorf("%+v of %d", v, decided)
	}
	s.reopen()
	if v := s.verifyClean(); v.Decisions+v.Erased != int64(decided) {
		t.Errorf("%+v of %d, after a restart", v, decided)
	}
	nowhere(t, s.dir, secrets...)
}

// TestForgettingAPlainKey forgets somebody whose key is not personal: state begins
// anew under the same key.
func TestForgettingAPlainKey(t *testing.T) {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), clock: func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }}
	s.spec = orrerytest.Spec(t, strings.Replace(personalSpec, "buyer: {type: entity, personal: true}", "buyer: entity", 1))
	s.open()
	t.Cleanup(s.close)
	s.send([]orrery.Event{s.order(0, 0, 0), s.order(1, 1, 0), s.order(2, 0, 0)})
	nowhere(t, s.dir, "Zqname")
	if done := s.forgetBuyer(0); done.Pseudonym == "" || done.Offset == 0 {
		t.Errorf("forgetting gave %+v", done)
	}
	if done := s.forgetBuyer(7); done.Pseudonym != "" || done.Offset == 0 {
		t.Errorf("forgetting somebody unknown gave %+v", done)
	}
	s.reopen()
	back := s.send([]orrery.Event{s.order(3, 0, 0), s.order(4, 1, 0)})
	for i, want := range []float64{1, 2} {
		if got := back[i].Decision.Vector[s.spec.FeatureIndex("orders_ever")]; got != want {
			t.Errorf("order %d counts %v, want %v", i, got, want)
		}
	}
	if got := back[1].Decision.Vector[s.spec.FeatureIndex("shop_orders_ever")]; got != 5 {
		t.Errorf("the shop counts %v, want 5", got)
	}
	s.reopen()
	if v := s.verifyClean(); v.Erased != 2 || v.Decisions != 3 {
		t.Errorf("%+v", v)
	}
}
