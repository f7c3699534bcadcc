package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/load"
	"orrery.dev/serve"
)

// benchUsage is what a server of the bench has used since it began.
type benchUsage struct {
	CPUMicros int64 `json:"cpu_us"`
	// BytesWritten is what the process wrote to the disk, -1 where the system
	// does not tell.
	BytesWritten int64 `json:"bytes_written"`
	Syncs        int64 `json:"syncs"`
}

// benchServerCommand is the process that orrery bench drives. It is the server
// that orrery up runs, or an echo of what it is sent; it tells its address in its
// first line of output, and what it has used for each line of input.
func (a *app) benchServerCommand() *cobra.Command {
	var dir, profile string
	var echo bool
	cmd := &cobra.Command{
		Use:    "bench-server FILE|DIR",
		Short:  "Serve for orrery bench",
		Hidden: true,
		Args:   cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithCancelCause(cmd.Context())
			defer cancel(nil)
			if profile != "" {
				stop, err := startProfile(profile)
				if err != nil {
					return err
				}
				defer stop()
			}
			if echo {
				return a.benchEcho(ctx, cancel)
			}
			if len(args) == 0 {
				return usagef("bench-server needs a system")
			}
			return a.benchServe(ctx, cancel, args[0], dir)
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "the data directory")
	cmd.Flags().StringVar(&profile, "profile", "", "a file for a profile of the processor's time")
	cmd.Flags().BoolVar(&echo, "echo", false, "send each request's body back")
	return cmd
}

// startProfile writes where the processor's time goes to a file, until stop.
func startProfile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
	}, nil
}

// benchServe runs what orrery up runs.
func (a *app) benchServe(ctx context.Context, cancel context.CancelCauseFunc, path, dir string) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	h, err := newHost(a, s, dir, serverDefaults("127.0.0.1:0"))
	if err != nil {
		return err
	}
	h.ready = func(h *host, engine *serve.Engine) { go a.tellUsage(cancel, h.address(), engine.Syncs) }
	if err := h.run(ctx); !errors.Is(err, errInterrupted) {
		return err
	}
	return nil
}

// benchEcho serves the floor: what net/http costs for a request of the same
// size, read and sent back without a look at it.
func (a *app) benchEcho(ctx context.Context, cancel context.CancelCauseFunc) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// Both servers have the same garbage collector.
	defaultMemory.limit()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	go a.tellUsage(cancel, listener.Addr().String(), func() int64 { return 0 })
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// tellUsage writes the address, then what the process has used for each line
// that it reads, and ends the process when there are no more.
func (a *app) tellUsage(cancel context.CancelCauseFunc, address string, syncs func() int64) {
	defer cancel(errInterrupted)
	out := json.NewEncoder(a.out)
	if out.Encode(map[string]string{"address": address}) != nil {
		return
	}
	for asked := bufio.NewScanner(a.in); asked.Scan(); {
		u := benchUsage{CPUMicros: processCPU().Microseconds(), BytesWritten: bytesWritten(), Syncs: syncs()}
		if out.Encode(u) != nil {
			return
		}
	}
}

// benchServer is a server process as its parent sees it.
type benchServer struct {
	address string
	// conns are the connections over which it is driven, nil with streams.
	conns   *load.Conns
	command *exec.Cmd
	ask     io.WriteCloser
	answers *json.Decoder
}

// startBenchServer runs this program again as a server of the bench.
func (a *app) startBenchServer(ctx context.Context, args ...string) (*benchServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, append([]string{"bench-server"}, args...)...)
	command.Stderr = a.err
	b := &benchServer{command: command}
	if b.ask, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.answers = json.NewDecoder(out)
	if err := command.Start(); err != nil {
		return nil, err
	}
	var first struct {
		Address string `json:"address"`
	}
	if err := b.answers.Decode(&first); err != nil {
		return nil, errors.Join(orrery.Errorf(orrery.Internal, "bench_server_failed", "the server to be measured did not start"), command.Wait())
	}
	b.address = first.Address
	return b, nil
}

func (b *benchServer) usage() (benchUsage, error) {
	var u benchUsage
	if _, err := io.WriteString(b.ask, "\n"); err != nil {
		return u, err
	}
	return u, b.answers.Decode(&u)
}

// stop ends the process in the ordinary way and waits for it.
func (b *benchServer) stop() error {
	_ = b.ask.Close()
	return b.command.Wait()
}
