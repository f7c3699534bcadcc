// Command training times the fit of boosted trees against XGBoost's hist, on
// the same rows, with the same trees, depth, bins and threads, in turn, so that
// a noisy machine is noisy for both.
//
//	go run ./bench/training [-data DIR] [-rounds N] [-python PROGRAM]
//
// The rows are a week of the fraud system: of the files in DIR, or of sample
// data made for it. The Python needs numpy and xgboost; without them our own
// figure is printed alone.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/ingest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
	"orrery.dev/train"
)

//go:embed peer.py
var peerScript string

func main() {
	data := flag.String("data", "", "folder of transactions.csv.gz and fraud_reports.csv.gz from April to July 2018 (default: a sample)")
	rounds := flag.Int("rounds", 9, "how often each is timed")
	python := flag.String("python", "python3", "a Python with numpy and xgboost")
	flag.Parse()
	if err := run(*data, *python, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "training:", err)
		os.Exit(1)
	}
}

func run(data, python string, rounds int) error {
	dir, err := os.MkdirTemp("", "orrery-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if data == "" {
		data = dir
		if _, err := fraud.WriteCSV(context.Background(), dir, fraud.Options{Days: 122}, nil); err != nil {
			return err
		}
	}
	rows, err := week(data)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows × %d columns, 100 trees, depth 6, rate 0.1, 1,024 bins, %d threads\n", rows.Len(), len(rows.Names), runtime.GOMAXPROCS(0))
	peer, err := startPeer(python, dir, rows)
	if err != nil {
		fmt.Println("XGBoost is not here:", err)
	} else {
		defer peer.close()
	}
	var ours, theirs []float64
	for range rounds {
		seconds, err := fit(rows)
		if err != nil {
			return err
		}
		ours = append(ours, seconds)
		if peer == nil {
			continue
		}
		if seconds, err = peer.fit(); err != nil {
			return err
		}
		theirs = append(theirs, seconds)
	}
	report(ours, theirs)
	return nil
}

// week gives the training rows from 2018-07-04, by the fraud system's features.
func week(data string) (*train.Rows, error) {
	s, diagnostics, err := spec.Load("systems/fraud", builtin.Registry())
	if err != nil || s == nil {
		return nil, fmt.Errorf("the fraud system does not load: %w %v", err, diagnostics)
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, err
	}
	files, err := replay.FromFiles(context.Background(), s, []ingest.Input{
		{Path: filepath.Join(data, fraud.TransactionsFile), Type: s.Contract.Event(fraud.TransactionType)},
		{Path: filepath.Join(data, fraud.ReportsFile), Type: s.Contract.Event(fraud.ReportType)},
	}, replay.FileOptions{})
	if err != nil {
		return nil, err
	}
	defer files.Close()
	from := orrery.InstantOf(time.Date(2018, 7, 4, 0, 0, 0, 0, time.UTC))
	span := replay.Range{From: from, To: from.Add(orrery.Week)}
	x, err := replay.Collect(context.Background(), p, files, span, s.Model.Features, nil)
	if err != nil {
		return nil, err
	}
	rows, _ := x.TrainRows(x.LabelsAt(s.Label, span.To.Add(orrery.Week)), span)
	return rows, replay.CheckTrainable(rows, span)
}

func fit(rows *train.Rows) (float64, error) {
	o := train.DefaultGBDT()
	o.Trees, o.Depth, o.LearningRate, o.Bins, o.L2, o.MinChildWeight, o.MinGain = 100, 6, 0.1, 1024, 1, 1, 0
	begun := time.Now()
	_, err := o.Fit(context.Background(), rows, nil)
	return time.Since(begun).Seconds(), err
}

// peer is XGBoost in a process that has read the rows.
type peer struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Reader
}

func startPeer(python, dir string, rows *train.Rows) (*peer, error) {
	path := filepath.Join(dir, "rows")
	if err := writeFloats(path+".x", rows.X); err != nil {
		return nil, err
	}
	if err := writeFloats(path+".y", rows.Y); err != nil {
		return nil, err
	}
	cmd := exec.Command(python, "-c", peerScript, path, strconv.Itoa(len(rows.Names)), strconv.Itoa(runtime.GOMAXPROCS(0)))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &peer{cmd: cmd, in: bufio.NewWriter(in), out: bufio.NewReader(out)}
	version, err := p.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s cannot import numpy and xgboost", python)
	}
	fmt.Println("against", strings.TrimSpace(version))
	return p, nil
}

func writeFloats(path string, values []float64) error {
	b := make([]byte, 0, 8*len(values))
	for _, x := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return os.WriteFile(path, b, 0o600)
}

func (p *peer) fit() (float64, error) {
	if _, err := p.in.WriteString("fit\n"); err != nil {
		return 0, err
	}
	if err := p.in.Flush(); err != nil {
		return 0, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(line), 64)
}

func (p *peer) close() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func report(ours, theirs []float64) {
	fmt.Printf("orrery   best %.3f s, median %.3f s\n", slices.Min(ours), median(ours))
	if len(theirs) == 0 {
		return
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	fmt.Printf("XGBoost  best %.3f s, median %.3f s\n", slices.Min(theirs), median(theirs))
	fmt.Printf("ratio    of the bests %.2f, median of the pairs %.2f\n", slices.Min(ours)/slices.Min(theirs), median(ratios))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
