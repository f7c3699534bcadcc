package vault

import (
	"io"
	"sync"
)

// Memory is a vault's file that lasts as long as its process.
type Memory struct {
	mutex   sync.RWMutex
	content []byte
}

// NewMemory gives a file with a content, that of New for a new vault.
func NewMemory(content []byte) *Memory { return &Memory{content: content} }

// Size gives the number of bytes in the file.
func (m *Memory) Size() int64 {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	return int64(len(m.content))
}

// ReadAt implements io.ReaderAt.
func (m *Memory) ReadAt(b []byte, at int64) (int, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	if at >= int64(len(m.content)) {
		return 0, io.EOF
	}
	n := copy(b, m.content[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (m *Memory) WriteAt(b []byte, at int64) (int, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if more := at + int64(len(b)) - int64(len(m.content)); more > 0 {
		m.content = append(m.content, make([]byte, more)...)
	}
	return copy(m.content[at:], b), nil
}

// Sync does nothing.
func (m *Memory) Sync() error { return nil }

// Close does nothing: the file can be opened again.
func (m *Memory) Close() error { return nil }
