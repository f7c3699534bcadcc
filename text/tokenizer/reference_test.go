package tokenizer_test

import (
	"fmt"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/text/tokenizer"
)

// TestPartsAreRead holds the list of parts to the decoder: a part that is listed as
// read is known to it, and one that is refused is refused by its name.
func TestPartsAreRead(t *testing.T) {
	for _, p := range tokenizer.Parts() {
		sections := map[string]string{"model": `{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}`}
		sections[p.Section] = fmt.Sprintf(`{"type":%q}`, p.Kind)
		file := `{"version":"1.0"`
		for key, value := range sections {
			file += fmt.Sprintf(",%q:%s", key, value)
		}
		_, err := tokenizer.Decode([]byte(file + "}"))
		// Most parts need more keys than their type, and complain of these.
		named := err != nil && orrery.CodeOf(err) == "tokenizer_unsupported" && strings.Contains(err.Error(), fmt.Sprintf("%s.type: %q", p.Section, p.Kind))
		if named == p.Read {
			t.Errorf("%s %s is listed as read %v: %v", p.Section, p.Kind, p.Read, err)
		}
	}
}
