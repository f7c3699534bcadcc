package storetest

import (
	"sync"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
	"orrery.dev/vault"
)

func vaultOf(t testing.TB, s store.Store) *vault.Vault {
	t.Helper()
	v, err := s.Vault()
	must(t, err)
	return v
}

// vaultSubjects keeps subjects over a Close, and forgets one for good.
func vaultSubjects(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	v := vaultOf(t, s)
	if vaultOf(t, s) != v {
		t.Fatal("a store has two vaults")
	}
	id, bound, sealed := v.ID(), []byte("bound"), map[string][]byte{}
	pseudonyms := map[string]orrery.Pseudonym{}
	for _, key := range []string{"a", "b"} {
		subject, err := v.Subject("buyer", key, true)
		must(t, err)
		sealed[key], pseudonyms[key] = subject.Seal(nil, []byte("secret of "+key), bound), subject.Pseudonym()
	}
	must(t, v.Sync())
	must(t, s.Close())
	s = open(t, dir)
	if v = vaultOf(t, s); v.ID() != id {
		t.Fatalf("opened again, the vault is %s and was %s", v.ID(), id)
	}
	for key, p := range pseudonyms {
		found, ok, err := v.Find("buyer", key)
		must(t, err)
		name, named, err := v.Name(p)
		must(t, err)
		plain, opened, err := v.Unseal(p, sealed[key], bound)
		must(t, err)
		if !ok || found != p || !named || name != key || !opened || string(plain) != "secret of "+key {
			t.Errorf("%s: found %v, %v; named %q, %v; opened %q, %v", key, found, ok, name, named, plain, opened)
		}
	}
	_, ok, err := v.Forget("buyer", "a", true)
	must(t, err)
	if !ok {
		t.Fatal("a subject that is there was not found")
	}
	must(t, s.Close())
	s = open(t, dir)
	v = vaultOf(t, s)
	if _, opened, err := v.Unseal(pseudonyms["a"], sealed["a"], bound); opened || err != nil {
		t.Errorf("forgotten, and opened: %v, %v", opened, err)
	}
	if unfinished := v.Unfinished(); len(unfinished) != 1 || unfinished[0].Pseudonym != pseudonyms["a"] {
		t.Errorf("unfinished are %v", unfinished)
	}
	if plain, opened, err := v.Unseal(pseudonyms["b"], sealed["b"], bound); !opened || err != nil || string(plain) != "secret of b" {
		t.Errorf("the other is %q, %v, %v", plain, opened, err)
	}
	must(t, v.Finish(pseudonyms["a"]))
	must(t, s.Close())
}

// vaultBeside has many ask for the vault, and for the same subjects, at once.
func vaultBeside(t *testing.T, open Open) {
	s := opened(t, open)
	var asking sync.WaitGroup
	var found [8]orrery.Pseudonym
	for i := range found {
		asking.Go(func() {
			v, err := s.Vault()
			if err != nil {
				t.Error(err)
				return
			}
			subject, err := v.Subject("buyer", "same", false)
			if err != nil {
				t.Error(err)
				return
			}
			found[i] = subject.Pseudonym()
		})
	}
	asking.Wait()
	for _, p := range found {
		if p != found[0] {
			t.Fatal("one key has two pseudonyms")
		}
	}
}
