package fraud

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"orrery.dev"
)

// The files that WriteCSV makes.
const (
	TransactionsFile = "transactions.csv.gz"
	ReportsFile      = "fraud_reports.csv.gz"
)

// Written says how many events WriteCSV wrote.
type Written struct{ Transactions, Reports int64 }

// WriteCSV writes the history that the options ask for into two files of a
// directory, which is made where it is missing: the transactions, and the
// reports of all that are fraud, the last of them after the history's end.
// progress, where it is not nil, hears after each day how many transactions
// are written. The files appear when they are whole; those that exist already
// are never replaced. Errors are of kind Invalid for an option or a directory
// that will not do, Conflict for a file that exists, or the context's.
func WriteCSV(ctx context.Context, dir string, o Options, progress func(transactions int64)) (Written, error) {
	w, err := New(o)
	if err != nil {
		return Written{}, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return Written{}, cannotWrite(dir, err)
	}
	transactions, err := create(dir, TransactionsFile, TransactionType)
	if err != nil {
		return Written{}, err
	}
	defer transactions.discard()
	reports, err := create(dir, ReportsFile, ReportType)
	if err != nil {
		return Written{}, err
	}
	defer reports.discard()

	for k := w.walk(0); k.day < w.options.Days; {
		if err := ctx.Err(); err != nil {
			return Written{}, err
		}
		for _, t := range k.next() {
			transactions.add(Event{Type: TransactionType, At: t.At, Transaction: t})
			if t.Fraud() {
				reports.add(reportOf(t))
			}
		}
		if err := errors.Join(transactions.err, reports.err); err != nil {
			return Written{}, cannotWrite(dir, err)
		}
		if progress != nil {
			progress(transactions.rows)
		}
	}
	written := Written{Transactions: transactions.rows, Reports: reports.rows}
	if err := errors.Join(transactions.finish(), reports.finish()); err != nil {
		return Written{}, cannotWrite(dir, err)
	}
	if err := reports.publish(); err != nil {
		return Written{}, err
	}
	if err := transactions.publish(); err != nil {
		// The pair appears together or not at all.
		os.Remove(reports.path)
		return Written{}, err
	}
	return written, nil
}

// csvFile is one file being written, under another name until it is whole.
type csvFile struct {
	path string
	file *os.File
	gzip *gzip.Writer
	text *bufio.Writer
	line []byte
	rows int64
	err  error
}

func create(dir, name, eventType string) (*csvFile, error) {
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err == nil {
		return nil, exists(path)
	}
	file, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return nil, cannotWrite(dir, err)
	}
	c := &csvFile{path: path, file: file, gzip: gzip.NewWriter(file)}
	c.text = bufio.NewWriterSize(c.gzip, 1<<16)
	_, c.err = c.text.Write(AppendCSVHeader(nil, eventType))
	return c, nil
}

func (c *csvFile) add(e Event) {
	c.line = e.AppendCSV(c.line[:0])
	if _, err := c.text.Write(c.line); err != nil {
		c.err = err
	}
	c.rows++
}

// finish makes what was added durable.
func (c *csvFile) finish() error {
	err := errors.Join(c.text.Flush(), c.gzip.Close())
	if err == nil {
		// Temporary files are private; this one is to be like any other.
		err = errors.Join(c.file.Chmod(0o644), c.file.Sync())
	}
	return errors.Join(err, c.file.Close())
}

// publish gives the file its name. A link, unlike a rename, never replaces
// what another process has put there meanwhile; where links cannot be had, a
// rename has to do.
func (c *csvFile) publish() error {
	err := os.Link(c.file.Name(), c.path)
	if errors.Is(err, fs.ErrExist) {
		return exists(c.path)
	}
	if err != nil {
		err = os.Rename(c.file.Name(), c.path)
	}
	if err != nil {
		return cannotWrite(c.path, err)
	}
	return nil
}

// discard removes what is left under the temporary name.
func (c *csvFile) discard() {
	c.file.Close()
	os.Remove(c.file.Name())
}

func exists(path string) error {
	return orrery.Errorf(orrery.Conflict, "file_exists", "%s exists already", path).
		WithNext("name another directory, or remove the file")
}

func cannotWrite(path string, err error) error {
	return orrery.Errorf(orrery.Invalid, "cannot_write", "the sample data cannot be written to %s", path).Because(err).
		WithNext("name a directory that can be written, with room for some 10 MB a month")
}
