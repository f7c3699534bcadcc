package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev/load"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
	"orrery.dev/systems/moderation"
)

type benchFlags struct {
	events   []string
	received string
	data     string
	clients  int
	duration time.Duration
	rate     float64
	overload bool
	batch    int
	stream   bool
	history  int
	seed     uint64
	profile  string
	// fraud and community size the sample worlds.
	fraud     fraud.Options
	community moderation.Options
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench FILE|DIR",
		Short: "Measure how fast decisions are, beside what the machine can do",
		Long: `Bench records history, trains, and drives the real server, in a process of its
own, over real sockets with requests prepared beforehand. In turn with it, on the
same processors and with the same client, it drives a bare net/http server that
sends each request back, and then appends and syncs the same number of bytes on
the same disk: what is measured stands beside the least that it could cost.

Without --rate each of the clients sends its next request when the last is
answered, which finds the throughput. With --rate requests arrive independently of
the answers, and a latency counts from when its request was due.

With --overload the server is driven in turn by a few of its connections, by all of
them, each waiting for its answers, and at twice the rate that the few have come to:
how much of the peak is left under twice the load. All connections are open all the
time, and there is no echo.

History and requests are the events of the files, the older part and the newer,
or those of the sample world of fraud or moderation. Nothing is left behind.`,
		Example: "  orrery bench systems/fraud\n  orrery bench systems/moderation --rate 5000 --json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.bench(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.events, "events", nil, "EVENT=FILE: events to use instead of the sample; may be repeated")
	flags.StringVar(&f.received, "received-column", "", "the column that says when each event became known (default: when it happened)")
	flags.StringVar(&f.data, "data", ".", "a folder on the disk to measure; what is made in it is removed")
	flags.IntVar(&f.clients, "clients", 64, "how many connections there are")
	flags.DurationVar(&f.duration, "duration", 10*time.Second, "how long each is driven")
	flags.Float64Var(&f.rate, "rate", 0, "requests a second, arriving independently (default: as fast as they are answered)")
	flags.BoolVar(&f.overload, "overload", false, "drive the server at twice its peak, and say how much of the peak is still served")
	flags.IntVar(&f.batch, "batch", 0, "events in a request, as a JSON array (default: one event, no array)")
	flags.BoolVar(&f.stream, "stream", false, "send each client's events as one stream of NDJSON")
	flags.IntVar(&f.history, "history-days", 0, "how many days of the sample world are history (default: 45 of fraud, 14 of moderation)")
	flags.IntVar(&f.fraud.Customers, "customers", fraud.DefaultCustomers, "how many customers the sample world of fraud has")
	flags.IntVar(&f.fraud.Terminals, "terminals", fraud.DefaultTerminals, "how many terminals the sample world of fraud has")
	flags.IntVar(&f.community.Authors, "authors", moderation.DefaultAuthors, "how many members the sample world of moderation has")
	flags.IntVar(&f.community.PerDay, "per-day", benchPerDay, "how many messages they write a day")
	flags.Uint64Var(&f.seed, "seed", 1, "the seed of the sample world and of the arrivals")
	flags.StringVar(&f.profile, "profile", "", "a file for a profile of the server's processor time, as go tool pprof reads it")
	return cmd
}

func (f *benchFlags) check() error {
	switch {
	case f.clients < 1 || f.clients > 10_000:
		return usagef("--clients takes 1 to 10000")
	case f.duration < time.Second:
		return usagef("--duration takes a second or more")
	case f.rate < 0:
		return usagef("--rate takes a number above 0")
	case f.batch < 0 || f.stream && f.batch > 0 || f.stream && f.rate > 0:
		return usagef("--stream goes with neither --batch nor --rate")
	case f.overload && (f.rate > 0 || f.stream || f.batch > 0):
		return usagef("--overload goes with none of --rate, --stream and --batch")
	case f.fraud.Customers < 1 || f.community.PerDay < 1:
		return usagef("--customers and --per-day take 1 or more")
	}
	return nil
}

// BenchResult is what a run of the bench came to.
type BenchResult struct {
	Clients int     `json:"clients"`
	Rate    float64 `json:"rate,omitempty"`
	// EventsPerRequest is 0 for a stream.
	EventsPerRequest int `json:"events_per_request"`

	DecisionsPerSecond float64 `json:"decisions_per_second"`
	EchoPerSecond      float64 `json:"echo_per_second"`
	// Ratio is that of the two above, requests for requests.
	Ratio          float64 `json:"ratio"`
	ServerCPU      float64 `json:"server_cpu_us_per_decision"`
	EchoCPU        float64 `json:"server_cpu_us_per_echo"`
	ClientCPUShare float64 `json:"client_cpu_share"`
	// OtherCPUShare is how much of the machine's processor time went to neither the
	// servers nor the client, of all that there was: with much of it, latencies say
	// little. It is -1 where the system does not tell.
	OtherCPUShare float64 `json:"other_cpu_share"`

	P50  int64 `json:"p50_us"`
	P99  int64 `json:"p99_us"`
	P999 int64 `json:"p999_us"`
	// ServedP50 and ServedP99 count from when a request was sent, where the others
	// count from when it was due: what is between is the client's own delay, and with
	// --rate the wait for a free connection.
	ServedP50 int64 `json:"served_p50_us"`
	ServedP99 int64 `json:"served_p99_us"`
	EchoP99   int64 `json:"echo_p99_us"`
	// AppendP99 is how long a record waits to be on disk when one writer appends
	// at the same rate and syncs for all that wait, Fsync how long a sync takes.
	AppendP99        int64   `json:"append_p99_us"`
	AppendsPerSecond float64 `json:"appends_per_second"`
	FsyncP99         int64   `json:"fsync_p99_us"`

	SyncsPerSecond float64 `json:"syncs_per_second"`
	// BytesWritten is -1 where the system does not tell.
	BytesWritten float64 `json:"bytes_written_per_decision"`
	// Refused requests were shed by the server with 429 or 503.
	Refused int    `json:"refused"`
	Errors  int    `json:"errors"`
	Error   string `json:"first_error,omitempty"`
}

func (a *app) bench(ctx context.Context, path string, f benchFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(f.data, ".orrery-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{app: a, flags: f, spec: s, path: path, dir: filepath.Join(dir, "data")}
	if f.overload {
		return b.overload(ctx)
	}
	result, err := b.run(ctx)
	if err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { printBench(w, result) })
	if result.Errors > 0 {
		return errReported
	}
	return nil
}

// bench is one run.
type bench struct {
	app       *app
	flags     benchFlags
	spec      *spec.Spec
	path, dir string
	requests  *requests
	// machine and elapsed are the processor time used on the machine while servers were
	// driven, and how long that was.
	machine, elapsed time.Duration
}

// turns is how many turns the server and the echo take, so that a change in the
// machine's speed meets both.
const turns = 4

// warmup is how long each is driven before it counts.
const warmup = time.Second

func (b *bench) run(ctx context.Context) (*BenchResult, error) {
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	system, err := b.app.startBenchServer(ctx, b.path, "--data", b.dir, "--profile", b.flags.profile)
	if err != nil {
		return nil, err
	}
	echo, err := b.app.startBenchServer(ctx, "--echo")
	if err != nil {
		return nil, errors.Join(err, system.stop())
	}
	decided, echoed, err := b.turns(ctx, system, echo)
	if err = errors.Join(err, echo.stop(), system.stop()); err != nil {
		return nil, err
	}
	floor, err := b.floor(ctx)
	if err != nil {
		return nil, err
	}
	return b.result(decided, echoed, floor), nil
}

// driven is what one server did in all its turns.
type driven struct {
	result *load.Result
	usage  benchUsage
	// client is the processor time of this process meanwhile.
	client time.Duration
}

// turns drives the server and the echo in turn.
func (b *bench) turns(ctx context.Context, system, echo *benchServer) (decided, echoed driven, err error) {
	next := 0
	if !b.flags.stream {
		for _, server := range []*benchServer{system, echo} {
			if server.conns, err = load.Connect(ctx, server.address, b.flags.clients); err != nil {
				return decided, echoed, err
			}
			defer server.conns.Close()
		}
		_, next = load.Closed(ctx, b.options(system, warmup, 0), b.requests.source)
		load.Closed(ctx, b.options(echo, warmup, 0), b.requests.source)
	}
	bar := b.app.bar("drive", "turns", 2*turns)
	for i := range turns {
		if next, err = b.turn(system, &decided, b.driver(ctx, system, next, uint64(i))); err != nil {
			return decided, echoed, err
		}
		bar.Add(1)
		if b.flags.stream {
			continue
		}
		if _, err = b.turn(echo, &echoed, b.driver(ctx, echo, 0, uint64(i))); err != nil {
			return decided, echoed, err
		}
		bar.Add(1)
	}
	bar.Done("")
	return decided, echoed, context.Cause(ctx)
}

func (b *bench) options(to *benchServer, d time.Duration, first int) load.Options {
	return load.Options{Address: to.address, Clients: b.flags.clients, Conns: to.conns, Duration: d, First: first}
}

// driver gives what drives a server as the flags say, for its share of the time.
func (b *bench) driver(ctx context.Context, to *benchServer, first int, turn uint64) func() (*load.Result, int) {
	o := b.options(to, b.flags.duration/turns, first)
	switch {
	case b.flags.stream:
		return func() (*load.Result, int) { return load.Stream(ctx, o, b.lines(to), b.requests.source) }
	case b.flags.rate > 0:
		schedule := load.Schedule(b.flags.rate, o.Duration, b.flags.seed+turn)
		return func() (*load.Result, int) { return load.Open(ctx, o, schedule, b.requests.source) }
	}
	return func() (*load.Result, int) { return load.Closed(ctx, o, b.requests.source) }
}

// turn drives a server and adds what came of it to the sum. It gives the number of
// the next request.
func (b *bench) turn(to *benchServer, sum *driven, drive func() (*load.Result, int)) (next int, err error) {
	before, err := to.usage()
	if err != nil {
		return 0, err
	}
	own, machine, begun := processCPU(), machineCPU(), time.Now()
	result, next := drive()
	sum.client += processCPU() - own
	b.machine, b.elapsed = b.machine+machineCPU()-machine, b.elapsed+time.Since(begun)
	after, err := to.usage()
	if err != nil {
		return next, err
	}
	sum.result = sum.result.Then(result)
	sum.usage.CPUMicros += after.CPUMicros - before.CPUMicros
	sum.usage.BytesWritten += after.BytesWritten - before.BytesWritten
	if after.BytesWritten < 0 {
		sum.usage.BytesWritten = -1
	}
	sum.usage.Syncs += after.Syncs - before.Syncs
	return next, nil
}

func (b *bench) floor(ctx context.Context) (*load.Floor, error) {
	o := load.Options{Clients: b.flags.clients, Duration: b.flags.duration / 2}
	var schedule []time.Duration
	if b.flags.rate > 0 {
		schedule = load.Schedule(b.flags.rate, o.Duration, b.flags.seed)
	}
	size, err := b.recordSize()
	if err != nil {
		return nil, err
	}
	return load.Append(ctx, filepath.Dir(b.dir), size, o, schedule)
}

func (b *bench) result(decided, echoed driven, floor *load.Floor) *BenchResult {
	each := float64(max(b.flags.batch, 1))
	decisions := each * float64(decided.result.OK)
	r := &BenchResult{
		Clients: b.flags.clients, Rate: b.flags.rate, EventsPerRequest: max(b.flags.batch, 1),
		DecisionsPerSecond: each * decided.result.PerSecond(),
		ServerCPU:          float64(decided.usage.CPUMicros) / max(decisions, 1),
		ClientCPUShare:     decided.client.Seconds() / max(decided.client.Seconds()+float64(decided.usage.CPUMicros)/1e6, 1e-9),
		P50:                decided.result.Quantile(0.5).Microseconds(),
		P99:                decided.result.Quantile(0.99).Microseconds(),
		P999:               decided.result.Quantile(0.999).Microseconds(),
		AppendP99:          floor.Appends.Quantile(0.99).Microseconds(),
		AppendsPerSecond:   floor.Appends.PerSecond(),
		FsyncP99:           floor.Sync.Quantile(0.99).Microseconds(),
		SyncsPerSecond:     float64(decided.usage.Syncs) / decided.result.Elapsed.Seconds(),
		BytesWritten:       float64(decided.usage.BytesWritten) / max(decisions, 1),
		Refused:            decided.result.Refused, Errors: decided.result.Failed, Error: decided.result.Failure,
	}
	r.ServedP50, r.ServedP99 = decided.result.ServedQuantile(0.5).Microseconds(), decided.result.ServedQuantile(0.99).Microseconds()
	r.OtherCPUShare = b.otherCPU(decided, echoed)
	if decided.usage.BytesWritten < 0 {
		r.BytesWritten = -1
	}
	if b.flags.stream {
		r.EventsPerRequest = 0
		return r
	}
	r.EchoPerSecond = echoed.result.PerSecond()
	r.Ratio = decided.result.PerSecond() / r.EchoPerSecond
	r.EchoCPU = float64(echoed.usage.CPUMicros) / max(float64(echoed.result.OK), 1)
	r.EchoP99 = echoed.result.Quantile(0.99).Microseconds()
	return r
}

// otherCPU gives the share of the processors that other work took.
func (b *bench) otherCPU(driven ...driven) float64 {
	if b.machine == 0 {
		return -1
	}
	other := b.machine
	for _, d := range driven {
		other -= d.client + time.Duration(d.usage.CPUMicros)*time.Microsecond
	}
	return max(other.Seconds(), 0) / (b.elapsed.Seconds() * float64(runtime.NumCPU()))
}

func printBench(w io.Writer, r *BenchResult) {
	number := func(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
	rows := [][]string{
		{"", "decisions", "echo", "append"},
		{"a second", number(r.DecisionsPerSecond, 0), number(r.EchoPerSecond, 0), number(r.AppendsPerSecond, 0)},
		{"server's processor time each, µs", number(r.ServerCPU, 1), number(r.EchoCPU, 1), ""},
		{"99% are answered within, µs", strconv.FormatInt(r.P99, 10), strconv.FormatInt(r.EchoP99, 10), strconv.FormatInt(r.AppendP99, 10)},
	}
	table(w, rows...)
	fmt.Fprintf(w, "\nmedian %d µs, 99.9%% %d µs; %.0f syncs a second, a sync takes up to %d µs (99%%); %.0f bytes written a decision\n",
		r.P50, r.P999, r.SyncsPerSecond, r.FsyncP99, r.BytesWritten)
	if r.Ratio > 0 {
		fmt.Fprintf(w, "ratio to the echo %.2f; the client took %.0f%% of the processor time\n", r.Ratio, 100*r.ClientCPUShare)
	}
	if r.Rate > 0 {
		fmt.Fprintf(w, "counted from when a request was sent: median %d µs, 99%% %d µs\n", r.ServedP50, r.ServedP99)
	}
	if r.OtherCPUShare > 0.05 {
		fmt.Fprintf(w, "other work took %.0f%% of the processors: measure again when the machine is quiet\n", 100*r.OtherCPUShare)
	}
	if r.Refused > 0 {
		fmt.Fprintf(w, "%d requests were shed\n", r.Refused)
	}
	if r.Errors > 0 {
		fmt.Fprintf(w, "%d requests failed; the first: %s\n", r.Errors, r.Error)
	}
}
