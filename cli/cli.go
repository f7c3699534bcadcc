// Package cli is the command line: one file a command. A command parses its
// flags, calls the packages that do the work and prints what came of it; a
// failure is one clear sentence on standard error and a non-zero status.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
)

// The exit statuses.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// app is what every command shares.
type app struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	quiet    bool
}

// errInterrupted is the cause of a context that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

// errReported ends a command whose findings are printed already.
var errReported = errors.New("reported")

// Main runs the command line and gives the exit status.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := interruptible()
	defer stop()
	a := &app{in: in, out: out, err: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, errReported):
		return statusFailed
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(errOut, "orrery: interrupted")
		return statusInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "orrery: %v\n", err)
		return statusUsage
	}
	a.report(err)
	return statusFailed
}

// secondSignal is how long after the first a signal counts as a second one:
// some senders, such as timeout(1), signal a process and then its group.
const secondSignal = time.Second

// interruptible gives a context that the first Ctrl-C or SIGTERM ends; a second
// one ends the process as usual.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
			time.AfterFunc(secondSignal, func() { signal.Stop(signals) })
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// usageError is a fault in how a command was called.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "orrery",
		Short:         "One binary that takes an AI system the whole way in production",
		Long:          "Orrery runs an AI system from one file: events in, features kept fresh, a model\nscored, a decision made, recorded and explained, the next model trained.",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print results as JSON")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress")
	root.AddCommand(a.checkCommand(), a.upCommand(), a.ingestCommand(), a.quarantineCommand(), a.featuresCommand(), a.trainCommand(),
		a.evalCommand(), a.contrastCommand(), a.rowsCommand(), a.backtestCommand(), a.replayCommand(), a.explainCommand(), a.demoCommand(), a.testCommand(), a.versionCommand(), a.keysCommand(), a.auditCommand(),
		a.listCommand(), a.forgetCommand(), a.pauseCommand(true), a.pauseCommand(false),
		a.benchCommand(), a.benchServerCommand(), a.initCommand(), a.fmtCommand(), a.schemaCommand(), a.referenceCommand(),
		// What an operator does with a running system and its data.
		a.upgradeCommand(), a.backupCommand(), a.restoreCommand())
	root.AddCommand(a.reviewCommand(), a.importCommand())
	root.AddCommand(a.retainCommand(), a.doctorCommand(), a.manCommand())
	return root
}

// report prints an error as a person, or with --json a program, would want it.
func (a *app) report(err error) {
	var known *orrery.Error
	if !errors.As(err, &known) {
		known = &orrery.Error{Code: "internal", Message: err.Error()}
	}
	if a.json {
		a.printJSON(map[string]any{"error": map[string]string{"code": known.Code, "message": err.Error(), "field": known.Field, "next": known.Next}})
	}
	fmt.Fprintf(a.err, "orrery: %v\n", err)
}
