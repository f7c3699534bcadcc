package record

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"orrery.dev"
)

func TestControlComesBack(t *testing.T) {
	for _, c := range []Control{
		{Type: "release", At: 5, Body: json.RawMessage(`{"release": "abc", "html": "<&>"}`)},
		{Type: "pause", At: -5},
		{Type: "", At: 0, Body: json.RawMessage(" null\n")},
	} {
		data := AppendControl([]byte("before"), fingerprint, c.At, &c)[len("before"):]
		got, err := DecodeControl(data)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("got %+v, %v, want %+v", got, err, c)
		}
		for i := range data {
			if _, err := DecodeControl(data[:i]); orrery.CodeOf(err) != "record_damaged" {
				t.Errorf("the first %d of %d bytes: %v", i, len(data), err)
			}
		}
		if _, err := DecodeControl(append(data, 0)); orrery.CodeOf(err) != "record_damaged" {
			t.Errorf("a byte more: %v", err)
		}
	}
}

func TestControlBodyIsJSON(t *testing.T) {
	data := AppendControl(nil, fingerprint, 0, &Control{Type: "release", Body: json.RawMessage("1")})
	data[len(data)-1] = '{'
	if _, err := DecodeControl(data); orrery.CodeOf(err) != "record_damaged" {
		t.Errorf("a body that is not JSON: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a body that is not JSON was encoded")
		}
	}()
	AppendControl(nil, fingerprint, 0, &Control{Body: json.RawMessage("{")})
}

func TestHeader(t *testing.T) {
	h, err := Header(AppendControl(nil, fingerprint, -7, &Control{Type: "pause"}))
	want := Head{Version: plainVersion, Kind: ControlKind, Contract: fingerprint, Received: -7}
	if err != nil || h != want {
		t.Fatalf("got %+v, %v, want %+v", h, err, want)
	}
}

func FuzzDecodeControl(f *testing.F) {
	f.Add(AppendControl(nil, fingerprint, 5, &Control{Type: "release", Body: json.RawMessage(`{"release":"abc"}`)}))
	f.Add(AppendControl(nil, fingerprint, 5, &Control{Type: "pause"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeControl(data)
		if err != nil {
			return
		}
		h, err := Header(data)
		if err != nil {
			t.Fatal(err)
		}
		again := AppendControl(nil, h.Contract, h.Received, &c)
		if again[0] = data[0]; !bytes.Equal(again, data) {
			t.Fatalf("%x decodes to %+v, which is %x", data, c, again)
		}
	})
}
