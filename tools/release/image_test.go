package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// readTar gives the content of the files of a tar, and their headers.
func readTar(t *testing.T, r io.Reader) (map[string][]byte, map[string]*tar.Header) {
	t.Helper()
	files, headers := map[string][]byte{}, map[string]*tar.Header{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
		headers[h.Name] = h
	}
}

func imageOf(t *testing.T, dir string) []byte {
	t.Helper()
	var platforms []imagePlatform
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(dir, arch)
		if err := os.WriteFile(path, []byte("the binary for "+arch), 0o755); err != nil {
			t.Fatal(err)
		}
		platforms = append(platforms, imagePlatform{platform{"linux", arch}, path})
	}
	path := filepath.Join(dir, "image.tar")
	if err := writeImage(path, "v1.2.3", platforms); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTheImageIsAnOCILayout follows every digest from the index to the binary, as
// the OCI image specification says.
func TestTheImageIsAnOCILayout(t *testing.T) {
	image := imageOf(t, t.TempDir())
	if again := imageOf(t, t.TempDir()); !bytes.Equal(image, again) {
		t.Error("the same binaries give another image")
	}
	files, _ := readTar(t, bytes.NewReader(image))
	if string(files["oci-layout"]) != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout: %s", files["oci-layout"])
	}
	blob := func(d descriptor, mediaType string) []byte {
		t.Helper()
		content, there := files["blobs/sha256/"+d.Digest[len("sha256:"):]]
		if !there || digestOf(content) != d.Digest || len(content) != d.Size || d.MediaType != mediaType {
			t.Fatalf("%+v names %d bytes", d, len(content))
		}
		return content
	}
	read := func(text []byte, into any) {
		t.Helper()
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	var index, several manifest
	read(files["index.json"], &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v1.2.3" {
		t.Fatalf("index %+v", index)
	}
	read(blob(index.Manifests[0], mediaIndex), &several)
	if len(several.Manifests) != 2 {
		t.Fatalf("%d platforms", len(several.Manifests))
	}
	for i, arch := range []string{"amd64", "arm64"} {
		var m manifest
		var config imageConfig
		read(blob(several.Manifests[i], mediaManifest), &m)
		read(blob(*m.Config, mediaConfig), &config)
		if p := several.Manifests[i].Platform; p.Architecture != arch || p.OS != "linux" || config.ociPlatform != *p {
			t.Errorf("platform %+v, config for %+v", p, config.ociPlatform)
		}
		if config.Config.User != "65534:65534" || config.Config.Entrypoint[0] != "/orrery" {
			t.Errorf("config %+v", config.Config)
		}
		packed, err := gzip.NewReader(bytes.NewReader(blob(m.Layers[0], mediaLayer)))
		if err != nil {
			t.Fatal(err)
		}
		layer, err := io.ReadAll(packed)
		if err != nil {
			t.Fatal(err)
		}
		if digestOf(layer) != config.RootFS.DiffIDs[0] {
			t.Error("the layer is not the one that the config names")
		}
		content, headers := readTar(t, bytes.NewReader(layer))
		if string(content["orrery"]) != "the binary for "+arch || headers["orrery"].Mode != 0o755 || headers["orrery"].Uid != 0 || headers["data/"].Uid != user {
			t.Errorf("layer: %v", headers)
		}
	}
}
