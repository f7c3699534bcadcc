package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/record"
)

// Position says how far an import has come: of the events of its inputs, in
// their order, that many have been dealt with (recorded, or refused and put in
// quarantine). The zero value is the beginning.
type Position struct {
	Events int64 `json:"events"`
	// Digest is that of these events, so that a file that has changed is noticed
	// exactly where it matters.
	Digest string `json:"digest,omitempty"`
}

// Trail follows an import: it counts the events that go by and digests them.
type Trail struct {
	events int64
	digest *xxhash.Digest
	buffer []byte
}

// NewTrail begins at the first event.
func NewTrail() *Trail { return &Trail{digest: xxhash.New()} }

// Add takes the next events: their types, values and received times.
func (t *Trail) Add(events []orrery.Event) {
	t.buffer = t.buffer[:0]
	for i := range events {
		t.buffer = record.AppendContent(binary.BigEndian.AppendUint64(t.buffer, uint64(events[i].Received)), &events[i])
	}
	_, _ = t.digest.Write(t.buffer)
	t.events += int64(len(events))
}

// Events counts what was added.
func (t *Trail) Events() int64 { return t.events }

// Position is how far the trail has come.
func (t *Trail) Position() Position {
	return Position{Events: t.events, Digest: fmt.Sprintf("%016x", t.digest.Sum64())}
}

// headBytes is how much of each file goes into the name of an import.
const headBytes = 64 << 10

// ImportName names the import of these inputs by their types and by how the
// files begin, so that files that were moved or have grown are still the same
// import. live says that the events count as received when they are read.
func ImportName(inputs []Input, live bool) (string, error) {
	sum := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(sum, "%q %q %t\n", in.Type.Name, in.Received, live)
		if err := addHead(sum, in.Path); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func addHead(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return openError(path, err)
	}
	defer file.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return openError(path, err)
	}
	sum := sha256.Sum256(head[:n])
	_, _ = w.Write(sum[:])
	return nil
}
