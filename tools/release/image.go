package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// The media types of the OCI image specification 1.1.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// user runs the program in the image: nobody, in every distribution.
const user = 65534

// imagePlatform is the binary of one platform of an image.
type imagePlatform struct {
	platform
	binary string
}

// descriptor points at content by its digest.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *ociPlatform      `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type ociPlatform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

type imageConfig struct {
	ociPlatform
	Config struct {
		User         string              `json:"User"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Entrypoint   []string            `json:"Entrypoint"`
		Cmd          []string            `json:"Cmd"`
		WorkingDir   string              `json:"WorkingDir"`
		Volumes      map[string]struct{} `json:"Volumes"`
		Labels       map[string]string   `json:"Labels"`
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// layout is an OCI image layout under construction: blobs by digest.
type layout struct {
	names []string
	blobs map[string][]byte
}

func (l *layout) add(mediaType string, content []byte) descriptor {
	digest := digestOf(content)
	if _, there := l.blobs[digest]; !there {
		l.names, l.blobs[digest] = append(l.names, digest), content
	}
	return descriptor{MediaType: mediaType, Digest: digest, Size: len(content)}
}

func (l *layout) addJSON(mediaType string, value any) (descriptor, error) {
	text, err := json.Marshal(value)
	return l.add(mediaType, text), err
}

func digestOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// writeImage writes an image of several platforms as an OCI image layout in a
// tar file: the binary alone, on nothing, run by a user who owns only /data.
func writeImage(to, version string, platforms []imagePlatform) error {
	l := &layout{blobs: map[string][]byte{}}
	several := manifest{SchemaVersion: 2, MediaType: mediaIndex}
	for _, p := range platforms {
		d, err := l.addPlatform(version, p)
		if err != nil {
			return err
		}
		several.Manifests = append(several.Manifests, d)
	}
	inner, err := l.addJSON(mediaIndex, several)
	if err != nil {
		return err
	}
	inner.Annotations = map[string]string{"org.opencontainers.image.ref.name": version}
	index, err := json.Marshal(manifest{SchemaVersion: 2, MediaType: mediaIndex, Manifests: []descriptor{inner}})
	if err != nil {
		return err
	}
	entries := []entry{{name: "oci-layout", content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {name: "index.json", content: index},
		{name: "blobs/", dir: true}, {name: "blobs/sha256/", dir: true}}
	for _, digest := range l.names {
		entries = append(entries, entry{name: "blobs/sha256/" + digest[len("sha256:"):], content: l.blobs[digest]})
	}
	var out bytes.Buffer
	if err := writeTar(&out, entries); err != nil {
		return err
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

func (l *layout) addPlatform(version string, p imagePlatform) (descriptor, error) {
	binary, err := os.ReadFile(p.binary)
	if err != nil {
		return descriptor{}, err
	}
	var files, packed bytes.Buffer
	err = writeTar(&files, []entry{{name: "data/", dir: true, owner: user}, {name: "orrery", content: binary, mode: 0o755}, {name: "tmp/", dir: true, mode: 0o1777}})
	if err != nil {
		return descriptor{}, err
	}
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return descriptor{}, err
	}
	if _, err := w.Write(files.Bytes()); err != nil {
		return descriptor{}, err
	}
	if err := w.Close(); err != nil {
		return descriptor{}, err
	}
	platform := ociPlatform{Architecture: p.arch, OS: p.os}
	config := imageConfig{ociPlatform: platform}
	c := &config.Config
	c.User, c.Entrypoint, c.Cmd, c.WorkingDir = fmt.Sprintf("%d:%d", user, user), []string{"/orrery"}, []string{"--help"}, "/data"
	c.ExposedPorts, c.Volumes = map[string]struct{}{"8080/tcp": {}}, map[string]struct{}{"/data": {}}
	c.Labels = map[string]string{"org.opencontainers.image.title": "orrery", "org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "Apache-2.0"}
	config.RootFS.Type, config.RootFS.DiffIDs = "layers", []string{digestOf(files.Bytes())}
	described, err := l.addJSON(mediaConfig, config)
	if err != nil {
		return descriptor{}, err
	}
	m, err := l.addJSON(mediaManifest, manifest{SchemaVersion: 2, MediaType: mediaManifest, Config: &described, Layers: []descriptor{l.add(mediaLayer, packed.Bytes())}})
	m.Platform = &platform
	return m, err
}

// entry is a file or folder of a tar.
type entry struct {
	name    string
	content []byte
	dir     bool
	mode    int64
	owner   int
}

// writeTar writes entries without anything that differs from build to build.
func writeTar(w io.Writer, entries []entry) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(e.content)), Uid: e.owner, Gid: e.owner, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if e.dir {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if e.mode != 0 {
			h.Mode = e.mode
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.content); err != nil {
			return err
		}
	}
	return t.Close()
}
