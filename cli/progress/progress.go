// Package progress tells a person how far long work has come, how fast it goes
// and how long it will take: on a terminal by one line that is rewritten,
// elsewhere by plain lines now and then. Nothing runs in the background: a line
// is written when progress is told. It uses no colour, so NO_COLOR is
// honoured by itself.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/term"
)

const (
	// redrawEvery bounds how often a terminal's line is rewritten.
	redrawEvery = 100 * time.Millisecond
	// plainEvery is the time between plain lines.
	plainEvery = 5 * time.Second
	// The rate is that of the last rateSpan, measured in steps, so that the
	// estimate follows work that slows down.
	rateSpan = 10 * time.Second
	rateStep = time.Second
	// defaultWidth is that of a terminal that does not tell.
	defaultWidth = 80
)

// Bytes is the unit whose counts are written as 1.2 MB.
const Bytes = "bytes"

// Bar is the progress of one piece of work. Its methods can be called from
// several goroutines, as often as one likes. A nil Bar, and one without a
// writer, write nothing.
type Bar struct {
	title, unit string
	terminal    bool
	width       func() int
	begun       time.Time
	done, total atomic.Int64

	mu     sync.Mutex // guards what follows
	w      io.Writer
	drawn  time.Time
	onLine int // columns of the terminal's line that are in use
	ended  bool
	marks  []mark
}

// mark is how far the work was at a time.
type mark struct {
	at   time.Time
	done int64
}

// New begins to measure. title says what is being done ("replay"), unit what
// is counted ("events", or Bytes), total how many there are, 0 when that is not
// known. terminal says that w is a terminal, on which a line can be rewritten;
// see IsTerminal. A nil w keeps quiet.
func New(w io.Writer, terminal bool, title, unit string, total int64) *Bar {
	if w == nil {
		return nil
	}
	now := time.Now()
	b := &Bar{title: clean(title), unit: clean(unit), terminal: terminal, width: widthOf(w), begun: now,
		w: w, drawn: now, marks: []mark{{at: now}}}
	b.total.Store(total)
	if terminal {
		// The first line shows at once; a plain one only where the work is long.
		b.drawn = now.Add(-redrawEvery)
	}
	return b
}

// IsTerminal reports whether a line written to the file can be rewritten: it is
// a terminal, and not a dumb one.
func IsTerminal(f *os.File) bool {
	return f != nil && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

func widthOf(w io.Writer) func() int {
	file, ok := w.(*os.File)
	return func() int {
		if ok {
			if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
				return width
			}
		}
		return defaultWidth
	}
}

// Set says how many units are done.
func (b *Bar) Set(n int64) {
	if b != nil {
		b.done.Store(n)
		b.tick()
	}
}

// Add says that n more units are done.
func (b *Bar) Add(n int64) {
	if b != nil {
		b.done.Add(n)
		b.tick()
	}
}

// SetTotal says how many units there are, 0 when that is not known.
func (b *Bar) SetTotal(n int64) {
	if b != nil {
		b.total.Store(n)
	}
}

// tick draws when it is time to. Whoever finds another drawing goes on working.
func (b *Bar) tick() {
	if !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	now := time.Now()
	every := plainEvery
	if b.terminal {
		every = redrawEvery
	}
	if b.ended || now.Sub(b.drawn) < every {
		return
	}
	b.drawn = now
	if b.terminal {
		b.rewrite(b.line(now))
	} else {
		fmt.Fprintln(b.w, b.line(now))
	}
}

// Note writes a line of its own, above the line that is rewritten.
func (b *Bar) Note(text string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.erase()
	fmt.Fprintln(b.w, clean(text))
	if b.terminal {
		b.rewrite(b.line(time.Now()))
	}
}

// Done ends the work with one line that stays: the title and the summary, or
// where that is empty how much was done, in how long. What comes after is
// ignored.
func (b *Bar) Done(summary string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	if summary == "" {
		summary = b.summary(time.Since(b.begun))
	}
	b.erase()
	fmt.Fprintf(b.w, "%s: %s\n", b.title, clean(summary))
}

// Stop ends the work without a word, for when an error has more to say.
func (b *Bar) Stop() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.erase()
}

// line says how far the work is: replay  42%  491,283 of 1,169,723 events
// 812k/s  0.8 s left.
func (b *Bar) line(now time.Time) string {
	done, total := b.done.Load(), b.total.Load()
	rate := b.rate(now, done)
	parts := []string{b.title}
	if total > 0 {
		parts = append(parts, fmt.Sprintf("%3d%%", percent(done, total)), amount(done, b.unit, "")+" of "+amount(total, b.unit, b.unit))
	} else {
		parts = append(parts, amount(done, b.unit, b.unit))
	}
	if rate > 0 {
		parts = append(parts, b.speed(rate))
	}
	switch {
	case total > 0 && done < total && rate > 0:
		parts = append(parts, Elapsed(span(float64(total-done)/rate))+" left")
	case total <= 0:
		parts = append(parts, Elapsed(now.Sub(b.begun)))
	}
	return strings.Join(parts, "  ")
}

func percent(done, total int64) int64 {
	return int64(min(100, max(0, float64(done)/float64(total)*100)))
}

// span makes a duration of seconds, however many they are.
func span(seconds float64) time.Duration {
	return time.Duration(min(seconds, 1e9) * float64(time.Second))
}

// rate gives the units a second of the last while, and remembers this moment.
func (b *Bar) rate(now time.Time, done int64) float64 {
	for len(b.marks) > 1 && now.Sub(b.marks[1].at) >= rateSpan {
		b.marks = b.marks[1:]
	}
	first, last := b.marks[0], b.marks[len(b.marks)-1]
	if now.Sub(last.at) >= rateStep {
		b.marks = append(b.marks, mark{at: now, done: done})
	}
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 || done <= first.done {
		return 0
	}
	return float64(done-first.done) / seconds
}

func (b *Bar) speed(rate float64) string {
	if b.unit == Bytes {
		return byteCount(rate) + "/s"
	}
	return Rate(rate)
}

func (b *Bar) summary(took time.Duration) string {
	done := b.done.Load()
	text := amount(done, b.unit, b.unit) + " in " + Elapsed(took)
	if took > 0 && done > 0 {
		text += ", " + b.speed(float64(done)/took.Seconds())
	}
	return text
}

// rewrite puts text in place of the terminal's line. What the old line had more
// is overwritten with blanks, which every terminal understands.
func (b *Bar) rewrite(text string) {
	runes := []rune(text)
	if most := max(0, b.width()-1); len(runes) > most {
		runes = runes[:most]
	}
	blanks := max(0, b.onLine-len(runes))
	b.onLine = len(runes)
	fmt.Fprint(b.w, "\r"+string(runes)+strings.Repeat(" ", blanks)+strings.Repeat("\b", blanks))
}

func (b *Bar) erase() {
	if b.onLine > 0 {
		fmt.Fprint(b.w, "\r"+strings.Repeat(" ", b.onLine)+"\r")
		b.onLine = 0
	}
}

// clean keeps what a person reads free of control characters, which a file's
// name can have.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
