package record

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"

	"orrery.dev"
)

// The flags of a decision.
const (
	hasFallback   = 1 << 0
	releaseAsHex  = 1 << 1 // the release is a hex SHA-256, stored as 32 bytes
	hasScores     = 1 << 2
	hasIntended   = 1 << 3
	hasPropensity = 1 << 4 // it is not 1
	hasReasons    = 1 << 5
	isSealed      = 1 << 6 // and has no other flag
	hasActed      = 1 << 7 // parameters or spans
)

// decisionFlags has the flags that each version knows.
var decisionFlags = [Version + 1]byte{1: 1<<2 - 1, 2: 1<<6 - 1, 3: 1<<6 - 1, 4: 1<<8 - 1 - isSealed}

const digestSize = 32

// AppendDecision appends the record of a decision to b. received is when the
// event decided on was; the offset is not part of the record.
//
// After the header come: flags; the release, as 32 bytes or as text; the score
// [8]; the action; the rule as a varint; the fallback where there is one; the
// three stage times as varints; and the vector: its length, then four bits a
// value that say how many bytes it has, then those bytes. A value has the bytes
// of its IEEE 754 form, big-endian, up to the last that is not zero, so 0 has
// none and small counts one to three; 15 stands for NaN, a missing value.
//
// What follows is there where its flag says so: the scores of several classes,
// laid out as the vector; the action intended; the propensity [8]; the
// reasons: their number, then a slot and a contribution [8] each; and what goes
// with the action: its numbers, laid out as the vector, and the spans: their
// number, then how far each begins behind the end of the one before it, and its
// length. A propensity
// that is no probability above 0, a slot below 0, and spans that are empty or out
// of order, are faults of the caller
// and panic.
func AppendDecision(b []byte, contract orrery.Fingerprint, received orrery.Instant, d *orrery.Decision) []byte {
	if !(d.Propensity > 0 && d.Propensity <= 1) {
		panic(fmt.Sprintf("record: the propensity of a decision is %v", d.Propensity))
	}
	b = appendHeader(b, versionOf(d), DecisionKind, contract, received)
	var digest [digestSize]byte
	isDigest := hexDigest(&digest, string(d.Release))
	flags := when(isDigest, releaseAsHex) | when(d.Fallback != "", hasFallback) | when(len(d.Scores) > 0, hasScores) |
		when(d.Intended != "", hasIntended) | when(d.Propensity != 1, hasPropensity) | when(len(d.Reasons) > 0, hasReasons) |
		when(acted(d), hasActed)
	b = append(b, flags)
	if isDigest {
		b = append(b, digest[:]...)
	} else {
		b = appendText(b, string(d.Release))
	}
	b = appendNumber(b, d.Score)
	b = appendVarint(appendText(b, d.Action), int64(d.Rule))
	if d.Fallback != "" {
		b = appendText(b, d.Fallback)
	}
	b = appendVarint(b, d.Micros.Decode)
	b = appendVarint(b, d.Micros.Sequence)
	b = appendVarint(b, d.Micros.Score)
	b = appendVector(b, d.Vector)
	if flags&^(releaseAsHex|hasFallback) == 0 {
		return b
	}
	return appendOptional(b, d)
}

// appendOptional appends what the usual decision lacks.
func appendOptional(b []byte, d *orrery.Decision) []byte {
	if len(d.Scores) > 0 {
		b = appendVector(b, d.Scores)
	}
	if d.Intended != "" {
		b = appendText(b, d.Intended)
	}
	if d.Propensity != 1 {
		b = appendNumber(b, d.Propensity)
	}
	if len(d.Reasons) > 0 {
		b = binary.AppendUvarint(b, uint64(len(d.Reasons)))
		for _, r := range d.Reasons {
			if r.Slot < 0 {
				panic(fmt.Sprintf("record: a reason of a decision has slot %d", r.Slot))
			}
			b = appendNumber(binary.AppendUvarint(b, uint64(r.Slot)), r.Contribution)
		}
	}
	if acted(d) {
		b = appendSpans(appendVector(b, d.With), d.Spans)
	}
	return b
}

func acted(d *orrery.Decision) bool { return len(d.With) > 0 || len(d.Spans) > 0 }

// versionOf gives the oldest version that can hold a decision.
func versionOf(d *orrery.Decision) byte {
	if acted(d) {
		return actedVersion
	}
	return plainVersion
}

func appendSpans(b []byte, spans []orrery.Span) []byte {
	b = binary.AppendUvarint(b, uint64(len(spans)))
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End <= s.Start {
			panic(fmt.Sprintf("record: the span %v of a decision stands behind byte %d", s, at))
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.Start-at)), uint64(s.End-s.Start))
		at = s.End
	}
	return b
}

func readSpans(spans []orrery.Span, r *reader) []orrery.Span {
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		r.fail("it has another number of spans")
	}
	at := uint64(0)
	for range n {
		start, length := r.uvarint(), r.uvarint()
		if r.fault != "" {
			return spans
		}
		if start > maxText || length == 0 || length > maxText || at+start+length > maxText {
			r.fail("a span is of no text")
			return spans
		}
		spans = append(spans, orrery.Span{Start: int(at + start), End: int(at + start + length)})
		at += start + length
	}
	return spans
}

// maxText bounds the text that a span is of, in bytes.
const maxText = math.MaxInt32

func when(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func appendNumber(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, canonicalBits(x))
}

func canonicalBits(x float64) uint64 {
	if x != x {
		return canonicalNaN
	}
	return math.Float64bits(x)
}

// hexDigest decodes s into digest if it is a SHA-256 in lower-case hex.
func hexDigest(digest *[digestSize]byte, s string) bool {
	if len(s) != 2*digestSize {
		return false
	}
	for i := range digest {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		digest[i] = high<<4 | low
	}
	return true
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// sizeOfNaN is the size that stands for a missing value.
const sizeOfNaN = 15

func appendVector(b []byte, vector []float64) []byte {
	b = binary.AppendUvarint(b, uint64(len(vector)))
	sizes := len(b)
	for range (len(vector) + 1) / 2 {
		b = append(b, 0)
	}
	for i, x := range vector {
		size, u := sizeOfNaN, math.Float64bits(x)
		if x == x {
			size = 8 - bits.TrailingZeros64(u)/8
			// All eight bytes are appended and the zeros dropped, which is faster
			// than a loop over them.
			b = binary.BigEndian.AppendUint64(b, u)
			b = b[:len(b)-8+size]
		}
		b[sizes+i/2] |= byte(size) << (4 * (i % 2))
	}
	return b
}

// DecodeDecision reads the decision at an offset. contracts, which may be nil,
// gives what opens one that is sealed; one that cannot be opened is erased. The
// error is of kind Damaged with code record_damaged, Header's or the opener's.
func DecodeDecision(data []byte, offset orrery.Offset, contracts func(orrery.Fingerprint) *orrery.View) (orrery.Decision, error) {
	var d orrery.Decision
	err := DecodeDecisionInto(&d, data, offset, contracts)
	return d, err
}

// DecodeDecisionInto is DecodeDecision into a decision that may have been used
// before: the memory of its slices is used again, and texts that did not change
// are kept. After an error d is of no use.
func DecodeDecisionInto(d *orrery.Decision, data []byte, offset orrery.Offset, contracts func(orrery.Fingerprint) *orrery.View) error {
	h, r, err := body(data, DecisionKind)
	if err != nil {
		return err
	}
	d.Offset, d.Erased = offset, false
	flags := r.byte()
	if h.Version >= sealedVersion && flags == isSealed {
		var ok bool
		if r, ok, err = openDecision(&r, &h, data, contracts); err != nil || !ok {
			*d = orrery.Decision{Offset: offset, Erased: true}
			return err
		}
		flags = r.byte()
	}
	if flags&^decisionFlags[h.Version] != 0 {
		r.fail("it is a decision with unknown flags")
	}
	readRelease(d, &r, flags)
	d.Score = r.number()
	keep(&d.Action, r.text())
	d.Rule = int(r.varint())
	d.Fallback = ""
	if flags&hasFallback != 0 {
		if d.Fallback = string(r.text()); d.Fallback == "" {
			r.fail("its fallback is empty")
		}
	}
	d.Micros = orrery.StageMicros{Decode: r.varint(), Sequence: r.varint(), Score: r.varint()}
	d.Vector = readVector(d.Vector[:0], &r)
	readOptional(d, &r, flags)
	return r.end()
}

func readOptional(d *orrery.Decision, r *reader, flags byte) {
	d.Scores, d.Intended, d.Propensity, d.Reasons = d.Scores[:0], "", 1, d.Reasons[:0]
	d.With, d.Spans = d.With[:0], d.Spans[:0]
	if flags&hasScores != 0 {
		if d.Scores = readVector(d.Scores, r); len(d.Scores) == 0 {
			r.fail("it has no scores of classes")
		}
	}
	if flags&hasIntended != 0 {
		if d.Intended = string(r.text()); d.Intended == "" {
			r.fail("its intended action is empty")
		}
	}
	if flags&hasPropensity != 0 {
		if d.Propensity = r.number(); !(d.Propensity > 0 && d.Propensity < 1) {
			r.fail("its propensity is not between 0 and 1")
		}
	}
	if flags&hasReasons != 0 {
		readReasons(d, r)
	}
	if flags&hasActed != 0 {
		if d.With, d.Spans = readVector(d.With, r), readSpans(d.Spans, r); !acted(d) {
			r.fail("nothing goes with its action")
		}
	}
}

func readReasons(d *orrery.Decision, r *reader) {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.data)) {
		r.fail("it has another number of reasons")
	}
	for range n {
		if r.fault != "" {
			return
		}
		slot := r.uvarint()
		if slot > math.MaxInt {
			r.fail("a reason is of no feature")
		}
		d.Reasons = append(d.Reasons, orrery.Reason{Slot: int(slot), Contribution: r.number()})
	}
}

func readRelease(d *orrery.Decision, r *reader, flags byte) {
	if flags&releaseAsHex == 0 {
		var digest [digestSize]byte
		text := r.text()
		if hexDigest(&digest, string(text)) {
			r.fail("its release is in another form")
		}
		keep(&d.Release, text)
		return
	}
	var text [2 * digestSize]byte
	if digest := r.bytes(digestSize); digest != nil {
		hex.Encode(text[:], digest)
		keep(&d.Release, text[:])
	}
}

// keep sets s to the text, without making a string when it is the same.
func keep[T ~string](s *T, text []byte) {
	if string(*s) != string(text) {
		*s = T(text)
	}
}

// readVector appends the values that follow to vector.
func readVector(vector []float64, r *reader) []float64 {
	n := r.uvarint()
	if n > 2*uint64(len(r.data)) {
		r.fail("it ends early")
		return vector
	}
	sizes := r.bytes((n + 1) / 2)
	if n%2 == 1 && sizes[n/2]>>4 != 0 {
		r.fail("its vector has a value too many")
	}
	if uint64(cap(vector)) < n {
		vector = make([]float64, 0, n)
	}
	for i := range int(n) {
		size := int(sizes[i/2] >> (4 * (i % 2)) & 15)
		if size == sizeOfNaN {
			vector = append(vector, math.NaN())
			continue
		}
		if size > 8 || size > len(r.data) || size > 0 && r.data[size-1] == 0 {
			r.fail("its vector has a value in another form")
			return vector
		}
		u := uint64(0)
		if len(r.data) >= 8 && size > 0 {
			u = binary.BigEndian.Uint64(r.data) &^ (1<<(64-8*size) - 1)
		} else {
			for j := range size {
				u |= uint64(r.data[j]) << (56 - 8*j)
			}
		}
		r.data = r.data[size:]
		x := math.Float64frombits(u)
		if x != x {
			r.fail("its vector has a NaN of another form")
			return vector
		}
		vector = append(vector, x)
	}
	return vector
}
