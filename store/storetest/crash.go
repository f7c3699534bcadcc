package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

// A life appends this many batches of this many events, most of them synced,
// and on the way writes state, marks it, and puts values and content.
const (
	lifeBatches = 40
	lifeSize    = 30
	lifeKeys    = 50
	// lifeData is large enough that memory tables are written out on the way.
	lifeData = 400
)

// snapshot is what had been acknowledged at a moment.
type snapshot struct {
	// synced is the number of batches up to the last synced one.
	synced int
	// mark is the number of the last Mark that returned, put that of the last Put.
	mark, put int
	// cut is the number of batches gone by the last Cut before a synced Append.
	cut   int
	blobs []string
}

// progress is one life: what was asked for, and what was acknowledged.
type progress struct {
	acknowledged locked[snapshot]
	store        store.Store
	// started waits for the batch started last, and notes it as acknowledged; nil
	// where none is under way.
	started func() error
	// refused is the first error, and later what came back after it.
	refused error
	later   []error
	// cut is the number of batches gone by the last Cut that returned, cutting that
	// of one that was refused and may have been done.
	cut, cutting int
}

func (p *progress) snapshot() (s snapshot) {
	p.acknowledged.do(func(now *snapshot) { s = *now })
	return s
}

func lifeBatch(i int) *store.Batch {
	b := batchOf(orrery.Offset(i*lifeSize+1), orrery.Offset((i+1)*lifeSize))
	for j := range b.Records {
		b.Records[j].Data = append(b.Records[j].Data, bytes.Repeat([]byte{byte(j * 37), byte(i)}, lifeData/2)...)
	}
	return b
}

func lifeItems(i int) []store.StateItem {
	var items []store.StateItem
	for k := range lifeKeys {
		items = append(items, item(byte(k%2), fmt.Sprint(k), fmt.Sprintf("%06d", i)), item(byte(k%2), fmt.Sprintf("%06d %d", i, k), "once"))
	}
	return items
}

// live does the same things in the same order every time, up to the first
// error, which it gives; the store is then left open for a look at it.
func (p *progress) live(m Machine) error {
	s, err := m.Open()
	if err != nil {
		return err
	}
	p.store = s
	for i := range lifeBatches {
		if err := p.step(s, i); err != nil {
			p.refused = err
			for j := i; j < i+3; j++ {
				p.later = append(p.later, s.Log().Append(lifeBatch(j+1), j%2 == 0))
			}
			return err
		}
	}
	return s.Close()
}

// step does the i-th thing of each sort. Only an append's error ends a life; a
// state, value or content that is refused is for the checks.
func (p *progress) step(s store.Store, i int) error {
	if err := p.append(s.Log(), i); err != nil {
		return err
	}
	if i%6 == 5 {
		p.cutting = i - 3
		if s.Log().Cut(lifeCut(p.cut, p.cutting)) == nil {
			p.cut = p.cutting
		}
	}
	if s.State().Write(lifeItems(i+1)) == nil && i%5 == 4 {
		if s.State().Mark(orrery.Offset(i+1), []store.TableID{table(0), table(1)}) == nil {
			p.acknowledged.do(func(now *snapshot) { now.mark = i + 1 })
		}
	}
	if i%3 == 0 {
		number := fmt.Append(nil, i+1)
		if s.Meta().Put(map[string][]byte{"first": number, "second": number}) == nil {
			p.acknowledged.do(func(now *snapshot) { now.put = i + 1 })
		}
	}
	if i%10 == 0 {
		if digest, err := s.Blob().Put(lifeContent(i)); err == nil {
			p.acknowledged.do(func(now *snapshot) { now.blobs = append(now.blobs[:len(now.blobs):len(now.blobs)], digest) })
		}
	}
	return nil
}

// append appends the i-th batch in one of three ways: without a sync, synced, or
// started, to be waited for when the next has been appended.
func (p *progress) append(log store.Log, i int) error {
	before := p.started
	p.started = nil
	switch i % 4 {
	case 3:
		if err := log.Append(lifeBatch(i), false); err != nil {
			return err
		}
	case 1:
		wait, err := log.Start(lifeBatch(i))
		if err != nil {
			return err
		}
		cut := p.cut
		p.started = func() error { return p.synced(i, cut, wait()) }
	default:
		if err := p.synced(i, p.cut, log.Append(lifeBatch(i), true)); err != nil {
			return err
		}
	}
	if before == nil {
		return nil
	}
	return before()
}

// synced notes that the batches through the i-th are acknowledged, and with them
// the cut before.
func (p *progress) synced(i, cut int, err error) error {
	if err == nil {
		p.acknowledged.do(func(now *snapshot) { now.synced, now.cut = max(now.synced, i+1), max(now.cut, cut) })
	}
	return err
}

// lifeCut forgets the batches up to one, of which some are gone already.
func lifeCut(gone, batches int) *store.Cut {
	c := cutOf(orrery.Offset(batches*lifeSize+1), orrery.Offset(gone*lifeSize+1))
	for k := range lifeKeys {
		c.Base = append(c.Base, item(byte(k%2), fmt.Sprint(k), fmt.Sprint(batches)))
	}
	return c
}

func lifeContent(i int) []byte { return bytes.Repeat(fmt.Append(nil, i), 5000) }

// checkRefusals looks at a store whose disk has failed: it refuses with one
// error, which a person can act on, and still reads.
func (p *progress) checkRefusals(t *testing.T) {
	t.Helper()
	if p.store == nil || p.refused == nil {
		return
	}
	var known *orrery.Error
	if !errors.As(p.refused, &known) || known.Next == "" {
		t.Errorf("the refusal %q says not what to do", p.refused)
	}
	for _, err := range p.later {
		if err != p.refused {
			t.Errorf("a later append: %v, want %v", err, p.refused)
		}
	}
	log, s := p.store.Log(), p.snapshot()
	records := scanned(t, log, 0)
	for i := max(p.cut, p.cutting); i < s.synced; i++ {
		want := lifeBatch(i).Records
		at := slices.IndexFunc(records, func(r store.Record) bool { return r.Offset == want[0].Offset })
		if at < 0 || len(records) < at+len(want) || !sameRecords(records[at:at+len(want)], want) {
			t.Fatalf("batch %d cannot be read any more", i)
		}
		wantRecord(t, log, want[0])
	}
	// It was told of the fault already.
	_ = p.store.Close()
}

// check opens the store that a crash left and holds it against what had been
// acknowledged; then it lives on.
func (s snapshot) check(t *testing.T, m Machine, p *progress) {
	t.Helper()
	st, err := m.Open()
	if err != nil {
		t.Fatalf("after the crash: %v", err)
	}
	batches := s.checkLog(t, st.Log())
	s.checkState(t, st.State())
	s.checkMeta(t, st.Meta())
	s.checkBlobs(t, st.Blob())
	must(t, st.Log().Append(lifeBatch(batches), true))
	must(t, st.State().Mark(orrery.Offset(1<<20), []store.TableID{table(0)}))
	must(t, st.Close())
	st, err = m.Open()
	if err != nil {
		t.Fatalf("after the life that followed the crash: %v", err)
	}
	if n := (snapshot{synced: batches + 1}).checkLog(t, st.Log()); n != batches+1 {
		t.Fatalf("%d batches, want %d", n, batches+1)
	}
	must(t, st.Close())
}

// checkLog finds whole batches without a gap, no fewer than were acknowledged,
// behind a cut that is whole too, and gives the number appended.
func (s snapshot) checkLog(t *testing.T, log store.Log) int {
	t.Helper()
	records := scanned(t, log, 0)
	cut := s.checkCut(t, log)
	batches := cut + len(records)/(2*lifeSize)
	if len(records)%(2*lifeSize) != 0 || batches < s.synced {
		t.Fatalf("%d records, of batches of %d; %d batches were acknowledged", len(records), 2*lifeSize, s.synced)
	}
	for i := cut; i < batches; i++ {
		want := lifeBatch(i)
		if !sameRecords(records[(i-cut)*2*lifeSize:(i-cut+1)*2*lifeSize], want.Records) {
			t.Fatalf("batch %d is not as it was appended", i)
		}
		for _, e := range want.Entries {
			wantEntry(t, log, e.Key, e.Offset)
		}
	}
	for _, e := range lifeBatch(batches).Entries {
		wantEntry(t, log, e.Key, 0)
	}
	wantLast(t, log, orrery.Offset(batches*lifeSize))
	return batches
}

// checkCut finds the base and the entries as the log's beginning says, which is
// no earlier than was acknowledged, and gives the number of batches gone.
func (s snapshot) checkCut(t *testing.T, log store.Log) int {
	t.Helper()
	first, err := log.First()
	must(t, err)
	cut, base := int(first-1)/lifeSize, ""
	if int(first-1)%lifeSize != 0 || cut < s.cut {
		t.Fatalf("the log begins at %d; %d batches of %d were cut", first, s.cut, lifeSize)
	}
	if cut > 0 {
		base = fmt.Sprint(cut)
	}
	for k := range lifeKeys {
		wantBase(t, log, byte(k%2), fmt.Sprint(k), base)
	}
	for i := range cut {
		for _, e := range lifeBatch(i).Entries {
			wantEntry(t, log, e.Key, 0)
		}
	}
	return cut
}

// checkState finds that the mark covers nothing that is not there.
func (s snapshot) checkState(t *testing.T, state store.State) {
	t.Helper()
	offset, err := state.Marked(table(0))
	must(t, err)
	wantMark(t, state, 1, offset)
	if int(offset) < s.mark {
		t.Fatalf("marked %d, and %d was acknowledged", offset, s.mark)
	}
	found := map[string]string{}
	for n := range byte(2) {
		for it, err := range state.Scan(table(n)) {
			must(t, err)
			found[it.Key] = string(it.Value)
		}
	}
	for i := 1; i <= int(offset); i++ {
		for _, it := range lifeItems(i) {
			value, ok := found[it.Key]
			if !ok || string(it.Value) != "once" && value < fmt.Sprintf("%06d", offset) {
				t.Fatalf("marked %d, and item %q has %q, %v", offset, it.Key, value, ok)
			}
		}
	}
}

// checkMeta finds both values of one Put, no older than the last acknowledged.
func (s snapshot) checkMeta(t *testing.T, meta store.Meta) {
	t.Helper()
	first, _, err := meta.Get("first")
	must(t, err)
	second, _, err := meta.Get("second")
	must(t, err)
	number := 0
	if len(first) > 0 {
		_, err = fmt.Sscan(string(first), &number)
		must(t, err)
	}
	if !bytes.Equal(first, second) || number < s.put {
		t.Fatalf("values %q and %q; put %d was acknowledged", first, second, s.put)
	}
}

// checkBlobs finds every content acknowledged, and no listed one damaged.
func (s snapshot) checkBlobs(t *testing.T, blob store.Blob) {
	t.Helper()
	listed, err := blob.List()
	must(t, err)
	for _, digest := range append(listed, s.blobs...) {
		_, err := blob.Get(digest)
		must(t, err)
	}
}
