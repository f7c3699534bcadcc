package feature

import (
	"encoding/binary"
	"hash/crc32"

	"orrery.dev"
)

// Bind makes the state know the set's tables, so that Forget finds what load has
// of them.
func (s *Set) Bind(st *State) { st.bind(s) }

// Forget drops all that the state has of one key of an entity, as of an offset of
// the log: what events before it have counted. Series that have applied a later
// one are left as they are. The error is load's.
func (st *State) Forget(offset orrery.Offset, entity, key string) error {
	for _, sh := range st.shelves {
		if sh.entity != entity {
			continue
		}
		en := st.entity(sh, key, st.load != nil)
		if en == nil {
			return nil
		}
		for i := range sh.tables {
			s, err := st.series(en, i)
			if err != nil {
				return err
			}
			if s.applied >= offset {
				continue
			}
			st.bytes -= s.size()
			*s = series{applied: offset, loaded: true, dirty: s.dirty, flushing: s.flushing}
			st.markDirty(en, i)
		}
	}
	return nil
}

// emptyVersion begins the encoding of a series that has been forgotten and has
// counted nothing since: applied follows, and CRC-32C of both (4 bytes).
const emptyVersion = 0

func encodeEmpty(applied orrery.Offset, b []byte) []byte {
	begin := len(b)
	b = binary.AppendUvarint(append(b, emptyVersion), uint64(applied))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[begin:], castagnoli))
}
