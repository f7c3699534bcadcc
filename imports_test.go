package orrery_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// layers says how far down each package stands: an import goes to a lower layer
// only, or within the folders listed in sideways.
var layers = map[string]int{
	"bench/crash":                   9,
	"bench/exploration":             9,
	"bench/fraudweeks":              9,
	"bench/moderation":              9,
	"bench/network":                 9,
	"bench/scale":                   9,
	"bench/training":                9,
	"cmd/orrery":                    9,
	"text/generate":                 9,
	"tools/release":                 9,
	"cli":                           8,
	"api":                           7,
	"cases":                         6,
	"serve":                         6,
	"orrerytest":                    5,
	"replay":                        5,
	"builtin":                       4,
	"plan":                          4,
	"ingest/quarantine":             3,
	"spec":                          3, // the language of the stages, read by plan and all above it
	"systems/fraud":                 3,
	"systems/moderation":            3,
	"systems/moderation/functional": 2,
	"access":                        2,
	"control":                       2,
	"feature":                       2,
	"ingest":                        2,
	"model":                         2,
	"model/onnx":                    1,
	"model/onnx/onnxtest":           0,
	"policy":                        2,
	"release":                       2,
	"review":                        2,
	"store/memory":                  2,
	"store/pebble":                  2,
	"store/storetest":               2,
	"train":                         2,
	"api/front":                     1,
	"backup":                        1,
	"cli/progress":                  1,
	"declare":                       1,
	"expr":                          1,
	"ingest/parquet":                1,
	"load":                          1,
	"metric":                        1,
	"orrerytest/crash":              1,
	"perspective":                   1,
	"record":                        1,
	"store":                         1,
	"telemetry":                     1,
	"text/ngram":                    1,
	"text":                          1,
	"text/match":                    1,
	"text/tokenizer":                1,
	"vault":                         1,
	"":                              0,
	"numeric":                       0,
	"spelling":                      0,
	"zones":                         0,
	"text/simhash":                  0,
}

// sideways lists the imports within a layer that are allowed, with the reason.
var sideways = map[string]string{
	"train → model":               "a trainer makes what a model scores",
	"text/match → text":           "terms are found in normal forms",
	"model/onnx → text/tokenizer": "a model reads tokens, and models and trainers stand on it",
	"store → vault":               "a store has a vault, which is one thing whatever the store is",
}

// confined lists modules that one package alone imports, so that what they bring
// (cgo here) is in one place.
var confined = map[string]string{
	"github.com/yalue/onnxruntime_go": "model/onnx",
}

// TestImportsPointDown holds the code to the order of docs/ARCHITECTURE.md.
func TestImportsPointDown(t *testing.T) {
	const module = "orrery.dev"
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		from := strings.TrimSuffix(filepath.ToSlash(filepath.Dir(path)), ".")
		level, known := layers[from]
		if !known {
			t.Errorf("package %q has no layer: add it to layers and to docs/ARCHITECTURE.md", from)
			return nil
		}
		seen[from] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(name, module)
			if to = strings.TrimPrefix(to, "/"); !ours {
				if from == "" && strings.Contains(strings.Split(name, "/")[0], ".") {
					t.Errorf("%s imports %s: the root package uses the standard library only", path, name)
				}
				if place := confined[name]; place != "" && place != from {
					t.Errorf("%s imports %s, which is for %s alone", path, name, place)
				}
				continue
			}
			if layers[to] >= level && sideways[from+" → "+to] == "" {
				t.Errorf("%s imports %s, which is not below it", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range layers {
		if !seen[name] {
			t.Errorf("layers names %q, which is no package", name)
		}
	}
}
