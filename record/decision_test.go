package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
)

func decision() *orrery.Decision {
	return &orrery.Decision{Offset: 7, Release: orrery.ReleaseID(strings.Repeat("0123456789abcdef", 4)), Score: 0.0123456,
		Vector: []float64{57.16, 1, 0, 3, 12, 61, 52.013333, 48.917, 50.2213, 0, 7, 30, 0, 0.25, math.NaN()},
		Action: "approve", Rule: 2, Propensity: 1, Micros: orrery.StageMicros{Decode: 12, Sequence: 105, Score: 3}}
}

// chancy gives a decision with all that the usual one lacks.
func chancy() *orrery.Decision {
	d := decision()
	d.Scores, d.Intended, d.Propensity = []float64{0.25, 0.5, 0.25}, "block", 0.05
	d.Reasons = []orrery.Reason{{Slot: 13, Contribution: -1.5}, {Slot: 0, Contribution: 0.3}}
	return d
}

// acting gives a decision with all that can go with an action.
func acting() *orrery.Decision {
	d := chancy()
	d.With, d.Spans = []float64{30, math.NaN()}, []orrery.Span{{Start: 0, End: 4}, {Start: 9, End: 300}}
	return d
}

func drawSpans(t *rapid.T) []orrery.Span {
	var spans []orrery.Span
	at := 0
	for range rapid.IntRange(0, 3).Draw(t, "spans") {
		start := at + rapid.IntRange(0, 500).Draw(t, "gap")
		at = start + rapid.IntRange(1, 500).Draw(t, "length")
		spans = append(spans, orrery.Span{Start: start, End: at})
	}
	return spans
}

func drawDecision(t *rapid.T) *orrery.Decision {
	number := rapid.OneOf(rapid.Float64(), rapid.Map(rapid.IntRange(-5, 300), func(i int) float64 { return float64(i) }),
		rapid.SampledFrom([]float64{math.NaN(), math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 5e-324, math.MaxFloat64}))
	propensity := rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(5e-324, 1))
	reason := rapid.Custom(func(t *rapid.T) orrery.Reason {
		return orrery.Reason{Slot: rapid.IntMin(0).Draw(t, "slot"), Contribution: number.Draw(t, "contribution")}
	})
	release := rapid.OneOf(rapid.StringMatching("[0-9a-f]{64}"), rapid.StringMatching("[0-9A-F]{64}"), rapid.String())
	return &orrery.Decision{
		Offset: orrery.Offset(rapid.Uint64().Draw(t, "offset")), Release: orrery.ReleaseID(release.Draw(t, "release")),
		Vector: rapid.SliceOf(number).Draw(t, "vector"), Score: number.Draw(t, "score"), Action: rapid.String().Draw(t, "action"),
		Rule: rapid.Int().Draw(t, "rule"), Fallback: rapid.String().Draw(t, "fallback"),
		Scores: rapid.SliceOf(number).Draw(t, "scores"), Intended: rapid.String().Draw(t, "intended"),
		Propensity: propensity.Draw(t, "propensity"), Reasons: rapid.SliceOf(reason).Draw(t, "reasons"),
		With: rapid.SliceOf(number).Draw(t, "with"), Spans: drawSpans(t),
		Micros: orrery.StageMicros{Decode: rapid.Int64().Draw(t, "decode"), Sequence: rapid.Int64().Draw(t, "sequence"), Score: rapid.Int64().Draw(t, "score time")},
	}
}

// same compares decisions, numbers by their bits but for NaN, which is one.
func same(a, b *orrery.Decision) bool {
	sameNumber := func(a, b float64) bool { return canonicalBits(a) == canonicalBits(b) }
	sameReason := func(a, b orrery.Reason) bool { return a.Slot == b.Slot && sameNumber(a.Contribution, b.Contribution) }
	return slices.EqualFunc(a.Vector, b.Vector, sameNumber) && sameNumber(a.Score, b.Score) &&
		slices.EqualFunc(a.Scores, b.Scores, sameNumber) && slices.EqualFunc(a.Reasons, b.Reasons, sameReason) &&
		slices.EqualFunc(a.With, b.With, sameNumber) && slices.Equal(a.Spans, b.Spans) &&
		a.Intended == b.Intended && a.Propensity == b.Propensity &&
		a.Offset == b.Offset && a.Release == b.Release && a.Action == b.Action && a.Rule == b.Rule && a.Fallback == b.Fallback && a.Micros == b.Micros
}

func TestDecisionComesBack(t *testing.T) {
	var again orrery.Decision
	rapid.Check(t, func(t *rapid.T) {
		d := drawDecision(t)
		data := AppendDecision([]byte("before"), fingerprint, 5, d)[len("before"):]
		got, err := DecodeDecision(data, d.Offset, nil)
		if err != nil || !same(&got, d) {
			t.Fatalf("got %+v, %v, want %+v", got, err, *d)
		}
		if err := DecodeDecisionInto(&again, data, d.Offset, nil); err != nil || !same(&again, d) {
			t.Fatalf("into a used decision: %+v, %v, want %+v", again, err, *d)
		}
		for i := range data {
			if _, err := DecodeDecision(data[:i], 1, nil); orrery.CodeOf(err) != "record_damaged" {
				t.Fatalf("the first %d of %d bytes: %v", i, len(data), err)
			}
		}
		if _, err := DecodeDecision(append(data, 0), 1, nil); orrery.CodeOf(err) != "record_damaged" {
			t.Fatalf("a byte more: %v", err)
		}
	})
}

// TestDecisionHasOneNaN encodes NaNs of other bits: the records are the same.
func TestDecisionHasOneNaN(t *testing.T) {
	a, b := decision(), decision()
	a.Score, b.Score = math.NaN(), math.Float64frombits(0xfff0_0000_0000_0001)
	b.Vector[14] = math.Float64frombits(0x7ff8_dead_beef_0000)
	if !bytes.Equal(AppendDecision(nil, fingerprint, 5, a), AppendDecision(nil, fingerprint, 5, b)) {
		t.Fatal("NaNs of two forms give two records")
	}
}

func TestDecisionIsSmall(t *testing.T) {
	// The release takes 32 bytes and the six averages of the vector 48.
	if size := len(AppendDecision(nil, fingerprint, 5, decision())) - HeaderSize; size > 140 {
		t.Fatalf("a decision has %d bytes after the header", size)
	}
}

func TestDecisionRefused(t *testing.T) {
	const flagsAt, releaseAt, scoreAt = HeaderSize, HeaderSize + 1, HeaderSize + 33
	d := decision()
	d.Vector = []float64{1, 0.3, math.NaN()}
	end := len(AppendDecision(nil, fingerprint, 5, d)) // vector: 3, two bytes of sizes, 2 bytes, 8 bytes
	tests := []struct {
		name   string
		change func([]byte) []byte
	}{
		{"another kind", func(b []byte) []byte { b[1] = byte(EventKind); return b }},
		{"unknown flag", func(b []byte) []byte { b[flagsAt] |= 64; return b }},
		{"a flag that version 1 lacks", func(b []byte) []byte { b[0], b[flagsAt] = 1, b[flagsAt]|hasIntended; return append(b, 1, 'a') }},
		{"no scores", func(b []byte) []byte { b[flagsAt] |= hasScores; return append(b, 0) }},
		{"no intended action", func(b []byte) []byte { b[flagsAt] |= hasIntended; return append(b, 0) }},
		{"a propensity of 1", func(b []byte) []byte { b[flagsAt] |= hasPropensity; return appendNumber(b, 1) }},
		{"a propensity of 0", func(b []byte) []byte { b[flagsAt] |= hasPropensity; return appendNumber(b, 0) }},
		{"no reasons", func(b []byte) []byte { b[flagsAt] |= hasReasons; return append(b, 0) }},
		{"a reason of a slot below 0", func(b []byte) []byte {
			b[flagsAt] |= hasReasons
			return appendNumber(binary.AppendUvarint(append(b, 1), math.MaxUint64), 1)
		}},
		{"a flag that version 2 lacks", func(b []byte) []byte { b[flagsAt] |= hasActed; return append(b, 1, 0, 0) }},
		{"nothing with an action", func(b []byte) []byte { b[0], b[flagsAt] = 4, b[flagsAt]|hasActed; return append(b, 0, 0) }},
		{"an empty span", func(b []byte) []byte { b[0], b[flagsAt] = 4, b[flagsAt]|hasActed; return append(b, 0, 1, 5, 0) }},
		{"a span behind every text", func(b []byte) []byte {
			b[0], b[flagsAt] = 4, b[flagsAt]|hasActed
			return append(binary.AppendUvarint(append(b, 0, 1), math.MaxUint64), 5)
		}},
		{"no fallback", func(b []byte) []byte { b[flagsAt] |= hasFallback; return b }},
		{"release in the other form", func(b []byte) []byte { b[flagsAt] &^= releaseAsHex; b[releaseAt] = 32; return b[:releaseAt+1] }},
		{"another NaN as score", func(b []byte) []byte { copy(b[scoreAt:], []byte{2, 0, 0, 0, 0, 0, 0xf8, 0x7f}); return b }},
		{"a value too many", func(b []byte) []byte { b[end-11] |= 0x10; return b }},
		{"a value of 9 bytes", func(b []byte) []byte { b[end-12] |= 0x90; return append(b, 1) }},
		{"a value with a zero at its end", func(b []byte) []byte { b[end-1] = 0; return b }},
		{"a NaN with its bytes", func(b []byte) []byte { copy(b[end-8:], []byte{0x7f, 0xf8}); return b }},
		{"a vector of 2^63 values", func(b []byte) []byte {
			return append(b[:end-13:end-13], 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)
		}},
	}
	for _, test := range tests {
		_, err := DecodeDecision(test.change(AppendDecision(nil, fingerprint, 5, d)), 1, nil)
		if orrery.CodeOf(err) != "record_damaged" {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func FuzzDecodeDecision(f *testing.F) {
	f.Add(AppendDecision(nil, fingerprint, 5, decision()))
	f.Add(AppendDecision(nil, fingerprint, 5, chancy()))
	f.Add(AppendDecision(nil, fingerprint, 5, acting()))
	f.Add(AppendDecision(nil, fingerprint, 5, &orrery.Decision{Release: "none", Score: math.NaN(), Fallback: "the model took too long", Rule: -1, Propensity: 1}))
	f.Add(goldenRecords(f, 1)["decision"])
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDecision(data, 1, nil)
		if err != nil {
			return
		}
		h, err := Header(data)
		if err != nil {
			t.Fatal(err)
		}
		again := AppendDecision(nil, h.Contract, h.Received, &d)
		if again[0] = data[0]; !bytes.Equal(again, data) {
			t.Fatalf("%x decodes to %+v, which is %x", data, d, again)
		}
	})
}
