package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/vault"
)

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func open(t fataler, file *vault.Memory) *vault.Vault {
	t.Helper()
	v, err := vault.Open(file, file.Size())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func content(t testing.TB, file *vault.Memory) []byte {
	t.Helper()
	out := make([]byte, file.Size())
	if _, err := file.ReadAt(out, 0); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestASubjectComesBack(t *testing.T) {
	file := vault.NewMemory(vault.New())
	v := open(t, file)
	s, err := v.Subject("buyer", "ada@example.com", true)
	if err != nil {
		t.Fatal(err)
	}
	bound := []byte("header")
	sealed := s.Seal(nil, []byte("Ada"), bound)
	if again := s.Seal(nil, []byte("Ada"), bound); bytes.Equal(sealed, again) {
		t.Error("what is sealed twice is the same twice")
	}
	if bytes.Contains(content(t, file), []byte("ada@")) {
		t.Error("the key stands in the clear")
	}
	v = open(t, file)
	if again, err := v.Subject("buyer", "ada@example.com", true); err != nil || again.Pseudonym() != s.Pseudonym() {
		t.Errorf("after a restart: %v, %v", again, err)
	}
	if name, ok, err := v.Name(s.Pseudonym()); name != "ada@example.com" || !ok || err != nil {
		t.Errorf("its name is %q, %v, %v", name, ok, err)
	}
	if plain, ok, err := v.Unseal(s.Pseudonym(), sealed, bound); string(plain) != "Ada" || !ok || err != nil {
		t.Errorf("unsealed: %q, %v, %v", plain, ok, err)
	}
	if _, _, err := v.Unseal(s.Pseudonym(), sealed, []byte("another")); orrery.CodeOf(err) != "record_damaged" {
		t.Errorf("bound to another header: %v", err)
	}
	if _, _, err := v.Unseal(s.Pseudonym(), sealed[:5], bound); orrery.CodeOf(err) != "record_damaged" {
		t.Errorf("cut short: %v", err)
	}
	for _, other := range [][2]string{{"buye", "rada@example.com"}, {"shop", "ada@example.com"}, {"buyer", "Ada@example.com"}} {
		if _, ok, _ := v.Find(other[0], other[1]); ok {
			t.Errorf("%v is the same subject", other)
		}
	}
	if _, err := v.Subject("buyer", strings.Repeat("x", vault.MaxKey+1), true); orrery.CodeOf(err) != "subject_key_too_long" {
		t.Errorf("a key that is too long: %v", err)
	}
	if _, err := v.Subject("buyer", strings.Repeat("\x01", vault.MaxKey), false); err != nil {
		t.Error(err)
	}
	if _, ok, err := v.Forget("buyer", strings.Repeat("\x01", vault.MaxKey), false); !ok || err != nil {
		t.Errorf("the longest key: %v, %v", ok, err)
	}
}

// TestRandomHistories holds a vault, opened again now and then, to a map.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := vault.NewMemory(vault.New())
		v := open(t, file)
		alive, gone := map[string]orrery.Pseudonym{}, map[orrery.Pseudonym][]byte{}
		unfinished := map[orrery.Pseudonym]string{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := rapid.SampledFrom([]string{"", "a", "b", "ä", "c\x00"}).Draw(t, "key")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				v = open(t, file)
			case 1:
				f, ok, err := v.Forget("buyer", key, false)
				p, known := alive[key]
				if err != nil || ok != known || known && (f.Pseudonym != p || f.Key != key) {
					t.Fatalf("forgetting %q gave %+v, %v, %v", key, f, ok, err)
				}
				if known {
					unfinished[p] = key
					delete(alive, key)
				}
			case 2:
				for p := range maps.Clone(unfinished) {
					if err := v.Finish(p); err != nil {
						t.Fatal(err)
					}
					delete(unfinished, p)
				}
			default:
				s, err := v.Subject("buyer", key, true)
				if err != nil {
					t.Fatal(err)
				}
				if p, known := alive[key]; known && p != s.Pseudonym() || gone[s.Pseudonym()] != nil && !known {
					t.Fatalf("%q is %s, was %s", key, s.Pseudonym(), p)
				}
				alive[key] = s.Pseudonym()
				gone[s.Pseudonym()] = s.Seal(nil, []byte(key), nil)
			}
			if len(v.Unfinished()) != len(unfinished) {
				t.Fatalf("unfinished are %v, want %v", v.Unfinished(), unfinished)
			}
			for p, sealed := range gone {
				plain, ok, err := v.Unseal(p, sealed, nil)
				is, want := false, ""
				for k, q := range alive {
					if p == q {
						is, want = true, k
					}
				}
				if err != nil || ok != is || string(plain) != want || v.Has(p) != is {
					t.Fatalf("%s is unsealed as %q, %v, %v; want %q, %v", p, plain, ok, err, want, is)
				}
			}
		}
	})
}

func TestDamageIsFound(t *testing.T) {
	file := vault.NewMemory(vault.New())
	v := open(t, file)
	if _, err := v.Subject("buyer", "ada", true); err != nil {
		t.Fatal(err)
	}
	whole := content(t, file)
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		_, err := vault.Open(vault.NewMemory(changed), int64(len(changed)))
		// A slot that says that it is free is one.
		if orrery.CodeOf(err) != "vault_damaged" && changed[i] != 0 {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	if _, err := vault.Open(vault.NewMemory(nil), 0); orrery.CodeOf(err) != "vault_damaged" {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := vault.Open(vault.NewMemory(whole[:700]), 700); err != nil {
		t.Errorf("a slot that was never whole: %v", err)
	}
}

// failing is a file whose syncs fail.
type failing struct{ *vault.Memory }

func (failing) Sync() error { return errors.New("no disk") }

func TestAFailureIsFinal(t *testing.T) {
	file := failing{vault.NewMemory(vault.New())}
	v, err := vault.Open(file, file.Size())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Sync(); err != nil {
		t.Errorf("nothing to sync: %v", err)
	}
	if _, err := v.Subject("buyer", "ada", true); err != nil {
		t.Fatal(err)
	}
	if err := v.Sync(); orrery.CodeOf(err) != "vault_failed" {
		t.Errorf("a sync that fails: %v", err)
	}
	if _, err := v.Subject("buyer", "bob", true); orrery.CodeOf(err) != "vault_failed" {
		t.Errorf("after it: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	file := vault.NewMemory(vault.New())
	v := open(t, file)
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range 200 {
				key := fmt.Sprint(i % 7)
				s, err := v.Subject("buyer", key, true)
				if err == nil {
					err = v.Sync()
				}
				if err != nil {
					t.Error(err)
				}
				if name, ok, err := v.Name(s.Pseudonym()); err != nil || ok && name != key {
					t.Errorf("%q is named %q, %v", key, name, err)
				}
				if w == 0 && i%5 == 0 {
					f, ok, err := v.Forget("buyer", key, true)
					if ok && err == nil {
						err = v.Finish(f.Pseudonym)
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	work.Wait()
	open(t, file)
}

func FuzzOpen(f *testing.F) {
	file := vault.NewMemory(vault.New())
	v := open(f, file)
	for _, key := range []string{"a", "b"} {
		if _, err := v.Subject("buyer", key, true); err != nil {
			f.Fatal(err)
		}
	}
	if _, _, err := v.Forget("buyer", "b", false); err != nil {
		f.Fatal(err)
	}
	f.Add(content(f, file))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := vault.Open(vault.NewMemory(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, u := range v.Unfinished() {
			if err := v.Finish(u.Pseudonym); err != nil {
				t.Error(err)
			}
		}
		if _, err := v.Subject("buyer", "c", true); err != nil {
			t.Error(err)
		}
	})
}
