package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/model"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/train"
)

// dataFlag adds --data to a command.
func dataFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data", "", "the data directory (default orrery-data/SYSTEM)")
}

// dataDir gives the directory of a system's data.
func dataDir(flag string, s *spec.Spec) string {
	if flag != "" {
		return flag
	}
	return filepath.Join("orrery-data", s.System)
}

// inUse reports whether an error says that another process has the data
// directory open.
func inUse(err error) bool { return orrery.CodeOf(err) == "data_dir_in_use" }

// withStore opens a data directory for one function.
func withStore(dir string, f func(store.Store) error) error {
	st, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		return err
	}
	return errors.Join(f(st), st.Close())
}

// quarantineIn gives the quarantine of a data directory.
func quarantineIn(dir string, s *spec.Spec) *quarantine.Store {
	return quarantine.In(filepath.Join(dir, "quarantine")).Without(func(event string) bool {
		if t := s.Contract.Event(event); t != nil {
			return t.HasPersonal()
		}
		// Of no type that is known: it could be any.
		return s.Contract.HasPersonal()
	})
}

// requireData refuses a directory that no system has written to, before
// opening would make it one.
func requireData(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return orrery.Errorf(orrery.NotFound, "data_dir_missing", "there is no data in %s", dir).Because(err).
			WithNext("ingest events or start the system first: orrery up, orrery ingest")
	}
	return nil
}

// withEngine runs a system on its data directory for one function.
func (a *app) withEngine(ctx context.Context, s *spec.Spec, dir string, f func(*serve.Engine, store.Store) error) error {
	return withStore(dir, func(st store.Store) error {
		engine, err := a.openEngine(ctx, st, s, nil, nil, defaultMemory)
		if err != nil {
			return err
		}
		return errors.Join(f(engine, st), engine.Close())
	})
}

// openEngine starts a system on a store; logger and observer may be nil.
func (a *app) openEngine(ctx context.Context, st store.Store, s *spec.Spec, logger *slog.Logger, observer serve.Observer, m memoryBytes) (*serve.Engine, error) {
	bar := a.bar("recover", "records", 0)
	defer bar.Stop()
	whole := func(ctx context.Context, rows *train.Rows) (model.Model, error) {
		fit, _, err := trainer(s, "", nil)
		if err != nil {
			return nil, err
		}
		return fit(ctx, rows)
	}
	return serve.Open(ctx, st, s, serve.Options{Registry: builtin.Registry(), Logger: logger, Observer: observer, StateBytes: m.state(), Whole: whole, Progress: func(done, total int64) {
		bar.SetTotal(total)
		bar.Set(done)
	}})
}

// existing gives the spec and the data directory of a command that works on
// data that is there already.
func (a *app) existing(path, dir string) (*spec.Spec, string, error) {
	s, err := a.loadSpec(path)
	if err != nil {
		return nil, "", err
	}
	dir = dataDir(dir, s)
	return s, dir, requireData(dir)
}

// orByServer does a command's work through the server that has the data
// directory open, when err says that there is one; any other err it gives back.
func orByServer(err error, dir string, ask func(*client) error) error {
	if !inUse(err) {
		return err
	}
	info, err := runningServer(dir)
	if err != nil {
		return err
	}
	c, err := newClient(info)
	if err != nil {
		return err
	}
	return ask(c)
}

// serverFile is where a running server leaves its address in its data
// directory, for the commands that find the directory in use.
const serverFile = "server.json"

type serverInfo struct {
	Address string `json:"address"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	// Certificate is the file of the certificate that the server shows, empty
	// for one without TLS.
	Certificate string `json:"certificate,omitempty"`
	// Refused says why the last attempt to hand over to a new process failed.
	Refused string `json:"refused,omitempty"`
}

// url is the server's address with its scheme.
func (i *serverInfo) url() string {
	if i.Certificate != "" {
		return "https://" + i.Address
	}
	return "http://" + i.Address
}

func (i *serverInfo) write(dir string) error {
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	// By a rename, so that a reader sees a whole file or none.
	path := filepath.Join(dir, serverFile)
	temp := path + "." + strconv.Itoa(os.Getpid())
	if err = os.WriteFile(temp, append(text, '\n'), 0o600); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("cannot note the server's address: %w", err)
	}
	return nil
}

// remove takes the file away, unless it is another process's by now.
func (i *serverInfo) remove(dir string) {
	if now, err := readServerFile(dir); err == nil && now.PID == i.PID {
		_ = os.Remove(filepath.Join(dir, serverFile))
	}
}

func readServerFile(dir string) (info serverInfo, err error) {
	text, err := os.ReadFile(filepath.Join(dir, serverFile))
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	return info, err
}

// runningServer finds the server that has the directory open.
func runningServer(dir string) (serverInfo, error) {
	info, err := readServerFile(dir)
	if err != nil || info.Address == "" {
		return info, orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "another command is using the data in %s", dir).
			WithNext("wait until it has ended")
	}
	return info, nil
}
