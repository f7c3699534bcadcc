package ingest

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"orrery.dev"
)

const (
	defaultBlockSize     = 256 << 10
	defaultMaxRejections = 1000
	// maxListedBytes bounds the texts of the rejections that are listed.
	maxListedBytes = 64 << 20
)

// Progress says how far a stream is.
type Progress struct {
	Events, Rejected int64
	// Read and Total are bytes of the files as they lie on disk. Total is 0
	// where a file is no regular file.
	Read, Total int64
}

// Stats counts what a stream has given so far.
type Stats struct {
	Events, Rejected int64
	// Codes counts the refused lines by the code of their first fault.
	Codes map[string]int64
}

// Stream gives the events of several files in the order of received time. Next, Stats and Close
// are for one goroutine; Progress is for any.
type Stream struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	sources []*source
	files   []*file
	notices []string
	work    chan *block
	pools   *pools
	// listed counts the rejections that were listed, listedBytes their texts.
	listed, listedBytes int
	maxList             int
	codes               map[string]int64
	err                 error

	events, rejected atomic.Int64
}

// Open opens the inputs, checks their headers and begins to read. Its errors
// name the file and say what to do: file_missing, file_is_directory,
// file_unreadable, file_empty, file_format, gzip_damaged, zstd_damaged,
// parquet_truncated, column_type, header_missing and the like; with Options.CheckOrder, an *UnsortedError. When the context ends, Next
// gives its error. Close the stream when done.
func Open(ctx context.Context, inputs []Input, o Options) (*Stream, error) {
	o = o.withDefaults()
	s := &Stream{pools: &pools{}, maxList: o.MaxRejections, codes: map[string]int64{}, work: make(chan *block, 2*o.Workers*max(1, len(inputs)))}
	opened, err := s.openAll(ctx, inputs, o)
	if err != nil {
		for _, f := range s.files {
			f.close()
		}
		return nil, err
	}
	// At one instant, the sources stand in the order of ties.
	for place := range tiePlaces {
		for i, source := range opened {
			if place == tiePlace(inputs[i].Type, o.DecideOn) {
				s.sources = append(s.sources, source)
			}
		}
	}
	s.start(ctx, o.Workers)
	return s, nil
}

const tiePlaces = 3

// tiePlace gives the place of a type among events of one instant: what is decided
// on behind what is known then, and corrections behind what they may correct.
func tiePlace(t, decideOn *orrery.EventType) int {
	switch {
	case t.Corrects != nil:
		return 2
	case decideOn != nil && t.Name == decideOn.Name:
		return 1
	}
	return 0
}

func (o Options) withDefaults() Options {
	if o.MaxLine <= 0 {
		o.MaxLine = MaxLine
	}
	if o.MaxRejections == 0 {
		o.MaxRejections = defaultMaxRejections
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.blockSize <= 0 {
		o.blockSize = defaultBlockSize
	}
	return o
}

func (s *Stream) openAll(ctx context.Context, inputs []Input, o Options) ([]*source, error) {
	var opened []*source
	for _, in := range inputs {
		source, err := openSource(in, o, s.pools)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, source.file)
		opened = append(opened, source)
		if source.header != nil {
			s.notices = append(s.notices, source.header.notices...)
		}
	}
	if !o.CheckOrder {
		return opened, nil
	}
	for i, in := range inputs {
		err := checkOrder(ctx, in, o)
		var unsorted *UnsortedError
		if opened[i].sort = errors.As(err, &unsorted) && o.Sort; err != nil && !opened[i].sort {
			return nil, err
		}
	}
	return opened, nil
}

func (s *Stream) start(ctx context.Context, workers int) {
	s.ctx, s.cancel = context.WithCancel(ctx)
	for range workers {
		s.running.Go(s.decodeBlocks)
	}
	for _, source := range s.sources {
		read := source.read
		if source.table != nil {
			read = source.readRows
		}
		s.running.Go(func() { read(s.ctx, s.work) })
	}
}

func (s *Stream) decodeBlocks() {
	for {
		select {
		case b := <-s.work:
			b.decode()
			s.pools.textDone(b.piece.text)
			b.piece.text = nil
			s.pools.rowsDone(b)
			b.done <- struct{}{}
		case <-s.ctx.Done():
			return
		}
	}
}

// Next gives the next batch: events, rejections or both. At the end it gives
// io.EOF. Where a file cannot be read further (gzip_truncated, gzip_damaged,
// their likes of zstd, parquet_damaged, file_unreadable), every whole line before is given first, then the error.
// Where a file is not in that order, Next gives an *UnsortedError at the latest
// when the line is due. After an error the stream has ended.
func (s *Stream) Next() (*Batch, error) {
	b := &Batch{pools: s.pools}
	for s.err == nil && len(b.Events) < batchEvents {
		if s.err = s.load(b); s.err == nil {
			s.err = s.merge(b)
		}
	}
	s.events.Add(int64(len(b.Events)))
	if s.err == nil || len(b.Events) > 0 || len(b.Rejected) > 0 {
		return b, nil
	}
	s.Close()
	return nil, s.err
}

// Progress says how far the stream is.
func (s *Stream) Progress() Progress {
	p := Progress{Events: s.events.Load(), Rejected: s.rejected.Load()}
	known := true
	for _, f := range s.files {
		p.Read += f.read.Load()
		p.Total += f.size
		known = known && f.regular
	}
	if !known {
		p.Total = 0
	}
	return p
}

// Stats counts what has been given so far.
func (s *Stream) Stats() Stats {
	return Stats{Events: s.events.Load(), Rejected: s.rejected.Load(), Codes: maps.Clone(s.codes)}
}

// Notices are sentences about the files that stop nothing, such as columns that
// are ignored. They are all there once Open has returned.
func (s *Stream) Notices() []string { return s.notices }

// Close stops the stream, waits for its goroutines and closes its files. Later
// calls do nothing.
func (s *Stream) Close() {
	s.cancel()
	for _, f := range s.files {
		f.close()
	}
	s.running.Wait()
	if s.err == nil {
		s.err = orrery.Errorf(orrery.Invalid, "stream_closed", "the stream of events is closed")
	}
}
