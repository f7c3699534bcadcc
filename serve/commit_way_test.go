package serve

import (
	"testing"
	"testing/synctest"
)

// TestWay holds the number of batches under way to its bounds: two, or up to
// smallBatches while there is little in them.
func TestWay(t *testing.T) {
	for _, c := range []struct {
		few           bool
		records, most int
	}{
		{false, 2, batchesUnderWay},
		{true, 2, smallBatches},
		{true, fewRecords, batchesUnderWay},
		{true, fewRecords / 3, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, sent, stop := newWay(), 0, false
			go func() {
				for !stop {
					w.await(c.few)
					sent++
					w.change(1, c.records)
				}
			}()
			synctest.Wait()
			if sent != c.most {
				t.Errorf("few %v, %d records each: %d batches set out, want %d", c.few, c.records, sent, c.most)
			}
			// One that arrives makes room for one.
			w.change(-1, -c.records)
			synctest.Wait()
			if sent != c.most+1 {
				t.Errorf("few %v, %d records each: %d batches set out after one arrived, want %d", c.few, c.records, sent, c.most+1)
			}
			stop = true
			w.change(-c.most-1, -(c.most+1)*c.records)
		})
	}
}
