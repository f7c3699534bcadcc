package release_test

import (
	"testing"

	"orrery.dev"
	"orrery.dev/release"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

func save(t *testing.T, blobs store.Blob, r *release.Release) orrery.ReleaseID {
	t.Helper()
	id, err := release.Save(blobs, "fraud", r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestNamedByContent(t *testing.T) {
	blobs := memory.New().Blob()
	base := release.Release{Spec: []byte("orrery: 1"), Model: []byte("model"), Lineage: release.Lineage{Kind: "gbdt", Rows: 3}}
	id := save(t, blobs, &base)
	if again := save(t, memory.New().Blob(), &base); again != id {
		t.Errorf("equal content is named %s and %s", id, again)
	}
	for name, change := range map[string]func(*release.Release){
		"spec":    func(r *release.Release) { r.Spec = []byte("orrery: 2") },
		"model":   func(r *release.Release) { r.Model = []byte("other") },
		"none":    func(r *release.Release) { r.Model = nil },
		"lineage": func(r *release.Release) { r.Lineage.Rows++ },
	} {
		changed := base
		change(&changed)
		if save(t, blobs, &changed) == id {
			t.Errorf("another %s has the same name", name)
		}
	}
	back, err := release.Load(blobs, id)
	if err != nil {
		t.Fatal(err)
	}
	if back.ID != id || string(back.Spec) != "orrery: 1" || string(back.Model) != "model" || back.Lineage != base.Lineage {
		t.Errorf("loaded %+v", back)
	}
}

func TestLoadRefuses(t *testing.T) {
	blobs := memory.New().Blob()
	put := func(text string) orrery.ReleaseID {
		digest, err := blobs.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return orrery.ReleaseID(digest)
	}
	unknown := orrery.ReleaseID("00000000000000000000000000000000000000000000000000000000000000ff")
	for _, test := range []struct {
		name string
		id   orrery.ReleaseID
		kind orrery.ErrorKind
	}{
		{"unknown", unknown, orrery.NotFound},
		{"no manifest", put("spec"), orrery.Damaged},
		{"newer", put(`{"format": 99}`), orrery.Unavailable},
		{"without its spec", put(`{"format": 1, "spec": "` + string(unknown) + `"}`), orrery.Damaged},
	} {
		if _, err := release.Load(blobs, test.id); err == nil || orrery.KindOf(err) != test.kind {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
