package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func request(path string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello", path)
}

func limited(n int, path string) Source {
	return func(i int) ([]byte, bool) { return request(path), i < n }
}

func serveTest(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestClosedCountsEveryAnswer sends a known number of requests and holds the
// counts to what the server did with them, chunked bodies and closed connections
// among it.
func TestClosedCountsEveryAnswer(t *testing.T) {
	var seen atomic.Int64
	address := serveTest(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "hello" {
			t.Errorf("the body is %q", body)
		}
		switch n := seen.Add(1); n % 5 {
		case 0:
			w.WriteHeader(http.StatusTooManyRequests)
		case 1:
			w.WriteHeader(http.StatusBadRequest)
		case 2:
			w.Header().Set("Connection", "close")
		case 3:
			_, _ = io.WriteString(w, strings.Repeat("long ", 10_000))
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, "answer")
	})
	r, next := Closed(t.Context(), Options{Address: address, Clients: 4, Duration: time.Minute, First: 10}, limited(110, "/"))
	if r.OK != 60 || r.Refused != 20 || r.Failed != 20 || next < 110 || !strings.Contains(r.Failure, "400") {
		t.Fatalf("%d, %d, %d, next %d, %q", r.OK, r.Refused, r.Failed, next, r.Failure)
	}
	if seen.Load() != 100 || len(r.latencies) != 60 {
		t.Fatalf("the server saw %d requests, %d were timed", seen.Load(), len(r.latencies))
	}
}

// TestOpenCountsFromWhenDue has a server that answers nothing until all requests
// but the last few, for which there is no connection, have come: the wait of
// those that were held back is part of their latency.
func TestOpenCountsFromWhenDue(t *testing.T) {
	const clients, all = 3, 6
	release := make(chan struct{})
	var arrived atomic.Int64
	address := serveTest(t, func(http.ResponseWriter, *http.Request) {
		if arrived.Add(1) == clients {
			close(release)
		}
		<-release
	})
	schedule := make([]time.Duration, all)
	for i := range schedule {
		schedule[i] = time.Duration(i) * time.Microsecond
	}
	r, next := Open(t.Context(), Options{Address: address, Clients: clients}, schedule, limited(all, "/"))
	if r.OK != all || next != all {
		t.Fatalf("%d answers, next %d", r.OK, next)
	}
	if r.Quantile(0) <= 0 || r.Quantile(1) > r.Elapsed {
		t.Errorf("latencies from %v to %v in %v", r.Quantile(0), r.Quantile(1), r.Elapsed)
	}
	// The first three were sent when they were due, and the rest when one of these was
	// answered: none was sent before it was due.
	if len(r.served) != all || r.ServedQuantile(0) <= 0 || r.ServedQuantile(1) > r.Quantile(1) {
		t.Errorf("%d were served within %v to %v", len(r.served), r.ServedQuantile(0), r.ServedQuantile(1))
	}
}

func TestOpenReportsABrokenServer(t *testing.T) {
	r, _ := Open(t.Context(), Options{Address: "127.0.0.1:1", Clients: 2}, make([]time.Duration, 3), limited(3, "/"))
	if r.Failed != 3 || r.Failure == "" {
		t.Fatalf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, next := Open(ctx, Options{Address: "127.0.0.1:1", Clients: 2}, make([]time.Duration, 3), limited(3, "/")); next != 0 {
		t.Errorf("a cancelled run went on to %d", next)
	}
}

// TestSchedule holds the arrivals to a Poisson process: their number, the mean of
// the gaps and that of their squares.
func TestSchedule(t *testing.T) {
	const rate, seconds = 5000.0, 20
	due := Schedule(rate, seconds*time.Second, 1)
	if n := float64(len(due)); n < rate*seconds*0.98 || n > rate*seconds*1.02 || !slices.IsSorted(due) {
		t.Fatalf("%d arrivals", len(due))
	}
	var squares float64
	for i := 1; i < len(due); i++ {
		gap := (due[i] - due[i-1]).Seconds() * rate
		squares += gap * gap
	}
	if mean := squares / float64(len(due)-1); mean < 1.9 || mean > 2.1 {
		t.Errorf("the gaps' mean square is %.3f, that of a Poisson process is 2", mean)
	}
	if !slices.Equal(due, Schedule(rate, seconds*time.Second, 1)) || slices.Equal(due, Schedule(rate, seconds*time.Second, 2)) {
		t.Error("a schedule follows from its seed alone")
	}
}

func TestQuantile(t *testing.T) {
	r := &Result{}
	if r.Quantile(0.5) != 0 {
		t.Error("no answers have no median")
	}
	for i := 100; i > 0; i-- {
		r.latencies = append(r.latencies, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.505: 51, 0.99: 99, 1: 100} {
		if got := r.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestStream(t *testing.T) {
	address := serveTest(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		body, _ := io.ReadAll(r.Body)
		for line := range strings.Lines(string(body)) {
			_, _ = io.WriteString(w, map[bool]string{true: "yes ", false: "no "}[strings.HasPrefix(line, "1")]+line)
		}
	})
	lines := Lines{URL: "http://" + address, Type: "application/x-ndjson", Piece: 7, Window: 1000,
		Accepted: func(line []byte) bool { return strings.HasPrefix(string(line), "yes") }}
	r, _ := Stream(t.Context(), Options{Clients: 2, Duration: time.Minute}, lines, func(i int) ([]byte, bool) {
		return fmt.Appendf(nil, "%d\n", i), i < 200
	})
	if r.OK != 111 || r.Failed != 89 || !strings.Contains(r.Failure, "no ") {
		t.Fatalf("%d and %d, %q", r.OK, r.Failed, r.Failure)
	}
}

func TestAppend(t *testing.T) {
	dir := t.TempDir()
	for _, schedule := range [][]time.Duration{nil, make([]time.Duration, 500)} {
		f, err := Append(t.Context(), dir, 100, Options{Clients: 8, Duration: 20 * time.Millisecond}, schedule)
		if err != nil || f.Appends.OK == 0 || f.Syncs == 0 || f.Syncs > f.Appends.OK || f.Sync.OK != f.Syncs {
			t.Fatalf("%+v, %v", f, err)
		}
		if schedule != nil && f.Appends.OK != len(schedule) {
			t.Errorf("%d appends of %d", f.Appends.OK, len(schedule))
		}
	}
}

// TestConnsAreKept drives a server over the same connections in turn, at a rate and
// not, by some of them and by all; it must see no others, and answer every request.
func TestConnsAreKept(t *testing.T) {
	var made atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answer") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	conns, err := Connect(t.Context(), strings.TrimPrefix(server.URL, "http://"), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer conns.Close()
	o := Options{Clients: 5, Conns: conns, Duration: time.Minute}
	for range 3 {
		for _, o.Clients = range []int{2, 5} {
			if r, _ := Closed(t.Context(), o, limited(50, "/")); r.OK != 50 || r.Failed != 0 {
				t.Fatalf("%d answers, %d failed: %s", r.OK, r.Failed, r.Failure)
			}
			if r, _ := Open(t.Context(), o, make([]time.Duration, 50), limited(50, "/")); r.OK != 50 || r.Failed != 0 {
				t.Fatalf("%d answers at a rate, %d failed: %s", r.OK, r.Failed, r.Failure)
			}
		}
	}
	if made.Load() != 5 {
		t.Errorf("%d connections were made, want 5", made.Load())
	}
}
