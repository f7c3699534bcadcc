// Command release builds what is published of a version: static binaries for
// linux and darwin on amd64 and arm64, an OCI image of those for linux, and the
// checksums of all. The same source and the same Go give the same bytes.
//
//	go run ./tools/release --version v0.1.0 --out dist
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// platform is an operating system and a processor, by their names in Go.
type platform struct{ os, arch string }

var platforms = []platform{{"darwin", "amd64"}, {"darwin", "arm64"}, {"linux", "amd64"}, {"linux", "arm64"}}

func (p platform) binary(version string) string {
	return fmt.Sprintf("orrery-%s-%s-%s", version, p.os, p.arch)
}

func main() {
	version := flag.String("version", "", "the version, such as v0.1.0")
	out := flag.String("out", "dist", "the folder to write to, made if it is not there")
	flag.Parse()
	if *version == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := release(*version, *out); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

func release(version, out string) error {
	if strings.ContainsAny(version, " /\\'\"") {
		return fmt.Errorf("%q cannot be a version", version)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var files []string
	var layers []imagePlatform
	for _, p := range platforms {
		name := p.binary(version)
		if err := build(p, version, filepath.Join(out, name)); err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
		files = append(files, name)
		if p.os == "linux" {
			layers = append(layers, imagePlatform{platform: p, binary: filepath.Join(out, name)})
		}
	}
	image := fmt.Sprintf("orrery-%s-oci.tar", version)
	if err := writeImage(filepath.Join(out, image), version, layers); err != nil {
		return err
	}
	return writeSums(out, append(files, image))
}

// build makes one binary. Neither the folder, the time nor the state of the
// version control gets into it, and it needs no library of its system's.
func build(p platform, version, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X orrery.dev/cli.released="+version, "-o", to, "orrery.dev/cmd/orrery")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// writeSums writes SHA256SUMS, as sha256sum reads it.
func writeSums(dir string, names []string) error {
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), name)
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(text.String()), 0o644)
}
