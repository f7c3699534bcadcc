package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/systems/fraud"
)

// demoDays is how much history the demo makes: a month for the widest window
// and the lag to fill, then the weeks to train and test on.
const demoDays = 60

// The least that leaves matured weeks to train and test on.
const demoDaysLeast = 35

// fraudSample is the sample of the fraud system.
type fraudSample struct {
	options fraud.Options
	world   *fraud.World
}

func (a *app) demoFraudCommand() *cobra.Command {
	var f demoFlags
	var o fraud.Options
	cmd := &cobra.Command{
		Use:   "fraud",
		Short: "Card transactions, and the frauds among them",
		Long: `Demo makes a stream of card transactions by a published process, sends it through
the real path, trains, prints how well the models find the fraud, and then
serves with live traffic and the reports of a week ago flowing. The sample
world's clock runs faster than yours: see --speed.`,
		Example: "  orrery demo fraud\n  orrery demo fraud --once",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.days < demoDaysLeast {
				return usagef("--days takes %d or more, so that there are weeks to train and to test on", demoDaysLeast)
			}
			began := time.Now().UTC()
			o.Start, o.Days, o.Seed = began.AddDate(0, 0, -f.days), f.days, f.seed
			return a.demo(cmd.Context(), f, began, &fraudSample{options: o})
		},
	}
	f.register(cmd, demoDays, 300)
	cmd.Flags().IntVar(&o.Customers, "customers", fraud.DefaultCustomers, "how many customers the sample world has")
	cmd.Flags().IntVar(&o.Terminals, "terminals", fraud.DefaultTerminals, "how many terminals the sample world has")
	return cmd
}

func (f *fraudSample) source() ([]byte, error) { return fraud.Files.ReadFile("system.yaml") }

func (f *fraudSample) open() (err error) {
	f.world, err = fraud.New(f.options)
	return err
}

func (f *fraudSample) write(ctx context.Context, a *app, dir string) error {
	// The last reports come a week after the last transaction, and are not to
	// lie in the future.
	f.options.Start = f.options.Start.AddDate(0, 0, -8)
	bar := a.bar("write", "transactions", 0)
	written, err := fraud.WriteCSV(ctx, dir, f.options, bar.Set)
	if err != nil {
		return err
	}
	bar.Done("")
	a.print(written, func(w io.Writer) { fmt.Fprintf(w, "%+v\n", written) })
	return nil
}

func (f *fraudSample) history(contract *orrery.Contract, until orrery.Instant) (iter.Seq2[orrery.Event, error], error) {
	encoder, err := fraud.NewEncoder(contract)
	if err != nil {
		return nil, err
	}
	from, _ := f.world.Bounds()
	return func(yield func(orrery.Event, error) bool) {
		for event := range f.world.Events(from, until) {
			if !yield(encoder.Encode(event), nil) {
				return
			}
		}
	}, nil
}

// ranges gives a week, and the one that began a week after it ended, the newest
// that has matured.
func (f *fraudSample) ranges(until time.Time) (learn, test replay.Range) {
	end := orrery.InstantOf(until.Truncate(24 * time.Hour)).Add(-orrery.Week)
	test = replay.Range{From: end.Add(-orrery.Week), To: end}
	return replay.Range{From: test.From.Add(-2 * orrery.Week), To: test.From.Add(-orrery.Week)}, test
}

func (f *fraudSample) kinds() []string { return []string{"gbdt", "forest", "logistic"} }

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

func (f *fraudSample) table(w io.Writer, results []*replay.Evaluation, trained *api.TrainAnswer) {
	printDemoTable(w, results)
	fmt.Fprintf(w, "\ntrained on the newest matured week: %d rows, %d of them fraud; release %s is in force\n", trained.Rows, trained.Positives, trained.Release.Short())
}

// encore does nothing: the table says it all.
func (f *fraudSample) encore(context.Context, *demo, *serve.Engine) error { return nil }

// invite prints what is worth trying.
func (f *fraudSample) invite(d *demo, engine *serve.Engine, address string) {
	base := fmt.Sprintf("http://%s/v1/systems/%s", address, d.spec.System)
	fmt.Fprintf(d.app.out, `
live on http://%s, at %g times the speed of your clock; Ctrl-C stops

  decide on a transaction; a large amount is suspicious
    curl -s %s/decisions -d '{"transaction_id": "try-1", "at": "%s", "customer": "596", "terminal": "3156", "amount": 497.50}'
  read the whole record of a decision
    curl -s %s/decisions/%s
  see what is known of a customer
    curl -s %s/entities/customer/596/features

`, address, d.flags.speed, base, d.now().Time().Truncate(time.Second).Format(time.RFC3339), base, serve.DecisionID(engine.Last()+1), base)
}

// traffic sends the sample world's events as they fall due, and says now and
// then what came of them.
func (f *fraudSample) traffic(ctx context.Context, d *demo, c *client) error {
	events, err := f.world.Live(orrery.InstantOf(d.began), d.flags.speed)
	if err != nil {
		return err
	}
	tally := newTally()
	next := d.live.Add(reportEvery)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due, event := range events {
		for at := d.live.Add(due); ; {
			now := time.Now()
			if now.After(next) {
				f.report(d, tally)
				tally, next = newTally(), now.Add(reportEvery)
			}
			if !now.Before(at) {
				break
			}
			timer.Reset(min(at.Sub(now), next.Sub(now)+time.Millisecond))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
		}
		if err := f.send(ctx, d, c, event, tally); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

func (f *fraudSample) send(ctx context.Context, d *demo, c *client, event fraud.Event, t *tally) error {
	base := "/v1/systems/" + d.spec.System
	begun := time.Now()
	if event.Type == fraud.ReportType {
		t.reports++
		return c.post(ctx, base+"/events/"+event.Type, rawJSON(event.AppendJSON(nil)), &struct{}{})
	}
	var answer api.Answer
	if err := c.post(ctx, base+"/decisions", rawJSON(event.AppendJSON(nil)), &answer); err != nil {
		return err
	}
	t.decided(answer.Action, event.Transaction.Fraud(), time.Since(begun))
	return nil
}

// report prints what a few seconds of live traffic came to.
func (f *fraudSample) report(d *demo, t *tally) {
	if d.app.quiet {
		return
	}
	fmt.Fprintf(d.app.out, "%s  %d decided: %d approved, %d to review, %d blocked; %d of %d frauds stopped; %d reports; median %d µs\n",
		d.now().Time().Format("2006-01-02 15:04"), t.all, t.actions["approve"], t.actions["review"], t.actions["block"],
		t.stopped, t.frauds, t.reports, t.median().Microseconds())
}
