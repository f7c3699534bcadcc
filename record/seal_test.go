package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"orrery.dev"
)

// personal has a personal field of every type.
var personal = func() *orrery.Contract {
	t := &orrery.EventType{Name: "signup", IDField: 0, TimeField: 1, Subject: "customer", Fields: []orrery.Field{
		{Name: "id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp},
		{Name: "customer", Type: orrery.Entity, Entity: "customer", Personal: true}, {Name: "plan", Type: orrery.String},
		{Name: "name", Type: orrery.String, Personal: true}, {Name: "born", Type: orrery.Timestamp, Personal: true, Optional: true},
		{Name: "income", Type: orrery.Decimal, Scale: 2, Personal: true}, {Name: "children", Type: orrery.Int, Personal: true, Optional: true},
		{Name: "ratio", Type: orrery.Float, Personal: true}, {Name: "married", Type: orrery.Bool, Personal: true},
	}}
	return &orrery.Contract{Entities: []string{"customer"}, Events: []*orrery.EventType{t}}
}()

var subject = orrery.Pseudonym{0: 7, 15: 9}

// sealed encrypts with a nonce that never changes, which only a test may do.
type sealed struct{ aead cipher.AEAD }

func newSealed() sealed {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return sealed{aead}
}

func (s sealed) Pseudonym() orrery.Pseudonym { return subject }

func (s sealed) Seal(dst, plain, bound []byte) []byte {
	return s.aead.Seal(dst, make([]byte, s.aead.NonceSize()), plain, bound)
}

func (s sealed) Unseal(p orrery.Pseudonym, text, bound []byte) ([]byte, bool, error) {
	if p != subject {
		return nil, false, nil
	}
	plain, err := s.aead.Open(nil, make([]byte, s.aead.NonceSize()), text, bound)
	if err != nil {
		return nil, false, damaged("it cannot be opened")
	}
	return plain, true, nil
}

func personalView(opener orrery.Opener) func(orrery.Fingerprint) *orrery.View {
	return func(orrery.Fingerprint) *orrery.View {
		return &orrery.View{Written: personal, Current: personal, Opener: opener}
	}
}

func signup() *orrery.Event {
	return &orrery.Event{Type: personal.Events[0], ID: "s1", Time: 5, Received: 7, Subject: subject, Values: []orrery.Value{
		orrery.StringValue("s1"), orrery.TimestampValue(5), orrery.EntityValue(subject.String()), orrery.StringValue("gold"),
		orrery.StringValue("Ada Lovelace"), {}, orrery.DecimalValue(1234567), orrery.IntValue(-3), orrery.FloatValue(0.25), orrery.BoolValue(true)}}
}

func erasedSignup() *orrery.Event {
	e := signup()
	e.Erased = true
	for i := range e.Values {
		if !e.Type.Fields[i].Kept() {
			e.Values[i] = orrery.Value{}
		}
	}
	return e
}

func TestSealedRecordsComeBack(t *testing.T) {
	s := newSealed()
	data := AppendSealedEvent([]byte("before"), fingerprint, signup(), s)[len("before"):]
	if bytes.Contains(data, []byte("Lovelace")) {
		t.Error("a personal field stands in the clear")
	}
	got, err := DecodeEvent(data, personalView(s))
	if err != nil || !reflect.DeepEqual(&got, signup()) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, opener := range map[string]orrery.Opener{"no opener": nil, "another's key": stranger{}} {
		if got, err = DecodeEvent(data, personalView(opener)); err != nil || !reflect.DeepEqual(&got, erasedSignup()) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for _, d := range []*orrery.Decision{decision(), chancy()} {
		sealedData := AppendSealedDecision(nil, fingerprint, 5, d, s)
		got, err := DecodeDecision(sealedData, d.Offset, personalView(s))
		if err != nil || !same(&got, d) {
			t.Errorf("got %+v, %v, want %+v", got, err, d)
		}
		if bytes.Contains(sealedData, []byte(d.Action)) {
			t.Error("an action stands in the clear")
		}
		got, err = DecodeDecision(sealedData, d.Offset, nil)
		if want := (orrery.Decision{Offset: d.Offset, Erased: true}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("erased: got %+v, %v", got, err)
		}
	}
}

// stranger has no subject's key.
type stranger struct{}

func (stranger) Unseal(orrery.Pseudonym, []byte, []byte) ([]byte, bool, error) {
	return nil, false, nil
}

// TestSealedRecordsAreBound changes each byte of a sealed record: every one is
// of no use then, or says the very same.
func TestSealedRecordsAreBound(t *testing.T) {
	s := newSealed()
	event, decided := AppendSealedEvent(nil, fingerprint, signup(), s), AppendSealedDecision(nil, fingerprint, 5, decision(), s)
	for i := range event {
		changed := bytes.Clone(event)
		changed[i] ^= 0x11
		if got, err := DecodeEvent(changed, personalView(s)); err == nil && !got.Erased && !bytes.Equal(AppendSealedEvent(nil, fingerprint, &got, s), changed) {
			t.Errorf("byte %d of %d: %+v", i, len(event), got)
		}
	}
	for i := range decided {
		changed := bytes.Clone(decided)
		changed[i] ^= 0x11
		if got, err := DecodeDecision(changed, 7, personalView(s)); err == nil && !got.Erased {
			t.Errorf("byte %d of %d: %+v", i, len(decided), got)
		}
	}
	for i := range event {
		if _, err := DecodeEvent(event[:i], personalView(s)); orrery.CodeOf(err) != "record_damaged" {
			t.Errorf("the first %d of %d bytes: %v", i, len(event), err)
		}
	}
}

func TestATypeWithPersonalFieldsIsSealed(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("personal fields were written in the clear")
		}
	}()
	AppendEvent(nil, fingerprint, signup())
}

// TestGoldenSealed holds format 3, that of sealed records, to what it was.
func TestGoldenSealed(t *testing.T) {
	s := newSealed()
	now := map[string][]byte{"event": AppendSealedEvent(nil, fingerprint, signup(), s), "decision": AppendSealedDecision(nil, fingerprint, 5, decision(), s)}
	if *update {
		text := "# Sealed records of format version 3, in hex, of the event and decision in seal_test.go.\n" +
			fmt.Sprintf("event: %x\ndecision: %x\n", now["event"], now["decision"])
		if err := os.WriteFile(goldenFile(sealedVersion), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded := goldenRecords(t, sealedVersion)
	for name, data := range now {
		if !strings.EqualFold(hex.EncodeToString(recorded[name]), hex.EncodeToString(data)) {
			t.Errorf("%s is written as\n%x, and was\n%x", name, data, recorded[name])
		}
	}
}

func FuzzDecodeSealedEvent(f *testing.F) {
	s := newSealed()
	f.Add(AppendSealedEvent(nil, fingerprint, signup(), s))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEvent(data, personalView(s))
		if err != nil || e.Erased || e.Subject == (orrery.Pseudonym{}) {
			return
		}
		h, err := Header(data)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendSealedEvent(nil, h.Contract, &e, s); !bytes.Equal(again, data) {
			t.Fatalf("%x decodes to %+v, which is %x", data, e, again)
		}
	})
}

func FuzzDecodeSealedDecision(f *testing.F) {
	s := newSealed()
	f.Add(AppendSealedDecision(nil, fingerprint, 5, decision(), s))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDecision(data, 7, personalView(s))
		if err != nil || d.Erased || data[HeaderSize] != isSealed {
			return
		}
		h, err := Header(data)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendSealedDecision(nil, h.Contract, h.Received, &d, s); !bytes.Equal(again, data) {
			t.Fatalf("%x decodes to %+v, which is %x", data, d, again)
		}
	})
}
