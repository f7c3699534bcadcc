package ingest

import (
	"io"

	"orrery.dev"
)

// load sees to it that every source that has more events has one at hand.
func (s *Stream) load(b *Batch) error {
	for _, source := range s.sources {
		for source.head == nil && !source.done {
			if err := s.fetch(source, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Stream) fetch(source *source, b *Batch) error {
	var head *block
	var err error
	if source.sort {
		if head, err = source.whole(s.ctx, func(part *block) { s.note(part, b) }); len(head.events) > 0 {
			// What ended the file comes after its events.
			source.sort, source.err = false, err
			source.head, source.at = head, 0
			return s.ctx.Err()
		}
	} else if head, err = source.next(s.ctx); head != nil {
		s.note(head, b)
		if err := source.check(head); err != nil {
			return err
		}
		if len(head.events) == 0 {
			s.pools.recycle(head)
			return nil
		}
		source.head, source.at = head, 0
		return nil
	}
	source.done = err == nil
	return err
}

// note takes over what was refused in a block.
func (s *Stream) note(part *block, b *Batch) {
	for code, n := range part.counts {
		s.codes[code] += n
	}
	s.rejected.Add(part.refused)
	for _, r := range part.rejected {
		if s.listed == s.maxList || s.listedBytes > maxListedBytes {
			return
		}
		b.Rejected = append(b.Rejected, r)
		s.listed++
		s.listedBytes += len(r.Input.Text)
	}
}

// merge moves to the batch the events of the source that is first, as far as
// they come before those of every other.
func (s *Stream) merge(b *Batch) error {
	first, second := s.heads()
	if first == nil {
		return io.EOF
	}
	events := first.head.events[first.at:]
	events = events[:min(len(events), batchEvents-len(b.Events))]
	n := len(events)
	if second != nil {
		limit := second.head.events[second.at].Received
		if s.precedes(first, second) {
			limit++
		}
		for n = 0; n < len(events) && events[n].Received < limit; n++ {
		}
	}
	b.take(first, events[:n])
	if first.at += n; first.at == len(first.head.events) {
		s.pools.recycle(first.head)
		first.head = nil
	}
	return nil
}

// heads gives the source whose next event is first by received time, and the one that follows.
func (s *Stream) heads() (first, second *source) {
	for _, source := range s.sources {
		switch {
		case source.head == nil:
		case first == nil || source.time() < first.time():
			first, second = source, first
		case second == nil || source.time() < second.time():
			second = source
		}
	}
	return first, second
}

func (s *source) time() orrery.Instant { return s.head.events[s.at].Received }

// precedes reports whether a stands before b in the order of ties.
func (s *Stream) precedes(a, b *source) bool {
	for _, source := range s.sources {
		if source == a || source == b {
			return source == a
		}
	}
	return false
}
