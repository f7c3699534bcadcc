package parquet

import (
	"encoding/binary"
	"errors"
	"io"
)

// The types of Thrift's compact protocol.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
const (
	compactStop = iota
	compactTrue
	compactFalse
	compactByte
	compactI16
	compactI32
	compactI64
	compactDouble
	compactBinary
	compactList
	compactSet
	compactMap
	compactStruct
	compactUUID
)

// maxNesting is far beyond what Parquet's structures need.
const maxNesting = 64

var errCompact = errors.New("it has a value that Thrift's compact protocol does not know")

// compactLength finds how many bytes the structure at the front of b takes, and
// that all it says of itself is there: each text has its bytes, each list its
// elements. A decoder that sets memory aside before it reads may then believe
// it. It gives io.ErrUnexpectedEOF where b ends too early.
func compactLength(b []byte) (int, error) {
	c := compact{b: b}
	err := c.structure(0)
	return c.at, err
}

// compact walks over one structure.
type compact struct {
	b  []byte
	at int
}

func (c *compact) structure(depth int) error {
	for {
		head, err := c.byte()
		if err != nil {
			return err
		}
		if head == compactStop {
			return nil
		}
		if head>>4 == 0 {
			if _, err := c.uvarint(); err != nil { // The field's number.
				return err
			}
		}
		// A boolean field is its type.
		if kind := head & 15; kind != compactTrue && kind != compactFalse {
			if err := c.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
}

func (c *compact) value(kind byte, depth int) error {
	if depth > maxNesting {
		return errors.New("it is nested too deep")
	}
	switch kind {
	case compactTrue, compactFalse, compactByte:
		return c.skip(1)
	case compactI16, compactI32, compactI64:
		_, err := c.uvarint()
		return err
	case compactDouble:
		return c.skip(8)
	case compactUUID:
		return c.skip(16)
	case compactBinary:
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		return c.skip(n)
	case compactList, compactSet:
		return c.list(depth)
	case compactMap:
		return c.dictionary(depth)
	case compactStruct:
		return c.structure(depth)
	}
	return errCompact
}

func (c *compact) list(depth int) error {
	head, err := c.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = c.uvarint(); err != nil {
			return err
		}
	}
	return c.repeat(n, depth, head&15)
}

func (c *compact) dictionary(depth int) error {
	n, err := c.uvarint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := c.byte()
	if err != nil {
		return err
	}
	return c.repeat(n, depth, kinds>>4, kinds&15)
}

// repeat walks n times over values of those kinds. Each takes a byte at least,
// so that a false n ends with the bytes.
func (c *compact) repeat(n uint64, depth int, kinds ...byte) error {
	for range n {
		for _, kind := range kinds {
			if err := c.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compact) byte() (byte, error) {
	if c.at >= len(c.b) {
		return 0, io.ErrUnexpectedEOF
	}
	c.at++
	return c.b[c.at-1], nil
}

func (c *compact) skip(n uint64) error {
	if n > uint64(len(c.b)-c.at) {
		return io.ErrUnexpectedEOF
	}
	c.at += int(n)
	return nil
}

func (c *compact) uvarint() (uint64, error) {
	n, size := binary.Uvarint(c.b[c.at:])
	switch {
	case size == 0:
		return 0, io.ErrUnexpectedEOF
	case size < 0:
		return 0, errCompact
	}
	c.at += size
	return n, nil
}
