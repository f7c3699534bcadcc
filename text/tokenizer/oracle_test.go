package tokenizer_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"orrery.dev/text/tokenizer"
)

// reference is what the library of Hugging Face makes of texts: see
// testdata/make.py.
type reference struct {
	Texts []string
	Cases map[string][]struct {
		IDs                  []int32
		Offsets              [][2]int32
		Types, Mask, Special []int32
	}
}

func read(t testing.TB) *reference {
	t.Helper()
	f, err := os.Open("testdata/cases.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func load(t testing.TB, name string) *tokenizer.Tokenizer {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	made, err := tokenizer.Decode(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return made
}

// TestAsReference compares ids, places, types and masks with the reference, for
// texts encoded four at a time where they are padded.
func TestAsReference(t *testing.T) {
	r := read(t)
	if len(r.Cases) != len(names) {
		t.Fatalf("%d tokenizers", len(r.Cases))
	}
	for name, want := range r.Cases {
		t.Run(name, func(t *testing.T) {
			tok := load(t, name)
			faults := 0
			for i := 0; i < len(r.Texts); i += 4 {
				batch := r.Texts[i:min(i+4, len(r.Texts))]
				var got []*tokenizer.Encoding
				if tok.Padding() != nil {
					got = tok.EncodeAll(batch)
				} else {
					for _, text := range batch {
						got = append(got, tok.Encode(text))
					}
				}
				for k, e := range got {
					w := want[i+k]
					offsets := make([][2]int32, e.Len())
					for j, at := range e.Offsets {
						offsets[j] = [2]int32{at.Start, at.End}
					}
					if !slices.Equal(e.IDs, w.IDs) || !slices.Equal(offsets, w.Offsets) || !slices.Equal(e.Types, w.Types) || !slices.Equal(e.Mask, w.Mask) || !slices.Equal(e.Special, w.Special) {
						if faults++; faults < 4 {
							t.Errorf("%q\n ids     %v\n want    %v\n offsets %v\n want    %v\n types %v %v\n special %v %v", batch[k], e.IDs, w.IDs, offsets, w.Offsets, e.Types, w.Types, e.Special, w.Special)
						}
					}
				}
			}
			if faults > 0 {
				t.Errorf("%d of %d texts differ", faults, len(r.Texts))
			}
		})
	}
}
