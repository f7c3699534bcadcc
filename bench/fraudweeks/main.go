// Command fraudweeks evaluates the fraud system on weeks of files by orrery
// eval, each kind of model on each week, and prints the table that
// docs/benchmarks.md shows.
//
//	go run ./bench/fraudweeks DIR [TRAIN_FROM,TEST_FROM ...]
//
// DIR holds transactions.csv.gz and fraud_reports.csv.gz, such as those that
// orrery demo fraud --write makes. Without weeks, the four of the published
// comparison are evaluated.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"orrery.dev/replay"
)

var published = []string{"2018-05-23,2018-06-06", "2018-06-06,2018-06-20", "2018-06-20,2018-07-04", "2018-07-04,2018-07-18"}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: fraudweeks DIR [TRAIN_FROM,TEST_FROM ...]")
		os.Exit(2)
	}
	weeks := os.Args[2:]
	if len(weeks) == 0 {
		weeks = published
	}
	if err := run(os.Args[1], weeks); err != nil {
		fmt.Fprintln(os.Stderr, "fraudweeks:", err)
		os.Exit(1)
	}
}

func run(dir string, weeks []string) error {
	binary, err := build()
	if err != nil {
		return err
	}
	defer os.Remove(binary)
	fmt.Println("| train from, test from | model | train rows / frauds | test rows / frauds | AUC | average precision | precision@100 | total s | events/s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, kind := range []string{"logistic", "forest", "gbdt"} {
		var sum [3]float64
		for _, week := range weeks {
			e, err := evaluate(binary, dir, week, kind)
			if err != nil {
				return err
			}
			figures := [3]float64{e.Metrics["auc"], e.Metrics["average_precision"], e.Metrics["precision_at_100_per_day"]}
			for i := range sum {
				sum[i] += figures[i] / float64(len(weeks))
			}
			fmt.Printf("| %s | %s | %d / %d | %d / %d | %.3f | %.3f | %.3f | %.2f | %.0f |\n", strings.Replace(week, ",", ", ", 1), kind,
				e.Train.Rows, e.Train.Positives, e.Test.Rows, e.Test.Positives, figures[0], figures[1], figures[2], e.Seconds.Total, e.EventsPerSecond)
		}
		fmt.Printf("| mean | %s | | | %.4f | %.4f | %.4f | | |\n", kind, sum[0], sum[1], sum[2])
	}
	return nil
}

func build() (string, error) {
	binary := filepath.Join(os.TempDir(), fmt.Sprintf("fraudweeks-orrery-%d", os.Getpid()))
	out, err := exec.Command("go", "build", "-o", binary, "./cmd/orrery").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
}

func evaluate(binary, dir, week, kind string) (*replay.Evaluation, error) {
	from, to, ok := strings.Cut(week, ",")
	if !ok {
		return nil, fmt.Errorf("a week is TRAIN_FROM,TEST_FROM, not %q", week)
	}
	train, err := sevenDays(from)
	if err != nil {
		return nil, err
	}
	test, err := sevenDays(to)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "eval", "systems/fraud", "--json", "--quiet", "--model", kind, "--train", train, "--test", test,
		"--events", "transaction="+filepath.Join(dir, "transactions.csv.gz"), "--events", "fraud_report="+filepath.Join(dir, "fraud_reports.csv.gz"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	e := &replay.Evaluation{}
	return e, json.Unmarshal(out, e)
}

func sevenDays(from string) (string, error) {
	day, err := time.Parse(time.DateOnly, from)
	return from + ".." + day.AddDate(0, 0, 7).Format(time.DateOnly), err
}
