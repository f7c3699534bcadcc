package review

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math"

	"orrery.dev"
	"orrery.dev/store"
)

// OpenTable and EndedTable are where a state store keeps the queue: what is open,
// all of which is in memory, and the cases that have ended, which are read when
// they are asked for. Keys are offsets, 8 bytes, big-endian.
var (
	OpenTable  = table("review 1: open")
	EndedTable = table("review 1: ended")
)

func table(definition string) store.TableID {
	digest := sha256.Sum256([]byte(definition))
	return store.TableID(digest[:16])
}

// Key gives the key of a decision in both tables.
func Key(offset orrery.Offset) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(offset)))
}

// Checkpoint is what had changed when it was taken.
type Checkpoint struct {
	Items []store.StateItem
	taken map[orrery.Offset]int
}

// Checkpoint gives what has changed since the last one that was written, as it is
// now: at most max items, each in both tables, so that they change in one write.
func (q *Queue) Checkpoint(max int) *Checkpoint {
	c := &Checkpoint{taken: make(map[orrery.Offset]int, min(len(q.dirty), max))}
	for offset, change := range q.dirty {
		if len(c.taken) == max {
			break
		}
		c.taken[offset] = change
		open, ended := store.StateItem{Table: OpenTable, Key: Key(offset)}, store.StateItem{Table: EndedTable, Key: Key(offset)}
		touched := q.cases[offset]
		s, isOpen := q.find(offset)
		switch {
		case isOpen && touched != nil:
			open.Value = encodeCase(touched)
		case isOpen:
			open.Value = q.encode(s)
		case touched != nil:
			ended.Value = encodeCase(touched)
		}
		c.Items = append(c.Items, open)
		if touched != nil {
			c.Items = append(c.Items, ended)
		}
	}
	return c
}

// Written says that a checkpoint is in the state store: cases that have ended
// need not be in memory any more.
func (q *Queue) Written(c *Checkpoint) {
	for offset, change := range c.taken {
		if q.dirty[offset] != change {
			continue
		}
		delete(q.dirty, offset)
		if _, open := q.find(offset); !open {
			delete(q.cases, offset)
		}
	}
}

// How an open item that nobody has touched begins; a case is JSON.
const (
	plainItem   = 1
	privateItem = 2
)

func (q *Queue) encode(s int32) []byte {
	x, k := &q.slots[s], &q.kinds[q.slots[s].kind]
	if k.private {
		return binary.LittleEndian.AppendUint64([]byte{privateItem}, uint64(x.since))
	}
	b := binary.LittleEndian.AppendUint64([]byte{plainItem}, uint64(x.since))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x.score))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x.doubt))
	second := byte(0)
	if k.second {
		second = 1
	}
	b = append(b, byte(k.why), second)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(k.propensity))
	return append(b, k.action...)
}

// stored is a Case with the parts of its item that JSON leaves out.
type stored struct {
	*Case
	Score  *float64 `json:"score,omitempty"`
	Doubt  float64  `json:"doubt,omitempty"`
	Action string   `json:"action,omitempty"`
}

func encodeCase(c *Case) []byte {
	out := stored{Case: c}
	if !c.Private {
		if c.Score == c.Score {
			out.Score = &c.Score
		}
		out.Doubt, out.Action = c.Doubt, c.Action
	}
	text, err := json.Marshal(&out)
	if err != nil {
		panic("review: numbers and text make JSON: " + err.Error())
	}
	return text
}

// Decode reads a value of one of the tables. What it says of a private item is its
// offset and when it was received; source has the rest. ok is false for one that
// is not kept any more. The error is source's, or of kind Damaged with code
// state_damaged.
func Decode(key string, value []byte, source Source) (c *Case, ok bool, err error) {
	if len(key) != 8 || len(value) == 0 {
		return nil, false, damaged(nil)
	}
	offset := orrery.Offset(binary.BigEndian.Uint64([]byte(key)))
	switch {
	case value[0] == '{':
		out := stored{Case: &Case{}}
		if err := json.Unmarshal(value, &out); err != nil {
			return nil, false, damaged(err)
		}
		c = out.Case
		c.Score, c.Doubt, c.Action = math.NaN(), out.Doubt, out.Action
		if out.Score != nil {
			c.Score = *out.Score
		}
	case value[0] == plainItem && len(value) >= 27:
		c = &Case{Item: Item{Offset: offset, Received: orrery.Instant(binary.LittleEndian.Uint64(value[1:])),
			Score: unpackScore(math.Float32frombits(binary.LittleEndian.Uint32(value[9:]))), Doubt: float64(math.Float32frombits(binary.LittleEndian.Uint32(value[13:]))),
			Why: Why(value[17]), Second: value[18] == 1, Propensity: math.Float64frombits(binary.LittleEndian.Uint64(value[19:])), Action: string(value[27:])}}
	case value[0] == privateItem && len(value) == 9:
		c = &Case{Item: Item{Offset: offset, Private: true}}
	default:
		return nil, false, damaged(nil)
	}
	if c.Offset != offset {
		return nil, false, damaged(nil)
	}
	if !c.Private {
		return c, true, nil
	}
	item, ok, err := source.Item(offset)
	if err != nil || !ok {
		return nil, false, err
	}
	c.Item = item.whyEver()
	return c, true, nil
}

// Judged reads a value of one of the tables as a case with opinions, nil where
// there are none. What it says of the item is its offset and whether chance asks for a
// second opinion.
func Judged(key string, value []byte) (*Case, error) {
	if len(value) == 0 || value[0] != '{' {
		return nil, nil
	}
	out := stored{Case: &Case{}}
	if err := json.Unmarshal(value, &out); err != nil {
		return nil, damaged(err)
	}
	if len(out.Case.Opinions) == 0 {
		return nil, nil
	}
	return out.Case, nil
}

func damaged(cause error) error {
	return orrery.Errorf(orrery.Damaged, "state_damaged", "the state of reviews cannot be read").Because(cause).
		WithNext("remove the state directory, which is built anew from the log, or restore a copy")
}

// Restore puts an open case in a queue that is being loaded, in any order.
func (q *Queue) Restore(c *Case) {
	if _, ok := q.find(c.Offset); ok {
		return
	}
	s := q.insert(&c.Item, c.since())
	if c.Applied != 0 {
		q.cases[c.Offset] = c
		if c.Lease.Reviewer != "" {
			q.withhold(s)
		}
	}
}
