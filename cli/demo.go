package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/systems/fraud"
)

// demoDays is how much history the demo makes: a month for the widest window
// and the lag to fill, then the weeks to train and test on.
const demoDays = 60

// The least that leaves matured weeks to train and test on.
const demoDaysLeast = 35

type demoFlags struct {
	once    bool
	address string
	dir     string
	speed   float64
	seed    uint64
	write   string
	days    int
	// customers and terminals size the sample world.
	customers, terminals int
}

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo fraud",
		Short: "Run a whole system on sample data of its own",
		Long: `Demo makes a stream of card transactions by a published process, sends it through
the real path, trains, prints how well the models find the fraud, and then
serves with live traffic and the reports of a week ago flowing. The sample
world's clock runs faster than yours: see --speed.`,
		Example:   "  orrery demo fraud\n  orrery demo fraud --once",
		ValidArgs: []string{"fraud"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE:      func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.once, "once", false, "end after the table")
	flags.StringVar(&f.address, "addr", "127.0.0.1:8080", "the address to listen on")
	flags.StringVar(&f.dir, "data", "", "the data directory, a new one (default: a temporary one, removed at the end)")
	flags.Float64Var(&f.speed, "speed", 300, "how many times faster than yours the sample world's clock runs")
	flags.Uint64Var(&f.seed, "seed", 1, "the seed of the sample data")
	flags.IntVar(&f.days, "days", demoDays, "how many days of history to make")
	flags.IntVar(&f.customers, "customers", fraud.DefaultCustomers, "how many customers the sample world has")
	flags.IntVar(&f.terminals, "terminals", fraud.DefaultTerminals, "how many terminals the sample world has")
	flags.StringVar(&f.write, "write", "", "write the sample data as CSV files to this directory, and end")
	return cmd
}

func (a *app) demo(ctx context.Context, f demoFlags) error {
	began := time.Now().UTC()
	if f.days < demoDaysLeast {
		return usagef("--days takes %d or more, so that there are weeks to train and to test on", demoDaysLeast)
	}
	options := fraud.Options{Start: began.AddDate(0, 0, -f.days), Days: f.days, Seed: f.seed, Customers: f.customers, Terminals: f.terminals}
	if f.write != "" {
		// The last reports come a week after the last transaction, and are not to
		// lie in the future.
		options.Start = options.Start.AddDate(0, 0, -8)
		return a.writeSample(ctx, f.write, options)
	}
	s, err := a.demoSpec()
	if err != nil {
		return err
	}
	if !f.once {
		// A port in use should not show only after a minute's work.
		listener, err := bind(f.address, nil)
		if err != nil {
			return err
		}
		listener.Close()
	}
	dir, cleanup, err := demoData(f.dir)
	if err != nil {
		return err
	}
	defer cleanup()
	world, err := fraud.New(options)
	if err != nil {
		return err
	}
	d := &demo{app: a, flags: f, spec: s, world: world, began: began, dir: dir}
	err = withStore(dir, func(st store.Store) error { return d.run(ctx, st) })
	if errors.Is(err, errInterrupted) && !f.once {
		return nil
	}
	return err
}

func (a *app) writeSample(ctx context.Context, dir string, options fraud.Options) error {
	bar := a.bar("write", "transactions", 0)
	written, err := fraud.WriteCSV(ctx, dir, options, bar.Set)
	if err != nil {
		return err
	}
	bar.Done("")
	a.print(written, func(w io.Writer) { fmt.Fprintf(w, "%+v\n", written) })
	return nil
}

// demoSpec reads the system's file that the binary carries.
func (a *app) demoSpec() (*spec.Spec, error) {
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		return nil, err
	}
	s, diagnostics := spec.Check("systems/fraud/system.yaml", source, builtin.Registry())
	if s == nil {
		spec.Render(a.err, diagnostics, false)
		return nil, errReported
	}
	return s, nil
}

func demoData(dir string) (string, func(), error) {
	if dir != "" {
		return dir, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "orrery-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// demo is one run of the demonstration.
type demo struct {
	app   *app
	flags demoFlags
	spec  *spec.Spec
	world *fraud.World
	began time.Time
	dir   string
	// live is when the sample world's clock began to run; zero before.
	live time.Time
}

// now is the sample world's time: that of its history's end, and from then on
// as much faster than ours as the flags say.
func (d *demo) now() orrery.Instant {
	if d.live.IsZero() {
		return orrery.InstantOf(d.began)
	}
	return orrery.InstantOf(d.began.Add(time.Duration(float64(time.Since(d.live)) * d.flags.speed)))
}

func (d *demo) run(ctx context.Context, st store.Store) error {
	engine, err := serve.Open(ctx, st, d.spec, serve.Options{Registry: builtin.Registry(), Clock: d.now})
	if err != nil {
		return err
	}
	return errors.Join(d.show(ctx, engine, st), engine.Close())
}

func (d *demo) show(ctx context.Context, engine *serve.Engine, st store.Store) error {
	a := d.app
	if err := d.history(ctx, engine); err != nil {
		return err
	}
	results, err := d.evaluate(ctx, engine, st)
	if err != nil {
		return err
	}
	answer, err := (&jobs{app: a, engine: engine, store: st, spec: d.spec}).Train(ctx, api.TrainRequest{})
	if err != nil {
		return err
	}
	if d.flags.once && a.json {
		a.printJSON(map[string]any{"evaluations": results, "trained": answer})
		return nil
	}
	printDemoTable(a.out, results)
	fmt.Fprintf(a.out, "\ntrained on the newest matured week: %d rows, %d of them fraud; release %s is in force\n", answer.Rows, answer.Positives, answer.Release.Short())
	if d.flags.once {
		return nil
	}
	return d.serve(ctx, engine, st)
}

// history sends the sample's past through the engine, as an import does.
func (d *demo) history(ctx context.Context, engine *serve.Engine) error {
	encoder, err := fraud.NewEncoder(d.spec.Contract)
	if err != nil {
		return err
	}
	from, _ := d.world.Bounds()
	bar := d.app.bar("sample history", "events", 0)
	var batch []orrery.Event
	send := func() error {
		_, err := engine.Ingest(ctx, batch, true)
		bar.Add(int64(len(batch)))
		batch = batch[:0]
		return err
	}
	for event := range d.world.Events(from, orrery.InstantOf(d.began)) {
		batch = append(batch, encoder.Encode(event))
		if len(batch) == sendBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := send(); err != nil {
		return err
	}
	bar.Done("")
	return nil
}

// evaluate trains each kind of model on a week and tests it on the week that
// began a week after, the newest that has matured.
func (d *demo) evaluate(ctx context.Context, engine *serve.Engine, st store.Store) ([]*replay.Evaluation, error) {
	end := orrery.InstantOf(d.began.Truncate(24 * time.Hour)).Add(-orrery.Week)
	protocol := replay.Protocol{Test: replay.Range{From: end.Add(-orrery.Week), To: end}}
	protocol.Train = replay.Range{From: protocol.Test.From.Add(-2 * orrery.Week), To: protocol.Test.From.Add(-orrery.Week)}
	p, err := plan.Compile("", d.spec, nil)
	if err != nil {
		return nil, err
	}
	source := engine.Reader().History(p.Spec.Contract)
	defer source.Close()
	protocol.Begun = time.Now()
	bar := d.app.bar("replay", "events", int64(engine.Last()))
	examples, err := replay.Collect(ctx, p, source, replay.Range{From: protocol.Train.From, To: protocol.Test.To}, d.spec.Model.Features, bar.Set)
	if err != nil {
		return nil, err
	}
	bar.Done("")
	var results []*replay.Evaluation
	for _, kind := range []string{"gbdt", "forest", "logistic"} {
		if protocol.Fit, protocol.Kind, err = trainer(d.spec, kind, nil); err != nil {
			return nil, err
		}
		bar := d.app.bar("train and test "+kind, "", 0)
		result, err := replay.Evaluate(ctx, p, examples, protocol)
		if err != nil {
			return nil, err
		}
		bar.Done("")
		results = append(results, result)
	}
	return results, nil
}

func printDemoTable(w io.Writer, results []*replay.Evaluation) {
	first := results[0]
	fmt.Fprintf(w, "\ntrained on %d transactions, %d of them fraud; tested on %d a week later, %d of them fraud\n\n",
		first.Train.Rows, first.Train.Positives, first.Test.Rows, first.Test.Positives)
	names := first.Metrics.Names()
	rows := [][]string{append([]string{"model"}, names...)}
	for _, r := range results {
		row := []string{r.Model}
		for _, name := range names {
			row = append(row, fmt.Sprintf("%.4f", r.Metrics[name]))
		}
		rows = append(rows, row)
	}
	table(w, rows...)
}
