package load

import (
	"context"
	"time"
)

// Conns are connections to a server that are kept from run to run, so that
// neither their making nor their end is part of a run. One run uses them at a time.
type Conns struct{ conns []conn }

// Connect makes n connections to the server at an address, host:port. Its error is
// that of the first that could not be made.
func Connect(ctx context.Context, address string, n int) (*Conns, error) {
	c := unconnected(address, n)
	for i := range c.conns {
		if err := context.Cause(ctx); err != nil {
			c.Close()
			return nil, err
		}
		if err := c.conns[i].connect(); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// unconnected gives connections that are made when they are first needed.
func unconnected(address string, n int) *Conns {
	c := &Conns{conns: make([]conn, n)}
	for i := range c.conns {
		c.conns[i].address, c.conns[i].index = address, i
	}
	return c
}

// Close ends the connections.
func (c *Conns) Close() {
	for i := range c.conns {
		c.conns[i].close()
	}
}

// idleMost is how long a connection may have lain unused before a run makes it anew:
// its server may be about to end it.
const idleMost = 30 * time.Second

// connections gives those that a run uses, and what to do with them at its end.
func (o *Options) connections() (conns []conn, done func()) {
	if o.Conns != nil {
		conns = o.Conns.conns[:min(o.Clients, len(o.Conns.conns))]
		for i := range conns {
			if c := &conns[i]; time.Since(c.sent) > idleMost {
				c.close()
				_ = c.connect() // What is wrong is told of the request that is sent then.
			}
		}
		return conns, func() {}
	}
	c := unconnected(o.Address, o.Clients)
	return c.conns, c.Close
}
