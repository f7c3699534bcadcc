package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orrery.dev/access"
	"orrery.dev/api"
)

// writeCertificate makes a certificate with a name, signed by itself.
func writeCertificate(t *testing.T, config tlsConfig, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{config.Certificate: {Type: "CERTIFICATE", Bytes: certificate}, config.Key.File: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCertificateReload replaces a certificate under a connection that goes on.
func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	config := tlsConfig{Certificate: filepath.Join(dir, "tls.crt"), Key: access.Reference{File: filepath.Join(dir, "tls.key")}}
	writeCertificate(t, config, "first.example")
	c, err := newCertificate(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	c.now = func() time.Time { return clock }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := api.Limits{}.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.HTTP.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	go func() { _ = server.ServeTLS(listener) }()
	defer server.Close()

	connect := func() *http.Client {
		return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	}
	shown := func(client *http.Client) string {
		t.Helper()
		response, err := client.Get("https://" + listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != "HTTP/2.0" {
			t.Errorf("%s, %v", text, err)
		}
		return response.TLS.PeerCertificates[0].Subject.CommonName
	}
	kept := connect()
	if name := shown(kept); name != "first.example" {
		t.Errorf("at first %s", name)
	}
	replace := func(name string) {
		writeCertificate(t, config, name)
		clock = clock.Add(lookEvery)
		// A file system's clock may be coarse.
		for _, path := range []string{config.Certificate, config.Key.File} {
			if err := os.Chtimes(path, clock, clock); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace("second.example")
	if name := shown(connect()); name != "second.example" {
		t.Errorf("a new connection sees %s", name)
	}
	if name := shown(kept); name != "first.example" {
		t.Errorf("the connection that goes on sees %s", name)
	}
	// Half a replacement is not used.
	replace("third.example")
	if err := os.WriteFile(config.Key.File, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if name := shown(connect()); name != "second.example" {
		t.Errorf("with a broken key, a new connection sees %s", name)
	}
	replace("fourth.example")
	if name := shown(connect()); name != "fourth.example" {
		t.Errorf("mended, a new connection sees %s", name)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}}
	if _, err := old.Get("https://" + listener.Addr().String()); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// TestCommandsKnowTheServersCertificate has the client of the commands meet the
// server's own certificate and another one.
func TestCommandsKnowTheServersCertificate(t *testing.T) {
	dir := t.TempDir()
	config := tlsConfig{Certificate: filepath.Join(dir, "tls.crt"), Key: access.Reference{File: filepath.Join(dir, "tls.key")}}
	writeCertificate(t, config, "orrery.example")
	c, err := newCertificate(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }),
		TLSConfig: &tls.Config{GetCertificate: c.get}, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	defer server.Close()
	ask := func() error {
		client, err := newClient(serverInfo{Address: listener.Addr().String(), Certificate: config.Certificate})
		if err != nil {
			t.Fatal(err)
		}
		return client.get(t.Context(), "/", &struct{}{})
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	c.looked = time.Now().Add(time.Hour)
	writeCertificate(t, config, "orrery.example")
	if err := ask(); err == nil {
		t.Error("another certificate is taken")
	}
}
