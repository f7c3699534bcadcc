package pebble_test

import (
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// cards makes records like those of a stream of card transactions, each decided
// on with fifteen features.
type cards struct {
	random   *rand.Rand
	contract *orrery.Contract
	event    orrery.Event
	decision orrery.Decision
}

func newCards() *cards {
	t := &orrery.EventType{Name: "transaction", IDField: 0, TimeField: 1, Fields: []orrery.Field{
		{Name: "transaction_id", Type: orrery.String}, {Name: "at", Type: orrery.Timestamp}, {Name: "customer", Type: orrery.Entity},
		{Name: "terminal", Type: orrery.Entity}, {Name: "amount", Type: orrery.Decimal, Scale: 2}}}
	return &cards{random: rand.New(rand.NewPCG(1, 2)), contract: &orrery.Contract{Events: []*orrery.EventType{t}},
		event:    orrery.Event{Type: t, Received: 1522540800000000, Values: make([]orrery.Value, 5)},
		decision: orrery.Decision{Release: orrery.ReleaseID(strings.Repeat("5a0c39b7", 8)), Vector: make([]float64, 15), Action: "approve", Rule: 2, Propensity: 1}}
}

func cardID(n orrery.Offset) string {
	return fmt.Sprintf("%016x", uint64(n)*0x9e3779b97f4a7c15)
}

func cardKey(n orrery.Offset) []byte { return append([]byte("transaction\x00"), cardID(n)...) }

// batch makes the events from first on, with decisions if so wanted.
func (c *cards) batch(first orrery.Offset, n int, decided bool) *store.Batch {
	b, fingerprint := &store.Batch{}, c.contract.Fingerprint()
	for at := first; at < first+orrery.Offset(n); at++ {
		e, d, r := &c.event, &c.decision, c.random
		e.Received += orrery.Instant(r.IntN(2_000_000))
		e.ID, e.Time = cardID(at), e.Received-orrery.Instant(r.IntN(5_000))
		amount := r.IntN(20_000)
		e.Values = append(e.Values[:0], orrery.StringValue(e.ID), orrery.TimestampValue(e.Time),
			orrery.EntityValue(fmt.Sprint(r.IntN(5000))), orrery.EntityValue(fmt.Sprint(r.IntN(10000))), orrery.DecimalValue(int64(amount)))
		b.Records = append(b.Records, store.Record{Offset: at, Kind: store.EventRecord, Data: record.AppendEvent(nil, fingerprint, e)})
		b.Entries = append(b.Entries, store.Entry{Key: cardKey(at), Offset: at})
		if !decided {
			continue
		}
		// Amount, weekend, night; three counts, three means, three counts, three risks.
		d.Vector = append(d.Vector[:0], float64(amount)/100, float64(r.IntN(2)), float64(r.IntN(2)))
		for i := range 12 {
			x := float64(r.IntN(10 * (i%3 + 1)))
			if i/3 == 1 {
				x = float64(r.IntN(100_000)) / 100 / float64(1+r.IntN(30))
			}
			d.Vector = append(d.Vector, x)
		}
		d.Vector[12], d.Score = math.Floor(r.Float64()+0.1)/7, r.Float64()
		d.Micros = orrery.StageMicros{Decode: int64(r.IntN(30)), Sequence: int64(r.IntN(300)), Score: int64(r.IntN(10))}
		b.Records = append(b.Records, store.Record{Offset: at, Kind: store.DecisionRecord, Data: record.AppendDecision(nil, fingerprint, e.Received, d)})
	}
	return b
}

func benchStore(b *testing.B, dir string) *pebble.Store {
	b.Helper()
	s, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSyncedAppend has writers that each wait for their event and decision
// to be durable, behind one committer that syncs once for all who wait.
func BenchmarkSyncedAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchSynced(b, writers) })
	}
}

func benchSynced(b *testing.B, writers int) {
	s := benchStore(b, b.TempDir())
	defer s.Close()
	sample := newCards().batch(1, 1024, true)
	queue, work := make(chan chan struct{}, writers), make(chan struct{}, writers)
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			done := make(chan struct{}, 1)
			for range work {
				queue <- done
				<-done
			}
		})
	}
	go func() {
		var batch store.Batch
		var waiting []chan struct{}
		next := orrery.Offset(1)
		for first := range queue {
			batch.Records, batch.Entries, waiting = batch.Records[:0], batch.Entries[:0], append(waiting[:0], first)
			for len(queue) > 0 {
				waiting = append(waiting, <-queue)
			}
			for range waiting {
				i := int(next % 1024)
				event, decision := sample.Records[2*i], sample.Records[2*i+1]
				event.Offset, decision.Offset = next, next
				batch.Records = append(batch.Records, event, decision)
				batch.Entries = append(batch.Entries, store.Entry{Key: cardKey(next), Offset: next})
				next++
			}
			if err := s.Log().Append(&batch, true); err != nil {
				b.Error(err)
			}
			for _, done := range waiting {
				done <- struct{}{}
			}
		}
	}()
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	close(queue)
}

// BenchmarkAppend appends batches of 4,096 events, with and without decisions,
// each synced, and tells how much disk an event takes in the end.
func BenchmarkAppend(b *testing.B) {
	for _, decided := range []bool{false, true} {
		b.Run(fmt.Sprintf("decided=%v", decided), func(b *testing.B) {
			dir := b.TempDir()
			s, c, raw := benchStore(b, dir), newCards(), 0
			for i := range b.N {
				b.StopTimer()
				batch := c.batch(orrery.Offset(i*4096+1), 4096, decided)
				for _, r := range batch.Records {
					raw += len(r.Data)
				}
				b.StartTimer()
				if err := s.Log().Append(batch, true); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			events := float64(b.N * 4096)
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(raw)/events, "raw-B/event")
			b.ReportMetric(sizeOf(b, filepath.Join(dir, "log"))/events, "disk-B/event")
		})
	}
}

// sizeOf adds up the tables of an instance.
func sizeOf(b *testing.B, dir string) (bytes float64) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".sst") {
			info, err := d.Info()
			bytes += float64(info.Size())
			return err
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

const readEvents = 1 << 18

// filledLog has 2^18 events with decisions, on disk and in no cache but the
// system's.
func filledLog(b *testing.B) *pebble.Store {
	b.Helper()
	dir := b.TempDir()
	s, c := benchStore(b, dir), newCards()
	for i := 0; i < readEvents; i += 4096 {
		if err := s.Log().Append(c.batch(orrery.Offset(i+1), 4096, true), false); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s = benchStore(b, dir)
	b.Cleanup(func() { s.Close() })
	return s
}

func BenchmarkRead(b *testing.B) {
	s := filledLog(b)
	random := rand.New(rand.NewPCG(3, 4))
	b.Run("scan", func(b *testing.B) {
		records, begun := 0, time.Now()
		for b.Loop() {
			for r, err := range s.Log().Scan(1) {
				if err != nil || len(r.Data) == 0 {
					b.Fatal(r, err)
				}
				records++
			}
		}
		b.ReportMetric(float64(records)/time.Since(begun).Seconds(), "records/s")
	})
	b.Run("lookup-miss", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.Log().Lookup(cardKey(orrery.Offset(readEvents + 1 + random.IntN(readEvents)))); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("lookup-hit", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.Log().Lookup(cardKey(orrery.Offset(1 + random.IntN(readEvents)))); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.Log().Get(orrery.Offset(1+random.IntN(readEvents)), store.DecisionRecord); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkState writes and reads the state of 5,000 entities, 2 KB each.
func BenchmarkState(b *testing.B) {
	s := benchStore(b, b.TempDir())
	defer s.Close()
	items := make([]store.StateItem, 5000)
	random := rand.NewChaCha8([32]byte{})
	for i := range items {
		items[i] = store.StateItem{Table: store.TableID{1}, Key: fmt.Sprint(i), Value: make([]byte, 2048)}
		random.Read(items[i].Value)
	}
	write := func(b *testing.B) {
		if err := s.State().Write(items); err != nil {
			b.Fatal(err)
		}
		if err := s.State().Mark(1, []store.TableID{{1}}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("write-and-mark", func(b *testing.B) {
		for b.Loop() {
			write(b)
		}
	})
	write(b)
	b.Run("get", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, ok, err := s.State().Get(store.TableID{1}, items[i%len(items)].Key); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkEntities reads and writes the state of 128 of 30 million entities a
// round, of 90 bytes each, and looks for 64 that have none.
func BenchmarkEntities(b *testing.B) {
	s, err := pebble.Open(b.TempDir(), pebble.ForMemory(1<<30))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	random, bytes := rand.New(rand.NewPCG(1, 2)), rand.NewChaCha8([32]byte{})
	for b.Loop() {
		items := make([]store.StateItem, 128)
		for i := range items {
			items[i] = store.StateItem{Table: store.TableID{0: 77}, Key: strconv.Itoa(random.IntN(30_000_000)), Value: make([]byte, 90)}
			bytes.Read(items[i].Value[:40])
			if _, _, err := s.State().Get(items[i].Table, items[i].Key); err != nil {
				b.Fatal(err)
			}
			if i%2 == 0 {
				continue
			}
			if _, ok, err := s.State().Get(store.TableID{1: 77}, items[i].Key); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
		if err := s.State().Write(items); err != nil {
			b.Fatal(err)
		}
	}
}
