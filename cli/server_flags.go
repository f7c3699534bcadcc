package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery.dev/access"
)

// serverFlags are the few settings of a server that up takes as flags.
type serverFlags struct {
	file, address, certificate, key, log string
	accessLog                            bool
}

func (f *serverFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "config", "", "the server's file (default: server.yaml beside the system's file, where there is one)")
	flags.StringVar(&f.address, "addr", defaultAddress, "the address to listen on")
	flags.StringVar(&f.certificate, "tls-cert", "", "the certificate to serve TLS with, a PEM file; read again when it changes")
	flags.StringVar(&f.key, "tls-key", "", "the certificate's private key, a PEM file")
	flags.StringVar(&f.log, "log", "text", "how to log: text or json")
	flags.BoolVar(&f.accessLog, "access-log", false, "log a line for each request")
}

// serverConfig gives the configuration of a server for the system at path: what
// the flags say, then what the server's file says, then the defaults.
func (a *app) serverConfig(cmd *cobra.Command, path string, f *serverFlags) (serverConfig, error) {
	config, err := a.serverFileConfig(path, f.file)
	if err != nil {
		return config, err
	}
	changed := cmd.Flags().Changed
	if changed("addr") {
		config.Listen = f.address
	}
	if (f.certificate == "") != (f.key == "") {
		return config, usagef("--tls-cert and --tls-key go together; see orrery up --help")
	}
	if f.certificate != "" {
		config.TLS = &tlsConfig{Certificate: f.certificate, Key: access.Reference{File: f.key}}
	}
	if changed("log") {
		config.Log.Format = f.log
	}
	if f.log != "text" && f.log != "json" {
		return config, usagef("--log takes text or json, not %q", f.log)
	}
	if changed("access-log") {
		config.Log.Access = f.accessLog
	}
	return config, nil
}

// serverFileConfig reads the server's file: the one named, or server.yaml
// beside the system's file where there is one.
func (a *app) serverFileConfig(system, file string) (serverConfig, error) {
	if file == "" {
		dir := system
		if info, err := os.Stat(system); err == nil && !info.IsDir() {
			dir = filepath.Dir(system)
		}
		file = filepath.Join(dir, serverFileName)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return serverDefaults(defaultAddress), nil
		}
	}
	return a.readServerFile(file)
}
