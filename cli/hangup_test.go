//go:build unix

package cli

import (
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"

	"orrery.dev/access"
	"orrery.dev/store/memory"
)

// notices is a log handler's writer that tells when something was logged.
type notices chan struct{}

func (n notices) Write(p []byte) (int, error) {
	select {
	case n <- struct{}{}:
	default:
	}
	return len(p), nil
}

// TestCertificateIsReadAgainOnHangup sends SIGHUP, once with another certificate
// and once with none, and looks at what is in use and in the audit trail.
func TestCertificateIsReadAgainOnHangup(t *testing.T) {
	dir := t.TempDir()
	config := tlsConfig{Certificate: filepath.Join(dir, "tls.crt"), Key: access.Reference{File: filepath.Join(dir, "tls.key")}}
	writeCertificate(t, config, "first.example")
	logged := make(notices, 1)
	c, err := newCertificate(config, slog.New(slog.NewTextHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.recordTo(keys.Trail())
	hangUp := func() string {
		t.Helper()
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-logged
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.current.Leaf.Subject.CommonName
	}
	writeCertificate(t, config, "second.example")
	if name := hangUp(); name != "second.example" {
		t.Errorf("after the signal %s is in use", name)
	}
	c.mu.Lock()
	c.config.Certificate = filepath.Join(dir, "missing")
	c.mu.Unlock()
	if name := hangUp(); name != "second.example" {
		t.Errorf("without a certificate %s is in use", name)
	}
	var outcomes []string
	for e, err := range keys.Trail().Entries(0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Act == "certificate.reload" {
			outcomes = append(outcomes, e.Outcome)
		}
	}
	if len(outcomes) != 4 || outcomes[0] != "begun" || outcomes[1] != "done" || outcomes[2] != "begun" || outcomes[3] != "certificate_unreadable" {
		t.Errorf("the trail has %q", outcomes)
	}
}
