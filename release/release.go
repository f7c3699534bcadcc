// Package release keeps releases: a spec, the model trained for it and the
// lineage of both. A release is immutable and named by the digest of its
// content, so equal content is the same release wherever it was made.
package release

import (
	"encoding/json"

	"orrery.dev"
	"orrery.dev/store"
)

// Format is the version of the manifest that this package writes.
const Format = 1

// Release is a spec and, once trained, a model.
type Release struct {
	ID orrery.ReleaseID
	// Spec is the source of system.yaml, Model the model's file; Model is nil
	// before the first training and for systems without a model.
	Spec, Model []byte
	// Form is the version of texts' normal form that its decisions are made on, see
	// text.Form; 0 where the spec reads no text.
	Form    int
	Lineage Lineage
}

// Lineage says where a release comes from. It holds no clock reading: training
// again on the same log gives the same release.
type Lineage struct {
	// Kind is the model's kind, empty without a model.
	Kind string `json:"kind,omitempty"`
	// Through is the last offset of the log that the training read.
	Through orrery.Offset `json:"through,omitempty"`
	// Range is the span of event time of the training rows.
	Range     string `json:"range,omitempty"`
	Rows      int    `json:"rows,omitempty"`
	Positives int    `json:"positives,omitempty"`
	// Form is the version of texts' normal form that the model learned from, 0 where
	// it reads no text. It is older than the release's where the model was carried
	// over to a newer program.
	Form int `json:"text_form,omitempty"`
	// Parent is the release whose model was carried over to a changed spec.
	Parent orrery.ReleaseID `json:"parent,omitempty"`
}

// manifest is what the release's digest is taken of.
type manifest struct {
	Format  int     `json:"format"`
	System  string  `json:"system"`
	Spec    string  `json:"spec"`
	Model   string  `json:"model,omitempty"`
	Form    int     `json:"text_form,omitempty"`
	Lineage Lineage `json:"lineage"`
}

// Save stores a release's parts and gives its id.
func Save(blobs store.Blob, system string, r *Release) (orrery.ReleaseID, error) {
	m := manifest{Format: Format, System: system, Form: r.Form, Lineage: r.Lineage}
	var err error
	if m.Spec, err = blobs.Put(r.Spec); err != nil {
		return "", err
	}
	if r.Model != nil {
		if m.Model, err = blobs.Put(r.Model); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	id, err := blobs.Put(text)
	return orrery.ReleaseID(id), err
}

// Load reads a release back. The error is of kind NotFound for an unknown id,
// Damaged where a part is missing or altered.
func Load(blobs store.Blob, id orrery.ReleaseID) (*Release, error) {
	text, err := blobs.Get(string(id))
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, orrery.Errorf(orrery.Damaged, "release_damaged", "release %s has an unreadable manifest", id.Short()).Because(err)
	}
	if m.Format > Format {
		return nil, orrery.Errorf(orrery.Unavailable, "release_newer", "release %s was written in format %d; this program reads up to %d", id.Short(), m.Format, Format).
			WithNext("use the newer program that wrote it")
	}
	r := &Release{ID: id, Form: m.Form, Lineage: m.Lineage}
	if r.Spec, err = blobs.Get(m.Spec); err != nil {
		return nil, part(id, "spec", err)
	}
	if m.Model != "" {
		if r.Model, err = blobs.Get(m.Model); err != nil {
			return nil, part(id, "model", err)
		}
	}
	return r, nil
}

func part(id orrery.ReleaseID, name string, err error) error {
	return orrery.Errorf(orrery.Damaged, "release_damaged", "the %s of release %s cannot be read", name, id.Short()).Because(err)
}
