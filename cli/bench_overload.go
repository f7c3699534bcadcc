package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"orrery.dev/load"
)

// OverloadResult says what is left of a server's throughput under twice the load
// that it can bear.
type OverloadResult struct {
	// Clients is how many connections are open all the time, and Few how many of them
	// are used to find the peak.
	Clients int `json:"clients"`
	Few     int `json:"few_clients"`
	// Peak is what the few come to, each waiting for its answers, and PeakOfAll what
	// all of them come to so.
	Peak      float64 `json:"peak_per_second"`
	PeakOfAll float64 `json:"peak_of_all_per_second"`
	// Due is twice the peak; Sent is how many of these requests the client got off.
	Due  float64 `json:"due_per_second"`
	Sent float64 `json:"sent_per_second"`
	// Goodput is how many were decided on, and the ratios are those to the peaks.
	Goodput      float64 `json:"goodput_per_second"`
	GoodputRatio float64 `json:"goodput_ratio"`
	RatioOfAll   float64 `json:"goodput_ratio_of_all"`
	// PeakP99 is the latency at the peak, and ServedP50 to ServedP999 that under the
	// load, from when a request was sent. From when it was due it grows for as long as
	// the load lasts, once all connections of the client are in use.
	PeakP99    int64 `json:"peak_p99_us"`
	ServedP50  int64 `json:"served_p50_us"`
	ServedP99  int64 `json:"served_p99_us"`
	ServedP999 int64 `json:"served_p999_us"`
	// What a decision takes of the client and of the server at the peak and under the
	// load, in µs of processor time; refusals are paid by those that are decided.
	PeakCPU       float64 `json:"peak_server_cpu_us_per_decision"`
	PeakClientCPU float64 `json:"peak_client_cpu_us_per_decision"`
	CPU           float64 `json:"server_cpu_us_per_decision"`
	ClientCPU     float64 `json:"client_cpu_us_per_decision"`
	OtherCPUShare float64 `json:"other_cpu_share"`
	// Refused requests were shed by the server with 429 or 503 under the load, and
	// RefusedOfAll when all waited for their answers.
	Refused      int    `json:"refused"`
	RefusedOfAll int    `json:"refused_of_all"`
	Errors       int    `json:"errors"`
	Error        string `json:"first_error,omitempty"`
}

// fewClients find the peak: enough to keep the server busy, and too few to fill its
// queue.
const fewClients = 64

// overload measures what is left of the peak, and prints it.
func (b *bench) overload(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	system, err := b.app.startBenchServer(ctx, b.path, "--data", b.dir, "--profile", b.flags.profile)
	if err != nil {
		return err
	}
	result, err := b.overloaded(ctx, system)
	if err = errors.Join(err, system.stop()); err != nil {
		return err
	}
	b.app.print(result, func(w io.Writer) { printOverload(w, result) })
	if result.Errors > 0 {
		return errReported
	}
	return nil
}

func (b *bench) overloaded(ctx context.Context, system *benchServer) (*OverloadResult, error) {
	var err error
	if system.conns, err = load.Connect(ctx, system.address, b.flags.clients); err != nil {
		return nil, err
	}
	defer system.conns.Close()
	var few, all, twice driven
	_, next := load.Closed(ctx, b.options(system, warmup, 0), b.requests.source)
	bar := b.app.bar("drive", "turns", 3*turns)
	due := 0
	for i := range turns {
		closed := func(clients int) func() (*load.Result, int) {
			o := b.options(system, b.flags.duration/turns, next)
			o.Clients = min(clients, b.flags.clients)
			return func() (*load.Result, int) { return load.Closed(ctx, o, b.requests.source) }
		}
		if next, err = b.turn(system, &few, closed(fewClients)); err != nil {
			return nil, err
		}
		bar.Add(1)
		if next, err = b.turn(system, &all, closed(b.flags.clients)); err != nil {
			return nil, err
		}
		bar.Add(1)
		o := b.options(system, b.flags.duration/turns, next)
		schedule := load.Schedule(2*max(few.result.PerSecond(), 1), o.Duration, b.flags.seed+uint64(i))
		due += len(schedule)
		if next, err = b.turn(system, &twice, func() (*load.Result, int) { return load.Open(ctx, o, schedule, b.requests.source) }); err != nil {
			return nil, err
		}
		bar.Add(1)
	}
	bar.Done("")
	return b.overloadResult(few, all, twice, due), context.Cause(ctx)
}

func (b *bench) overloadResult(few, all, twice driven, due int) *OverloadResult {
	each := func(d time.Duration, of driven) float64 {
		return float64(d.Microseconds()) / float64(max(of.result.OK, 1))
	}
	server := func(of driven) float64 { return each(time.Duration(of.usage.CPUMicros)*time.Microsecond, of) }
	r := &OverloadResult{
		Clients: b.flags.clients, Few: min(fewClients, b.flags.clients),
		Peak: few.result.PerSecond(), PeakOfAll: all.result.PerSecond(), Goodput: twice.result.PerSecond(),
		Due:       float64(due) / b.flags.duration.Seconds(),
		Sent:      float64(twice.result.OK+twice.result.Refused+twice.result.Failed) / twice.result.Elapsed.Seconds(),
		PeakP99:   few.result.ServedQuantile(0.99).Microseconds(),
		ServedP50: twice.result.ServedQuantile(0.5).Microseconds(), ServedP99: twice.result.ServedQuantile(0.99).Microseconds(),
		ServedP999: twice.result.ServedQuantile(0.999).Microseconds(),
		PeakCPU:    server(few), PeakClientCPU: each(few.client, few), CPU: server(twice), ClientCPU: each(twice.client, twice),
		OtherCPUShare: b.otherCPU(few, all, twice), Refused: twice.result.Refused, RefusedOfAll: all.result.Refused,
	}
	r.GoodputRatio, r.RatioOfAll = r.Goodput/max(r.Peak, 1), r.Goodput/max(r.PeakOfAll, 1)
	for _, d := range []driven{few, all, twice} {
		r.Errors += d.result.Failed
		if r.Error == "" {
			r.Error = d.result.Failure
		}
	}
	return r
}

func printOverload(w io.Writer, r *OverloadResult) {
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }
	table(w, []string{"", strconv.Itoa(r.Few) + " clients", "all " + strconv.Itoa(r.Clients), "twice the first"},
		[]string{"decisions a second", number(r.Peak), number(r.PeakOfAll), number(r.Goodput)},
		[]string{"requests due a second; sent", "", "", number(r.Due) + "; " + number(r.Sent)},
		[]string{"of them refused", "", strconv.Itoa(r.RefusedOfAll), strconv.Itoa(r.Refused)},
		[]string{"99% are answered within, from when they were sent, µs", strconv.FormatInt(r.PeakP99, 10), "", strconv.FormatInt(r.ServedP99, 10)},
		[]string{"a decision's processor time of the server, and of the client, µs", number(r.PeakCPU) + ", " + number(r.PeakClientCPU), "",
			number(r.CPU) + ", " + number(r.ClientCPU)})
	fmt.Fprintf(w, "\ngoodput under twice the load: %.2f of the peak, %.2f of what all connections come to without it\n", r.GoodputRatio, r.RatioOfAll)
	if r.OtherCPUShare > 0.05 {
		fmt.Fprintf(w, "other work took %.0f%% of the processors: measure again when the machine is quiet\n", 100*r.OtherCPUShare)
	}
	if r.Errors > 0 {
		fmt.Fprintf(w, "%d requests failed; the first: %s\n", r.Errors, r.Error)
	}
}
