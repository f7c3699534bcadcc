package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

var admin = access.Actor{Name: "tester", From: "192.0.2.1:5000"}

func open(t rapid.TB, meta store.Meta, now func() time.Time) *access.Keys {
	t.Helper()
	keys, err := access.Open(meta, now)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func request(name string) access.Request {
	return access.Request{Name: name, Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Read}}}
}

// TestKeysAgreeWithAList runs random histories against a list of tokens, each
// with the instant from which it no longer works.
func TestKeysAgreeWithAList(t *testing.T) {
	never := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		type token struct {
			text, id string
			until    time.Time
		}
		var tokens []token
		ends := map[string]time.Time{}
		var acts int
		clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now := func() time.Time { return clock }
		meta := memory.New().Meta()
		keys := open(t, meta, now)
		pick := func() string {
			if len(tokens) == 0 {
				return "nokey"
			}
			return tokens[rapid.IntRange(0, len(tokens)-1).Draw(t, "which")].id
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				r := request("a service")
				end := never
				if rapid.Bool().Draw(t, "expires") {
					r.Lifetime = time.Duration(rapid.IntRange(1, 20).Draw(t, "hours")) * time.Hour
					end = clock.Add(r.Lifetime)
				}
				key, text, err := keys.Create(admin, r)
				if err != nil {
					t.Fatal(err)
				}
				acts++
				tokens, ends[key.ID] = append(tokens, token{text, key.ID, never}), end
			},
			"rotate": func(t *rapid.T) {
				id := pick()
				overlap := time.Duration(rapid.IntRange(0, 5).Draw(t, "overlap")) * time.Hour
				_, text, err := keys.Rotate(admin, id, overlap)
				if end, known := ends[id]; !known || !clock.Before(end) {
					if err == nil {
						t.Fatalf("a key that does not work was rotated: %s", id)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				acts++
				// The present token works for the overlap; one before it no longer.
				for i := range tokens {
					switch {
					case tokens[i].id != id:
					case tokens[i].until.Equal(never):
						tokens[i].until = clock.Add(overlap)
					default:
						tokens[i].until = clock
					}
				}
				tokens = append(tokens, token{text, id, never})
			},
			"revoke": func(t *rapid.T) {
				id := pick()
				if _, err := keys.Revoke(admin, id); (err == nil) != (ends[id] != time.Time{}) {
					t.Fatalf("revoke %s: %v", id, err)
				} else if err == nil {
					acts++
					ends[id] = slices.MinFunc([]time.Time{ends[id], clock}, time.Time.Compare)
				}
			},
			"time passes": func(t *rapid.T) {
				clock = clock.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
			},
			"restart": func(t *rapid.T) {
				if err := keys.Flush(); err != nil {
					t.Fatal(err)
				}
				before := fmt.Sprint(keys.List())
				if keys = open(t, meta, now); fmt.Sprint(keys.List()) != before {
					t.Fatalf("after a restart: %v, before: %v", keys.List(), before)
				}
			},
			"": func(t *rapid.T) {
				for _, k := range tokens {
					identity, err := keys.Authenticate(k.text)
					works := clock.Before(k.until) && clock.Before(ends[k.id])
					if works != (err == nil) {
						t.Fatalf("token of %s: %v, want it to work: %v", k.id, err, works)
					}
					if err == nil && identity.ID != k.id {
						t.Fatalf("the token of %s is taken for %s", k.id, identity.ID)
					}
					if err != nil && orrery.KindOf(err) != orrery.Unauthenticated {
						t.Fatalf("kind of %v", err)
					}
				}
				if keys.Required() != (len(tokens) > 0) {
					t.Fatalf("required %v with %d tokens", keys.Required(), len(tokens))
				}
				entries := 0
				for _, err := range keys.Trail().Entries(0) {
					if err != nil {
						t.Fatal(err)
					}
					entries++
				}
				if entries != acts {
					t.Fatalf("%d entries of %d acts", entries, acts)
				}
			},
		})
	})
}

// TestNothingAtRestIsASecret looks for the token in everything the store has.
func TestNothingAtRestIsASecret(t *testing.T) {
	meta := memory.New().Meta()
	keys := open(t, meta, nil)
	key, token, err := keys.Create(admin, request("a service"))
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := keys.Rotate(admin, key.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	names, err := meta.List("")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		value, _, err := meta.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{token, second} {
			if secret := secret[len("orr_12345678_"):]; strings.Contains(string(value), secret[:20]) {
				t.Errorf("%s holds a part of a token: %s", name, value)
			}
		}
	}
}

func TestATokenIsWholeOrRefused(t *testing.T) {
	keys := open(t, memory.New().Meta(), nil)
	_, token, err := keys.Create(admin, request("a service"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Authenticate(token); err != nil {
		t.Fatal(err)
	}
	for i := range len(token) {
		other := byte('a')
		if token[i] == other {
			other = 'b'
		}
		for _, changed := range []string{token[:i], token[:i] + string(other) + token[i+1:]} {
			if _, err := keys.Authenticate(changed); orrery.CodeOf(err) != "key_invalid" {
				t.Errorf("%q: %v", changed, err)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	for _, test := range []struct {
		scope  access.Scope
		system string
		verb   access.Verb
		want   bool
	}{
		{access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Read}}, "fraud", access.Read, true},
		{access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Admin}}, "fraud", access.Read, false},
		{access.Scope{Systems: []string{"fraud"}, Verbs: []access.Verb{access.Read}}, "fraud", access.Read, true},
		{access.Scope{Systems: []string{"chat"}, Verbs: []access.Verb{access.Read}}, "fraud", access.Read, false},
		{access.Scope{Systems: []string{"chat"}, Verbs: []access.Verb{access.Read}}, "", access.Read, true},
	} {
		if got := test.scope.Allows(test.system, test.verb); got != test.want {
			t.Errorf("%v allows %s on %q: %v", test.scope, test.verb, test.system, got)
		}
	}
	keys := open(t, memory.New().Meta(), nil)
	for _, bad := range []access.Request{
		{},
		{Name: "x"},
		{Name: "x", Scope: access.Scope{Systems: []string{"*"}}},
		{Name: "x", Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{"write"}}},
		{Name: "x", Scope: access.Scope{Systems: []string{""}, Verbs: []access.Verb{access.Read}}},
	} {
		if _, _, err := keys.Create(admin, bad); orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	keys := open(t, memory.New().Meta(), nil)
	_, token, err := keys.Create(admin, request("a service"))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = keys.Authenticate(token) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		b.Fatal(err)
	}
	_, token, err := keys.Create(admin, request("a service"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := keys.Authenticate(token); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		f.Fatal(err)
	}
	_, token, err := keys.Create(admin, request("a service"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("orr_")
	f.Add(strings.Repeat("a", len(token)))
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := keys.Authenticate(text); err == nil && text != token {
			t.Errorf("%q is let in", text)
		}
	})
}
