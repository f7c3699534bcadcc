package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"orrery.dev"
)

// TestFiles runs testdata/file: each case is a file of the name and type given
// and tells everything that reading it gives.
func TestFiles(t *testing.T) {
	datadriven.Walk(t, "testdata/file", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, c *datadriven.TestData) string {
			name, text := "events.csv", c.Input+"\n"
			if c.HasArg("name") {
				c.ScanArgs(t, "name", &name)
			}
			if c.HasArg("escaped") {
				unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(c.Input, "\n", "") + `"`)
				if err != nil {
					t.Fatal(err)
				}
				text = unquoted
			}
			if c.HasArg("gzip") {
				text = string(zipped(t, []byte(text)))
			}
			o := Options{}
			if c.HasArg("max-line") {
				c.ScanArgs(t, "max-line", &o.MaxLine)
			}
			dir := t.TempDir()
			input := Input{Path: write(t, dir, name, text), Type: typeOf(c.Cmd)}
			// However the file is cut into blocks, the outcome is the same.
			want := ""
			for _, o.blockSize = range []int{1, 7, 64, 1 << 10, 0} {
				got := strings.ReplaceAll(transcript([]Input{input}, o), dir+"/", "")
				if want != "" && got != want {
					t.Errorf("blocks of %d bytes give\n%swhere smaller ones gave\n%s", o.blockSize, got, want)
				}
				want = got
			}
			return want
		})
	})
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// memoryFile is a file that is not on disk, for what opens very many.
type memoryFile struct {
	*strings.Reader
	size int64
}

func inMemory(text string) raw { return memoryFile{strings.NewReader(text), int64(len(text))} }

func (memoryFile) Close() error                 { return nil }
func (f memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (memoryFile) Name() string                 { return "memory" }
func (f memoryFile) Size() int64                { return f.size }
func (memoryFile) Mode() fs.FileMode            { return 0 }
func (memoryFile) ModTime() time.Time           { return time.Time{} }
func (memoryFile) IsDir() bool                  { return false }
func (memoryFile) Sys() any                     { return nil }

// transcript writes down everything a stream gives.
func transcript(inputs []Input, o Options) string {
	var b strings.Builder
	s, err := Open(context.Background(), inputs, o)
	if err != nil {
		return "open: " + coded(err)
	}
	defer s.Close()
	for _, notice := range s.Notices() {
		fmt.Fprintf(&b, "note: %s\n", notice)
	}
	var events, rejected strings.Builder
	for {
		batch, err := s.Next()
		if err != nil {
			b.WriteString(events.String() + rejected.String())
			if !errors.Is(err, io.EOF) {
				b.WriteString("error: " + coded(err))
			}
			break
		}
		for i := range batch.Events {
			fmt.Fprintf(&events, "%s\n", AppendJSON(nil, &batch.Events[i]))
		}
		for _, r := range batch.Rejected {
			fmt.Fprintf(&rejected, "%s\n", r)
		}
		batch.Release()
	}
	if stats := s.Stats(); stats.Rejected > 0 {
		fmt.Fprintf(&b, "refused: %d %v\n", stats.Rejected, stats.Codes)
	}
	return b.String()
}

func coded(err error) string { return fmt.Sprintf("%s: %v\n", orrery.CodeOf(err), err) }
