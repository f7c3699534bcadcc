package cli

import (
	"context"
	"sync"
	"time"

	"orrery.dev/serve"
	"orrery.dev/store"
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
		d.sample.invite(d, engine, h.info.Address)
		traffic.Go(func() {
			if trafficErr = d.sample.traffic(ctx, d, clientOf(h.info)); trafficErr != nil {
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
