package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

func wantMeta(t testing.TB, m store.Meta, name, want string) {
	t.Helper()
	value, ok, err := m.Get(name)
	must(t, err)
	if !ok || string(value) != want {
		t.Fatalf("value %q is %q, %v, want %q", name, value, ok, want)
	}
}

func metaValues(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Meta().Put(nil))
	must(t, s.Meta().Put(map[string][]byte{"a": []byte("1"), "a/b": []byte("2"), "a/a": []byte("3"), "b\xff": nil, "": []byte("4")}))
	must(t, s.Meta().Put(map[string][]byte{"a": []byte("5")}))
	must(t, s.Log().Append(batchOf(1, 2), true))
	lists := map[string][]string{
		"": {"", "a", "a/a", "a/b", "b\xff"}, "a": {"a", "a/a", "a/b"}, "a/": {"a/a", "a/b"}, "b\xff": {"b\xff"}, "c": nil, "\xff": nil,
	}
	for range 2 {
		for name, want := range map[string]string{"a": "5", "a/a": "3", "a/b": "2", "b\xff": "", "": "4"} {
			wantMeta(t, s.Meta(), name, want)
		}
		if _, ok, err := s.Meta().Get("none"); ok || err != nil {
			t.Fatalf("a value that was not put: %v, %v", ok, err)
		}
		for prefix, want := range lists {
			names, err := s.Meta().List(prefix)
			must(t, err)
			if !slices.Equal(names, want) {
				t.Fatalf("names with prefix %q are %q, want %q", prefix, names, want)
			}
		}
		must(t, s.Close())
		s = open(t, dir)
	}
	must(t, s.Close())
}

func blobContent(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	contents := [][]byte{nil, []byte("model"), bytes.Repeat([]byte("weights "), 1<<18)}
	var digests []string
	for _, content := range contents {
		digest, err := s.Blob().Put(content)
		must(t, err)
		sum := sha256.Sum256(content)
		if digest != hex.EncodeToString(sum[:]) {
			t.Fatalf("digest %s of %.20q", digest, content)
		}
		again, err := s.Blob().Put(content)
		must(t, err)
		if again != digest {
			t.Fatalf("the same content has digests %s and %s", digest, again)
		}
		digests = append(digests, digest)
	}
	sorted := slices.Sorted(slices.Values(digests))
	for range 2 {
		for i, digest := range digests {
			content, err := s.Blob().Get(digest)
			must(t, err)
			if !bytes.Equal(content, contents[i]) {
				t.Fatalf("content of %s is %.20q", digest, content)
			}
		}
		names, err := s.Blob().List()
		must(t, err)
		if !slices.Equal(names, sorted) {
			t.Fatalf("the store lists %q, want %q", names, sorted)
		}
		must(t, s.Close())
		s = open(t, dir)
	}
	must(t, s.Close())
}

// blobNames asks for what no content can be called, paths among them.
func blobNames(t *testing.T, open Open) {
	blob := opened(t, open).Blob()
	_, err := blob.Put([]byte("there"))
	must(t, err)
	for _, name := range []string{"", "..", "../FORMAT", strings.Repeat("0", 64), strings.Repeat("A", 64), strings.Repeat("/", 64)} {
		_, err := blob.Get(name)
		wantCode(t, err, orrery.NotFound, "blob_not_found")
	}
}

// owned changes what was given to and got from a store.
func owned(t *testing.T, open Open) {
	s := opened(t, open)
	b := batchOf(1, 1)
	items := []store.StateItem{item(1, "k", "value")}
	value := []byte("value")
	must(t, s.Log().Append(b, true))
	must(t, s.State().Write(items))
	must(t, s.Meta().Put(map[string][]byte{"m": value}))
	digest, err := s.Blob().Put(value)
	must(t, err)
	for _, given := range [][]byte{b.Records[0].Data, b.Records[1].Data, b.Entries[0].Key, items[0].Value, value} {
		clear(given)
	}
	for range 2 {
		wantRecords(t, s.Log(), 0, batchOf(1, 1).Records)
		wantEntry(t, s.Log(), keyOf(1), 1)
		wantState(t, s.State(), 1, "k=value")
		wantMeta(t, s.Meta(), "m", "value")
		data, _, _ := s.Log().Get(1, store.EventRecord)
		clear(data)
		data, _, _ = s.State().Get(table(1), "k")
		clear(data)
		for it := range s.State().Scan(table(1)) {
			clear(it.Value)
		}
		data, _, _ = s.Meta().Get("m")
		clear(data)
		data, err = s.Blob().Get(digest)
		must(t, err)
		if string(data) != "value" {
			t.Fatalf("content is %q", data)
		}
		clear(data)
	}
}

func closeTwice(t *testing.T, open Open) {
	s := open(t, t.TempDir())
	must(t, s.Log().Append(batchOf(1, 1), false))
	must(t, s.Close())
	must(t, s.Close())
}
