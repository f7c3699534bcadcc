package front

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func lines(text ...string) string { return strings.Join(text, "\r\n") + "\r\n\r\n" }

const usual = "POST /v1/systems/fraud/decisions HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

// unusual are requests that net/http is to judge, valid or not.
var unusual = map[string]string{
	"another method":           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"a method in small":        "post / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0":                 "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"two spaces":               "POST  / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"a space at the end":       "POST / HTTP/1.1 \r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"a query":                  "POST /?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"an escape":                "POST /%2f HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"a path to clean":          "POST //a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"dots":                     "POST /a/../b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"a whole URL":              "POST http://a/ HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
	"bare LF":                  "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
	"LF after a field":         "POST / HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n",
	"CR within a field":        "POST / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
	"a folded field":           "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
	"a space before the colon": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n",
	"a field without a name":   "POST / HTTP/1.1\r\nHost: a\r\n: b\r\nContent-Length: 0\r\n\r\n",
	"no colon":                 "POST / HTTP/1.1\r\nHost: a\r\nb\r\nContent-Length: 0\r\n\r\n",
	"two lengths":              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\ncontent-length: 1\r\n\r\na",
	"a list of lengths":        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n",
	"a signed length":          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
	"an empty length":          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
	"no length":                "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
	"a great length":           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"a long body":              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
	"chunks":                   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunks and a length":      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunks badly named":       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer_Encoding\t: chunked\r\n\r\n",
	"two hosts":                "POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"no host":                  "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
	"a host with a user":       "POST / HTTP/1.1\r\nHost: a@b\r\nContent-Length: 0\r\n\r\n",
	"the last request":         "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	"an upgrade":               "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
	"a question first":         "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
	"a byte of control":        "POST / HTTP/1.1\r\nHost: a\r\nA: b\x00\r\nContent-Length: 0\r\n\r\n",
	"a letter beyond ASCII":    "POST / HTTP/1.1\r\nHost: a\r\nA: ä\r\nContent-Length: 0\r\n\r\n",
	"HTTP/2":                   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"TLS":                      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

func newHead() *head { return &head{fields: http.Header{}} }

func TestUnusualRequestsAreLeftToOthers(t *testing.T) {
	for name, text := range unusual {
		if said := newHead().read([]byte(text)); said != other {
			t.Errorf("%s: %d", name, said)
		}
	}
	many := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
	for i := range fieldsMost {
		many += "A" + strings.Repeat("a", i) + ": b\r\n"
	}
	if said := newHead().read([]byte(many + "\r\n")); said != other {
		t.Errorf("many fields: %d", said)
	}
}

// TestAHeadMayComeInPieces cuts a plain request anywhere.
func TestAHeadMayComeInPieces(t *testing.T) {
	h, size := newHead(), strings.Index(usual, "{")
	for i := range len(usual) {
		want := more
		if i >= size {
			want = plain
		}
		if said := h.read([]byte(usual[:i])); said != want {
			t.Errorf("%q: %d", usual[:i], said)
		}
	}
	if h.path != "/v1/systems/fraud/decisions" || h.host != "localhost:8080" || h.length != 2 || h.size != size {
		t.Errorf("%+v", h)
	}
}

// FuzzPlainIsWhatNetHTTPReads has net/http read whatever is taken for plain.
func FuzzPlainIsWhatNetHTTPReads(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte(lines("POST /a HTTP/1.1", "host:[::1]:80", "content-length: \t3 ", "x-api-key: k", "Connection: Keep-Alive", "tracePARENT: 00-1") + "abcPOST"))
	for _, text := range unusual {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := newHead()
		if h.read(text) != plain {
			return
		}
		reader := bufio.NewReader(bytes.NewReader(text))
		want, err := http.ReadRequest(reader)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		if want.Method != "POST" || want.URL.String() != h.path || want.RequestURI != h.path || want.Host != h.host || want.Proto != "HTTP/1.1" ||
			want.ContentLength != int64(h.length) || want.Close || len(want.TransferEncoding) > 0 || len(want.Trailer) > 0 || !reflect.DeepEqual(want.Header, h.fields) {
			t.Fatalf("net/http reads %+v, and the front %+v", want, h)
		}
		rest := text[h.size:]
		body, err := io.ReadAll(want.Body)
		if short := len(rest) < h.length; short != (err != nil) || !short && !bytes.Equal(body, rest[:h.length]) {
			t.Fatalf("a body of %d bytes: %q, %v", h.length, body, err)
		}
		if after, _ := io.ReadAll(reader); err == nil && !bytes.Equal(after, rest[h.length:]) {
			t.Fatalf("behind the body: %q", after)
		}
	})
}
