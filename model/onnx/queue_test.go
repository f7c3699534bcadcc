package onnx

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"orrery.dev"
	"orrery.dev/model/onnx/onnxtest"
	"orrery.dev/text/tokenizer"
)

func of(lengths ...int) []item {
	var items []item
	for _, n := range lengths {
		items = append(items, item{tokens: &tokenizer.Encoding{IDs: make([]int32, n)}, row: make([]float64, 1)})
	}
	return items
}

// TestClasses holds that classes follow lengths, and that none has lengths further
// apart than a quarter.
func TestClasses(t *testing.T) {
	least := map[int]int{}
	for n := range mostTokens + 1 {
		c := class(n)
		if c < class(n-1) && n > 0 || c >= classes {
			t.Fatalf("%d tokens are of the class %d of %d, and %d of %d", n, c, classes, n-1, class(n-1))
		}
		if _, seen := least[c]; !seen {
			least[c] = n
		}
		if 4*n > 5*least[c] && n > least[c] {
			t.Errorf("%d and %d tokens are of one class", least[c], n)
		}
	}
}

// hold is a run whose batches wait until they are let go.
type hold struct {
	begun chan []int // the lengths of a batch
	let   chan error
}

func (h *hold) run(items []item) error {
	var lengths []int
	for _, one := range items {
		lengths = append(lengths, one.tokens.Len())
		one.row[0] = float64(one.tokens.Len())
	}
	h.begun <- lengths
	return <-h.let
}

// waiting has a call wait and returns when its items are in the queue.
func waiting(q *queue, group *sync.WaitGroup, items []item, run func([]item) error) *error {
	err := new(error)
	before := held(q)
	group.Go(func() { *err = q.wait(items, run) })
	for held(q) < before+len(items) {
		runtime.Gosched()
	}
	return err
}

func held(q *queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for i := range q.classes {
		n += len(q.classes[i])
	}
	return n
}

func (h *hold) expect(t *testing.T, want ...int) {
	t.Helper()
	if got := <-h.begun; !slices.Equal(got, want) {
		t.Fatalf("a batch of lengths %v, want %v", got, want)
	}
}

// TestWhatWaitsRunsTogether has one lane held up, and looks at what runs after it.
func TestWhatWaitsRunsTogether(t *testing.T) {
	q := &queue{batch: 3, lanes: 1}
	h := &hold{begun: make(chan []int), let: make(chan error)}
	var group sync.WaitGroup
	group.Go(func() { q.wait(of(7), h.run) })
	h.expect(t, 7) // alone, at once
	for _, n := range []int{10, 50, 11, 10, 10, 55} {
		waiting(q, &group, of(n), h.run)
	}
	// By classes, 10 with 11 and 50 with 55, each class when its first text's turn is.
	for _, want := range [][]int{{10, 11, 10}, {50, 55}, {10}} {
		h.let <- nil
		h.expect(t, want...)
	}
	h.let <- nil
	group.Wait()
}

// TestLargeCallDoesNotHoldUpSmall holds that a call of one text is run after the
// batch that is on its way when it comes, however many another call has waiting.
func TestLargeCallDoesNotHoldUpSmall(t *testing.T) {
	q := &queue{batch: 2, lanes: 1}
	h := &hold{begun: make(chan []int), let: make(chan error)}
	var group sync.WaitGroup
	group.Go(func() { q.wait(of(8, 8, 8, 8, 8, 8, 8, 8), h.run) })
	h.expect(t, 8, 8)
	h.let <- nil
	h.expect(t, 8, 8)
	waiting(q, &group, of(30), h.run)
	h.let <- nil
	h.expect(t, 30)
	h.let <- nil
	h.expect(t, 8, 8)
	h.let <- nil
	h.expect(t, 8, 8)
	h.let <- nil
	group.Wait()
}

func TestBatchIsBounded(t *testing.T) {
	q := &queue{batch: mostBatch, lanes: 1}
	for i := range of(slices.Repeat([]int{1000}, 10)...) {
		one := of(1000)[0]
		one.turn = uint64(i)
		q.classes[class(1000)].Push(&one)
	}
	if got := len(q.take()); got != mostPadded/1000 {
		t.Errorf("%d texts of 1000 tokens run together, want %d", got, mostPadded/1000)
	}
	huge := of(mostTokens)[0]
	q = &queue{batch: 4, lanes: 1}
	q.classes[class(mostTokens)].Push(&huge)
	if got := len(q.take()); got != 1 {
		t.Errorf("%d texts of %d tokens run, want 1", got, mostTokens)
	}
}

// TestNoTextFailsForAnother has a batch fail, and one of its texts by itself.
func TestNoTextFailsForAnother(t *testing.T) {
	q := &queue{batch: 8, lanes: 1}
	bad := errors.New("no text of 6 tokens")
	gate := make(chan struct{})
	begun := make(chan struct{}, 1)
	run := func(items []item) error {
		select {
		case begun <- struct{}{}:
		default:
		}
		<-gate
		for _, one := range items {
			if one.tokens.Len() == 6 {
				return bad
			}
			one.row[0] = 1
		}
		return nil
	}
	var group sync.WaitGroup
	group.Go(func() { q.wait(of(3), run) })
	<-begun
	good, also := of(7), of(7, 6)
	errGood := waiting(q, &group, good, run)
	errAlso := waiting(q, &group, also, run)
	close(gate)
	group.Wait()
	if *errGood != nil || good[0].row[0] != 1 || also[0].row[0] != 1 || !errors.Is(*errAlso, bad) {
		t.Errorf("%v, %v; rows %v %v", *errGood, *errAlso, good[0].row, also[0].row)
	}
}

// fakeSession gives each token's id as its state, as a session would.
type fakeSession struct {
	hold   chan struct{}
	closed bool
}

func (f *fakeSession) run(b *batch) (values, error) {
	if f.hold != nil {
		<-f.hold
	}
	if f.closed {
		return values{}, errors.New("closed")
	}
	out := values{shape: []int64{int64(b.texts), int64(b.tokens), 1}, free: func() {}}
	for i := range b.ids {
		out.double = append(out.double, float64(b.ids[i]))
	}
	return out, nil
}

func (f *fakeSession) close() { f.closed = true }

func fake(t *testing.T, f *fakeSession, file []byte, s Settings) *Text {
	t.Helper()
	m, err := NewText(onnxtest.NewSmall(8, 2, 1, false, 1).Encoder(), file, s)
	if err != nil {
		t.Fatal(err)
	}
	m.session = f
	return m
}

// TestPools holds the pools to the tokens that are kept, with padding on either
// side; [CLS] is 2 and [SEP] 3.
func TestPools(t *testing.T) {
	file := onnxtest.Tokenizer("a", "b", "c", "d")
	left := []byte(strings.Replace(string(file), `"direction":"Right"`, `"direction":"Left"`, 1))
	if string(left) == string(file) {
		t.Fatal("the tokenizer has no direction of padding")
	}
	list := []string{"a", "", "b c d d", "d"}
	for _, side := range [][]byte{file, left} {
		for pool, want := range map[Pool][]float64{
			First: {2, 2, 2, 2},
			Mean:  {(2 + 4 + 3) / 3., (2 + 3) / 2., (2 + 5 + 6 + 7 + 7 + 3) / 6., (2 + 7 + 3) / 3.},
		} {
			rows := make([]float64, len(list))
			if err := fake(t, &fakeSession{}, side, Settings{Pool: pool, Batch: 8}).Run(list, rows); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(rows, want) {
				t.Errorf("pool %s: %v, want %v", pool, rows, want)
			}
		}
	}
}

// TestCloseWaits holds that a session is not freed under a text that runs.
func TestCloseWaits(t *testing.T) {
	f := &fakeSession{hold: make(chan struct{})}
	m := fake(t, f, onnxtest.Tokenizer("a"), Settings{Pool: First})
	var group sync.WaitGroup
	var err error
	group.Go(func() { err = m.Run([]string{"a", "a a"}, make([]float64, 2)) })
	f.hold <- struct{}{} // one batch of two
	closed := make(chan struct{})
	go func() { m.Close(); close(closed) }()
	for !errIs(m.Ready(), "onnx_closed") {
		runtime.Gosched()
	}
	select {
	case <-closed:
		t.Error("closed while a text runs")
	default:
	}
	close(f.hold)
	group.Wait()
	<-closed
	if err != nil || !f.closed {
		t.Errorf("%v; closed %v", err, f.closed)
	}
	if err := m.Run([]string{"a"}, make([]float64, 1)); !errIs(err, "onnx_closed") {
		t.Errorf("run after it is closed: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func errIs(err error, code string) bool { return err != nil && orrery.CodeOf(err) == code }

func TestRowsOfAnotherNumber(t *testing.T) {
	m := fake(t, &fakeSession{}, onnxtest.Tokenizer("a"), Settings{Pool: First})
	m.columns = 1
	if err := m.Run([]string{"a"}, make([]float64, 3)); !errIs(err, "onnx_rows") {
		t.Error(err)
	}
	if err := m.Run(nil, nil); err != nil {
		t.Error(err)
	}
}
