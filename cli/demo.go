package cli

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
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
)

// sample is a system that comes with Orrery, and data of its own to show it on.
type sample interface {
	// source gives the system's file.
	source() ([]byte, error)
	// open makes the sample's world.
	open() error
	// write writes the sample's data as files to a directory.
	write(ctx context.Context, a *app, dir string) error
	// history yields the events of the sample's past, up to an instant.
	history(contract *orrery.Contract, until orrery.Instant) (iter.Seq2[orrery.Event, error], error)
	// ranges gives the part of the history up to an instant to train on, and a later
	// one to test on; kinds the models to compare, "" being the spec's.
	ranges(until time.Time) (learn, test replay.Range)
	kinds() []string
	// table prints what the evaluations found and which release is in force.
	table(w io.Writer, results []*replay.Evaluation, trained *api.TrainAnswer)
	// encore shows what is better seen than counted, once the table is printed.
	encore(ctx context.Context, d *demo, engine *serve.Engine) error
	// invite prints what is worth trying.
	invite(d *demo, engine *serve.Engine, address string)
	// traffic sends the sample's events as they fall due, and says now and then what
	// came of them.
	traffic(ctx context.Context, d *demo, c *client) error
}

type demoFlags struct {
	once    bool
	address string
	dir     string
	speed   float64
	seed    uint64
	write   string
	days    int
}

func (f *demoFlags) register(cmd *cobra.Command, days int, speed float64) {
	flags := cmd.Flags()
	flags.BoolVar(&f.once, "once", false, "end after the table")
	flags.StringVar(&f.address, "addr", "127.0.0.1:8080", "the address to listen on")
	flags.StringVar(&f.dir, "data", "", "the data directory, a new one (default: a temporary one, removed at the end)")
	flags.Float64Var(&f.speed, "speed", speed, "how many times faster than yours the sample world's clock runs")
	flags.Uint64Var(&f.seed, "seed", 1, "the seed of the sample data")
	flags.IntVar(&f.days, "days", days, "how many days of history to make")
	flags.StringVar(&f.write, "write", "", "write the sample data as files to this directory, and end")
}

func (a *app) demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "demo SYSTEM",
		Short:   "Run a whole system on sample data of its own",
		Long:    "Demo runs a system that comes with Orrery on data that it makes: the real path, from events to decisions.",
		Example: "  orrery demo fraud\n  orrery demo moderation --once",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("which system? there is %s", commandNames(cmd))
		},
	}
	cmd.AddCommand(a.demoFraudCommand(), a.demoModerationCommand())
	return cmd
}

func (a *app) demo(ctx context.Context, f demoFlags, began time.Time, sample sample) error {
	if f.write != "" {
		return sample.write(ctx, a, f.write)
	}
	s, err := a.demoSpec(sample)
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
	if err := sample.open(); err != nil {
		return err
	}
	d := &demo{app: a, flags: f, spec: s, sample: sample, began: began, dir: dir}
	err = withStore(dir, func(st store.Store) error { return d.run(ctx, st) })
	if errors.Is(err, errInterrupted) && !f.once {
		return nil
	}
	return err
}

// demoSpec reads the system's file that the binary carries.
func (a *app) demoSpec(sample sample) (*spec.Spec, error) {
	source, err := sample.source()
	if err != nil {
		return nil, err
	}
	s, diagnostics := spec.Check("system.yaml", source, builtin.Registry())
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
	app    *app
	flags  demoFlags
	spec   *spec.Spec
	sample sample
	began  time.Time
	dir    string
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
	results, err := d.evaluate(ctx, engine)
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
	d.sample.table(a.out, results, answer)
	if err := d.sample.encore(ctx, d, engine); err != nil || d.flags.once {
		return err
	}
	return d.serve(ctx, engine, st)
}

// evaluate trains each kind of model on one part of the history and tests it on a
// later one.
func (d *demo) evaluate(ctx context.Context, engine *serve.Engine) ([]*replay.Evaluation, error) {
	protocol := replay.Protocol{}
	protocol.Train, protocol.Test = d.sample.ranges(d.began)
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
	for _, kind := range d.sample.kinds() {
		if protocol.Fit, protocol.Kind, err = trainer(d.spec, kind, nil); err != nil {
			return nil, err
		}
		bar := d.app.bar("train and test "+protocol.Kind, "", 0)
		result, err := replay.Evaluate(ctx, p, examples, protocol)
		if err != nil {
			return nil, err
		}
		bar.Done("")
		results = append(results, result)
	}
	return results, nil
}

// history sends the sample's past through the engine, as an import does.
func (d *demo) history(ctx context.Context, engine *serve.Engine) error {
	events, err := d.sample.history(d.spec.Contract, orrery.InstantOf(d.began))
	if err != nil {
		return err
	}
	bar := d.app.bar("sample history", "events", 0)
	var batch []orrery.Event
	send := func() error {
		_, err := engine.Ingest(ctx, batch, true)
		bar.Add(int64(len(batch)))
		batch = batch[:0]
		return err
	}
	for event, err := range events {
		if err != nil {
			return err
		}
		if batch = append(batch, event); len(batch) == sendBatch {
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

// commandNames lists the commands below one.
func commandNames(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}
