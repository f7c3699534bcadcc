package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/systems/fraud"
)

// reportEvery is how often the live demo says how it goes.
const reportEvery = 5 * time.Second

// serve answers over HTTP while the sample world goes on.
func (d *demo) serve(ctx context.Context, engine *serve.Engine, st store.Store) error {
	listener, err := bind(d.flags.address, nil)
	if err != nil {
		return err
	}
	d.live = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var traffic sync.WaitGroup
	defer traffic.Wait()
	var trafficErr error
	err = d.app.serve(ctx, listener, d.dir, d.spec, engine, st, func(h *host, engine *serve.Engine) {
		d.invite(engine, h.info.Address)
		traffic.Go(func() {
			if trafficErr = d.traffic(ctx, clientOf(h.info)); trafficErr != nil {
				cancel(trafficErr)
			}
		})
	})
	cancel(nil)
	traffic.Wait()
	if err == nil && trafficErr != nil && context.Cause(ctx) == trafficErr {
		return trafficErr
	}
	return err
}

// invite prints what is worth trying.
func (d *demo) invite(engine *serve.Engine, address string) {
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
func (d *demo) traffic(ctx context.Context, c *client) error {
	events, err := d.world.Live(orrery.InstantOf(d.began), d.flags.speed)
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
				d.report(tally)
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
		if err := d.send(ctx, c, event, tally); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

func (d *demo) send(ctx context.Context, c *client, event fraud.Event, t *tally) error {
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
func (d *demo) report(t *tally) {
	if d.app.quiet {
		return
	}
	fmt.Fprintf(d.app.out, "%s  %d decided: %d approved, %d to review, %d blocked; %d of %d frauds stopped; %d reports; median %d µs\n",
		d.now().Time().Format("2006-01-02 15:04"), t.all, t.actions["approve"], t.actions["review"], t.actions["block"],
		t.stopped, t.frauds, t.reports, t.median().Microseconds())
}
