package progress

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes keeps each write by itself.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func (w writes) text() string { return strings.Join(w, "") }

// screen gives the lines that a terminal would show.
func (w writes) screen() []string {
	lines, column := [][]rune{nil}, 0
	for _, r := range w.text() {
		last := &lines[len(lines)-1]
		switch r {
		case '\r':
			column = 0
		case '\b':
			column--
		case '\n':
			lines, column = append(lines, nil), 0
		default:
			for len(*last) <= column {
				*last = append(*last, ' ')
			}
			(*last)[column] = r
			column++
		}
	}
	var shown []string
	for _, l := range lines {
		shown = append(shown, strings.TrimRight(string(l), " "))
	}
	return shown
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "replay", "events", 1_169_723)
		b.Add(0)
		expect(t, w.screen(), "replay    0%  0 of 1,169,723 events")
		time.Sleep(500 * time.Millisecond)
		b.Set(406_000)
		expect(t, w.screen(), "replay   34%  406,000 of 1,169,723 events  812k/s  0.9 s left")
		b.Note("a line that is told")
		expect(t, w.screen(), "a line that is told", "replay   34%  406,000 of 1,169,723 events  812k/s  0.9 s left")
		time.Sleep(940 * time.Millisecond)
		b.Add(763_723)
		expect(t, w.screen(), "a line that is told", "replay  100%  1,169,723 of 1,169,723 events  812k/s")
		b.Done("")
		b.Done("twice")
		b.Set(3)
		b.Note("late")
		expect(t, w.screen(), "a line that is told", "replay: 1,169,723 events in 1.4 s, 812k/s", "")
	})
}

func TestTerminalIsRewrittenTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "train", "trees", 0)
		for range 10_000 {
			b.Add(1)
			time.Sleep(time.Millisecond)
		}
		if len(w) < 90 || len(w) > 101 {
			t.Errorf("%d writes in ten seconds", len(w))
		}
		expect(t, w.screen(), "train  9,901 trees  1.0k/s  9.9 s")
	})
}

func TestPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, false, "ingest", Bytes, 40_000_000)
		for range 1300 {
			time.Sleep(10 * time.Millisecond)
			b.Add(20_000)
		}
		b.Done("1,000 events\x1b[2J\nfrom a file")
		expect(t, strings.Split(w.text(), "\n"),
			"ingest   25%  10 MB of 40 MB  2.0 MB/s  15 s left",
			"ingest   50%  20 MB of 40 MB  2.0 MB/s  10 s left",
			"ingest: 1,000 events [2J from a file", "")
		if strings.ContainsAny(w.text(), "\r\b\x1b") {
			t.Errorf("control characters in %q", w.text())
		}
	})
}

func TestShortWorkIsOnePlainLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, false, "train", "trees", 100)
		time.Sleep(3 * time.Second)
		b.Set(100)
		b.Done("")
		expect(t, strings.Split(w.text(), "\n"), "train: 100 trees in 3.0 s, 33/s", "")
	})
}

func TestEstimateFollowsASlowdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "replay", "events", 2000)
		for range 10 { // 100 a second
			time.Sleep(time.Second)
			b.Add(100)
		}
		for range 20 { // then 10
			time.Sleep(time.Second)
			b.Add(10)
		}
		expect(t, w.screen(), "replay   60%  1,200 of 2,000 events  10/s  1 min 20 s left")
	})
}

func TestTotalsThatAreWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "x", "rows", 10)
		time.Sleep(time.Second)
		b.Set(25)
		expect(t, w.screen(), "x  100%  25 of 10 rows  25/s")
		time.Sleep(time.Second)
		b.SetTotal(50)
		b.Set(-5)
		expect(t, w.screen(), "x    0%  -5 of 50 rows")
		time.Sleep(time.Second)
		b.SetTotal(0)
		b.Set(30)
		expect(t, w.screen(), "x  30 rows  10/s  3.0 s")
		b.SetTotal(1 << 62)
		time.Sleep(time.Second)
		b.Add(0)
		if !strings.Contains(w.screen()[0], " d ") {
			t.Error(w.screen())
		}
		b.Stop()
		expect(t, w.screen(), "")
	})
}

func TestALineNeverWraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "réplay", "events", 1000)
		b.width = func() int { return 12 }
		b.Add(1)
		expect(t, w.screen(), "réplay    0")
		b.width = func() int { return 0 }
		time.Sleep(time.Second)
		b.Add(1)
		expect(t, w.screen(), "")
	})
}

func TestQuiet(t *testing.T) {
	for _, b := range []*Bar{nil, New(nil, true, "x", "rows", 1)} {
		b.Set(1)
		b.Add(1)
		b.SetTotal(2)
		b.Note("x")
		b.Done("x")
		b.Stop()
	}
}

func TestManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		b := New(&w, true, "x", "rows", 8000)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 1000 {
					b.Add(1)
					time.Sleep(time.Millisecond)
				}
			})
		}
		group.Wait()
		b.Done("")
		expect(t, w.screen(), "x: 8,000 rows in 1.0 s, 8.0k/s", "")
	})
}

func TestIsTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if IsTerminal(file) || IsTerminal(nil) {
		t.Error("a file is taken for a terminal")
	}
	if got := widthOf(file)(); got != defaultWidth {
		t.Errorf("a file is %d wide", got)
	}
	t.Setenv("TERM", "dumb")
	if tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		defer tty.Close()
		if IsTerminal(tty) {
			t.Error("a dumb terminal cannot rewrite a line")
		}
		t.Setenv("TERM", "xterm")
		if !IsTerminal(tty) {
			t.Error("a terminal is not taken for one")
		}
	}
}
