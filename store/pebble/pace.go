package pebble

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// pacer keeps Pebble's own work from holding up whoever waits for the log. A
// flush or a compaction is a hundred milliseconds of work in one piece, for which
// the requests of that time would wait; so it rests after every little while, as
// long as it is not behind. Where the processors are busy a while lasts longer,
// and so does the rest.
type pacer struct {
	// db is the instance; nil before it is open and once it is to close, when
	// nothing rests.
	db atomic.Pointer[pebble.DB]
	// asked is when the instance was asked last how far behind it is, in nanoseconds
	// since the pacer began, and late what that was.
	began time.Time
	asked atomic.Int64
	late  atomic.Bool
}

const (
	// workFor is how long work goes on between two rests, and restsFor how many
	// times as long a rest is, up to restAtMost.
	workFor    = 300 * time.Microsecond
	restsFor   = 3
	restAtMost = 10 * time.Millisecond
	// askEvery is how often it is found out whether the work is behind.
	askEvery = 20 * time.Millisecond
)

func newPacer() *pacer { return &pacer{began: time.Now()} }

// watch has the instance's work rest from now on, or with nil no more.
func (p *pacer) watch(db *pebble.DB) { p.db.Store(db) }

// behind reports whether there is so much to do that resting would hold up
// writes: more than a memtable that is written to and one that is flushed, or
// tables in many layers that wait for compaction.
func (p *pacer) behind(db *pebble.DB) bool {
	now, last := int64(time.Since(p.began)), p.asked.Load()
	if (last == 0 || now-last > int64(askEvery)) && p.asked.CompareAndSwap(last, now) {
		m := db.Metrics()
		p.late.Store(m.MemTable.Count > 2 || m.Levels[0].Sublevels > layers*3/2)
	}
	return p.late.Load()
}

// pace is the work on one file.
type pace struct {
	*pacer
	// since is when the last rest ended.
	since time.Time
}

// of gives the pace of the work on a file, nil for one that nobody may wait for
// longer than it takes: only tables are written beside the requests.
func (p *pacer) of(name string) *pace {
	if !strings.HasSuffix(name, ".sst") {
		return nil
	}
	return &pace{p, time.Now()}
}

// rest is called before each write.
func (p *pace) rest() {
	if p == nil {
		return
	}
	worked := time.Since(p.since)
	if worked < workFor {
		return
	}
	if db := p.db.Load(); db != nil && !p.behind(db) {
		time.Sleep(min(restsFor*worked, restAtMost))
	}
	p.since = time.Now()
}
