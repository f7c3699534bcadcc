package access_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

// entries reads a trail to its end or its fault.
func entries(trail *access.Trail) (out []access.Entry, err error) {
	for e, fault := range trail.Entries(0) {
		if fault != nil {
			return out, fault
		}
		out = append(out, e)
	}
	return out, nil
}

func TestActsAreRecorded(t *testing.T) {
	meta := memory.New().Meta()
	trail := open(t, meta, nil).Trail()
	ran := false
	if err := trail.Act(admin, "train", "fraud", func() error { ran = true; return nil }); err != nil || !ran {
		t.Fatal(ran, err)
	}
	refused := orrery.Errorf(orrery.Invalid, "nothing_to_train", "no model")
	if err := trail.Act(access.Local, "train", "fraud", func() error { return refused }); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	got, err := entries(open(t, meta, nil).Trail())
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	text := ""
	for _, e := range got {
		text += fmt.Sprintln(e.Seq, e.Actor, e.From, e.Act, e.Target, e.Outcome, e.Begun)
	}
	want := `1 tester 192.0.2.1:5000 train fraud begun 0
2 tester 192.0.2.1:5000 train fraud done 1
3 local  train fraud begun 0
4 local  train fraud nothing_to_train 3
`
	if text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
}

// full is a Meta that can no longer write.
type full struct{ store.Meta }

func (full) Put(map[string][]byte) error { return errors.New("no space left on device") }

func TestWhatCannotBeRecordedIsNotDone(t *testing.T) {
	keys := open(t, full{memory.New().Meta()}, nil)
	err := keys.Trail().Act(admin, "train", "fraud", func() error { t.Error("done"); return nil })
	if orrery.CodeOf(err) != "audit_failed" {
		t.Error(err)
	}
	if _, _, err := keys.Create(admin, request("a service")); orrery.CodeOf(err) != "audit_failed" || keys.Required() {
		t.Error(err, keys.Required())
	}
}

// TestATrailThatWasChangedIsBroken changes, removes and cuts entries.
func TestATrailThatWasChangedIsBroken(t *testing.T) {
	const n = 5
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("audit/%016x", i+1)
	}
	write := func() (store.Meta, *access.Keys) {
		meta := memory.New().Meta()
		keys := open(t, meta, nil)
		for range n {
			if _, _, err := keys.Create(admin, request("a service")); err != nil {
				t.Fatal(err)
			}
		}
		return meta, keys
	}
	for i, name := range names {
		for _, change := range []func(text, other string) string{
			func(text, _ string) string { return strings.Replace(text, "tester", "nobody", 1) },
			func(_, other string) string { return other },
			func(string, string) string { return "" },
		} {
			meta, _ := write()
			text, _, _ := meta.Get(name)
			other, _, _ := meta.Get(names[(i+1)%n])
			if err := meta.Put(map[string][]byte{name: []byte(change(string(text), string(other)))}); err != nil {
				t.Fatal(err)
			}
			if got, err := entries(open(t, meta, nil).Trail()); orrery.CodeOf(err) != "audit_broken" || len(got) != i {
				t.Errorf("%s: %d entries, then %v", name, len(got), err)
			}
		}
	}
	// A trail that begins anew, as if the newest had never been.
	long, _ := write()
	short := memory.New().Meta()
	shortKeys := open(t, short, nil)
	if _, _, err := shortKeys.Create(admin, request("a service")); err != nil {
		t.Fatal(err)
	}
	head, _, _ := long.Get("audit-head")
	if err := short.Put(map[string][]byte{"audit-head": head}); err != nil {
		t.Fatal(err)
	}
	if _, err := entries(open(t, short, nil).Trail()); orrery.CodeOf(err) != "audit_broken" {
		t.Error(err)
	}
}

func TestSecretsByReference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("two words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORRERY_TEST_SECRET", "from outside")
	for text, want := range map[string]string{"${file:" + path + "}": "two words", "${env:ORRERY_TEST_SECRET}": "from outside"} {
		r, ok := access.ParseReference(text)
		if got, err := r.Resolve(); !ok || err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "hunter2", "${env:}", "${vault:x}", "x${env:A}", "${env:A}${env:B}", "$env:A"} {
		if _, ok := access.ParseReference(text); ok {
			t.Errorf("%q is taken for a reference", text)
		}
	}
	for text, code := range map[string]string{"${env:ORRERY_TEST_UNSET}": "secret_missing", "${file:" + path + ".not}": "secret_unreadable",
		"${file:" + filepath.Dir(path) + "}": "secret_unreadable"} {
		r, _ := access.ParseReference(text)
		if _, err := r.Resolve(); orrery.CodeOf(err) != code {
			t.Errorf("%s: %v", text, err)
		}
	}
}
