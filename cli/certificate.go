package cli

import (
	"crypto/tls"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"orrery.dev"
	"orrery.dev/access"
)

// tlsConfig names a server's certificate and where its private key is.
type tlsConfig struct {
	// Certificate is a PEM file: the certificate, then those that signed it.
	Certificate string
	Key         access.Reference
}

// certificate is a server's certificate, read again when its files change. A
// connection keeps the one that it began with.
type certificate struct {
	config tlsConfig
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	// trail, which may be nil, records what is read again.
	trail  *access.Trail
	looked time.Time
	stamps [2]stamp
}

// stamp tells one content of a file from another, without reading it.
type stamp struct {
	modified time.Time
	size     int64
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// newCertificate reads a certificate. SIGHUP makes it read again at once.
func newCertificate(config tlsConfig, logger *slog.Logger) (*certificate, error) {
	c := &certificate{config: config, logger: logger, now: time.Now}
	if err := c.load(); err != nil {
		return nil, err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			c.reload()
		}
	}()
	return c, nil
}

// get implements tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.stampsNow() != c.stamps {
			c.try()
		}
	}
	return c.current, nil
}

func (c *certificate) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.try()
}

// recordTo has what is read again recorded; a nil trail ends that.
func (c *certificate) recordTo(trail *access.Trail) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trail = trail
}

// try reads the certificate again; one that cannot be used changes nothing.
func (c *certificate) try() {
	load := c.load
	if c.trail != nil {
		load = func() error { return c.trail.Act(access.Local, "certificate.reload", c.config.Certificate, c.load) }
	}
	if err := load(); err != nil {
		c.logger.Error("the certificate could not be read again; the one before stays in use", "error", err)
		return
	}
	c.logger.Info("read the certificate again", "file", c.config.Certificate)
}

func (c *certificate) load() error {
	stamps := c.stampsNow()
	text, err := os.ReadFile(c.config.Certificate)
	if err != nil {
		return orrery.Errorf(orrery.Invalid, "certificate_unreadable", "the certificate %s cannot be read", c.config.Certificate).Because(err).
			WithNext("name a PEM file with the certificate and those that signed it")
	}
	key, err := c.config.Key.Resolve()
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(text, []byte(key))
	if err != nil {
		return orrery.Errorf(orrery.Invalid, "certificate_invalid", "the certificate %s and its key cannot be used", c.config.Certificate).Because(err).
			WithNext("check that both are PEM and belong together")
	}
	c.current, c.stamps = &pair, stamps
	return nil
}

func (c *certificate) stampsNow() (out [2]stamp) {
	for i, path := range []string{c.config.Certificate, c.config.Key.File} {
		if info, err := os.Stat(path); err == nil {
			out[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return out
}
