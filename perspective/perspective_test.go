package perspective

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestSentences(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want []string
	}{
		{"One. Two! Three?", 9, []string{"One.", "Two!", "Three?"}},
		{"  a 3.5 b\n\nc ", 9, []string{"a 3.5 b", "c"}},
		{"はい。いいえ。", 9, []string{"はい。", "いいえ。"}},
		{"a. b. c. d", 2, []string{"a.", "b. c. d"}},
		{"...", 9, []string{"..."}},
		{" \n ", 9, nil},
	} {
		var got []string
		for _, p := range Sentences(test.text, test.most) {
			got = append(got, p.Text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

// Names and values are taken as the JSON mapping of Protocol Buffers has them.
func TestDecodeIsLenientWhereProtocolBuffersAre(t *testing.T) {
	r, err := DecodeAnalyze([]byte(`{"comment": {"text": "x", "type": 1}, "requested_attributes": {"A": {"score_threshold": "0.25", "scoreType": 1}, "B": null},
		"languages": "en", "session_id": null, "doNotStore": null}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Comment.Type != "PLAIN_TEXT" || *r.Requested["A"].ScoreThreshold != 0.25 || len(r.Requested) != 2 || len(r.Languages) != 1 || r.DoNotStore {
		t.Errorf("%+v", r)
	}
	if _, err := DecodeAnalyze([]byte(`{"doNotStore": true, "do_not_store": false}`)); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Error(err)
	}
}

// Whatever comes is a request that holds to the bounds, or an error that says what
// is wrong and is sent as JSON.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"comment": {"text": "a. b"}, "requestedAttributes": {"A": {"scoreThreshold": 1e400}}}`, `{"comment": {"text": "\ud800"}, "attributeScores": {"A": {"summaryScore": {"value": "NaN"}}}}`,
		`[]`, `{"context": {"entries": [{}]}, "languages": [null]}`, "{\"\xff\": 1}", `{"comment":{"text":"x"},"attributeScores":{"T":{"spanScores":[{"begin":0,"end":1,"score":{"value":1}}]}}} 1`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		analyze, err := DecodeAnalyze(body)
		checkError(t, err)
		if err == nil && (len(analyze.Requested) == 0 || len(analyze.Comment.Text) > MaxText || strings.TrimSpace(analyze.Comment.Text) == "") {
			t.Errorf("%+v", analyze)
		}
		if err == nil {
			checkParts(t, analyze.Comment.Text)
		}
		suggest, err := DecodeSuggest(body)
		checkError(t, err)
		if err == nil && len(suggest.AttributeScores) == 0 {
			t.Errorf("%+v", suggest)
		}
	})
}

func checkError(t *testing.T, err error) {
	var own *Error
	if err == nil {
		return
	}
	if !errors.As(err, &own) || own.Message == "" || own.Code != 400 || !json.Valid(own.Body()) {
		t.Errorf("%#v", err)
	}
}

// checkParts holds the places of sentences against the text in UTF-16.
func checkParts(t *testing.T, text string) {
	units, end := utf16.Encode([]rune(text)), 0
	if len(units) != Units(text) {
		t.Errorf("%d units of %q, want %d", Units(text), text, len(units))
	}
	parts := Sentences(text, 5)
	if len(parts) > 5 {
		t.Errorf("%d parts", len(parts))
	}
	for _, p := range parts {
		if p.Begin < end || p.End > len(units) || string(utf16.Decode(units[p.Begin:p.End])) != string([]rune(p.Text)) {
			t.Errorf("%q at %d-%d of %q", p.Text, p.Begin, p.End, text)
		}
		end = p.End
	}
}
