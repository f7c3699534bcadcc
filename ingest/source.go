package ingest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"orrery.dev"
)

// source is one file of a stream: a reader goroutine cuts it into blocks, the
// stream's workers decode them, and the merge takes them in order.
type source struct {
	file    *file
	decoder *Decoder
	header  *header
	// table is set for a Parquet file, which has no text to split.
	table *parquetFile
	split splitter
	limit int
	keep  int
	sort  bool
	pools *pools

	// ordered has the blocks in the order of the file, decoded or not; err is
	// why it was closed.
	ordered chan *block
	err     error

	// The merge's place: events[at:] of head are to come.
	head *block
	at   int
	last orrery.Instant
	any  bool
	done bool
}

// openSource opens a file and reads its header.
func openSource(in Input, o Options, p *pools) (*source, error) {
	decoder, err := in.decoder()
	if err != nil {
		return nil, err
	}
	f, err := in.open()
	if err != nil {
		return nil, err
	}
	s := &source{file: f, decoder: decoder, limit: o.MaxLine, keep: o.MaxRejections, sort: o.Sort, pools: p,
		ordered: make(chan *block, 2*o.Workers)}
	if f.format == formatParquet {
		if s.table, s.header, err = decoder.openParquet(f); err != nil {
			f.close()
			return nil, err
		}
		return s, nil
	}
	s.split = splitter{r: f.text, csv: f.format == formatCSV, limit: o.MaxLine, size: o.blockSize, line: 1, take: p.text}
	if f.format == formatCSV {
		if s.header, err = s.decoder.readHeader(f, &s.split); err != nil {
			f.close()
			return nil, err
		}
	}
	return s, nil
}

// read cuts the file into blocks until its end, an error or the context's end.
func (s *source) read(ctx context.Context, work chan<- *block) {
	defer close(s.ordered)
	for {
		piece, err := s.split.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = s.file.readError(err, s.split.line, s.split.offset)
			}
			return
		}
		if !s.send(ctx, s.pools.block(s, piece), work) {
			return
		}
	}
}

// readRows is read for a Parquet file.
func (s *source) readRows(ctx context.Context, work chan<- *block) {
	defer close(s.ordered)
	for {
		b := s.pools.block(s, piece{})
		b.rows = s.pools.noRows()
		if err := s.table.rows.Next(b.rows); err != nil {
			if errors.Is(err, io.EOF) {
				s.file.read.Store(s.file.size)
			} else {
				s.err = err
			}
			return
		}
		done := float64(b.rows.First-1+int64(b.rows.N)) / float64(s.table.file.NumRows())
		s.file.read.Store(int64(done * float64(s.file.size)))
		if !s.send(ctx, b, work) {
			return
		}
	}
}

// send hands a block to the merge and to the workers, unless the context ends.
func (s *source) send(ctx context.Context, b *block, work chan<- *block) bool {
	select {
	case s.ordered <- b:
	case <-ctx.Done():
		return false
	}
	select {
	case work <- b:
	case <-ctx.Done():
		return false
	}
	return true
}

// next gives the next decoded block, nil at the end.
func (s *source) next(ctx context.Context) (*block, error) {
	var b *block
	select {
	case b = <-s.ordered:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, s.err
	}
	select {
	case <-b.done:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// check faults events out of order, in a block or between it and the last.
func (s *source) check(b *block) error {
	if len(b.events) == 0 {
		return nil
	}
	if first := b.events[0].Received; s.any && first < s.last {
		return &UnsortedError{Path: s.file.path, Line: b.first, Time: first, Before: s.last, Received: s.decoder.received >= 0}
	}
	if b.disorder != nil {
		return b.disorder
	}
	s.any, s.last = true, b.events[len(b.events)-1].Received
	return nil
}

// whole reads the rest of the file and gives its events as one block in the
// order of received time and line. It comes with what ended the file.
func (s *source) whole(ctx context.Context, each func(*block)) (*block, error) {
	var events []orrery.Event
	for {
		b, err := s.next(ctx)
		if b == nil {
			return &block{source: s, events: inTimeOrder(events)}, err
		}
		each(b)
		events = append(events, b.events...)
		// The values stay: only the slice of events is used again.
		b.slab = nil
		s.pools.recycle(b)
	}
}

func inTimeOrder(events []orrery.Event) []orrery.Event {
	byTime := func(a, b orrery.Event) int { return cmp.Compare(a.Received, b.Received) }
	if !slices.IsSortedFunc(events, byTime) {
		slices.SortStableFunc(events, byTime)
	}
	return events
}
