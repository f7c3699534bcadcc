package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

type quarantineFlags struct {
	dir, system string
	sel         quarantine.Selection
	limit       int
	raw         bool
	set         []string
	file        string
}

func (a *app) quarantineCommand() *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "Look at refused input, mend it and submit it again",
		Long: `Quarantine lists the input that was refused: bad lines of files and of NDJSON
streams, and what a sender asked to be kept with ?quarantine=true. It is kept as it
came, with every reason, in the data directory and not in the log. Of each input
the first 16 KiB are kept, and 10,000 inputs or 64 MiB in all; what comes when that
is full is counted.

Raw input may hold personal data; drop deletes it from the disk.`,
		Example: `  orrery quarantine
  orrery quarantine show q1f0c2d3e4b5a
  orrery quarantine resubmit q1f0c2d3e4b5a --set amount=57.16
  orrery quarantine drop --code number_invalid`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.quarantineList(cmd.Context(), f) },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.dir, "data", "", "the data directory (default orrery-data/SYSTEM)")
	flags.StringVar(&f.system, "system", "systems/fraud", "the system's FILE or DIR")
	selects := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&f.sel.Event, "event", "", "of this event type only")
		c.Flags().StringVar(&f.sel.Code, "code", "", "with a fault of this code only")
		c.Flags().StringVar(&f.sel.Source, "source", "", "with this in its source only: a file, an address")
		return c
	}
	list := &cobra.Command{Use: "list", Short: "List what is in quarantine", Args: cobra.NoArgs, RunE: cmd.RunE}
	for _, c := range []*cobra.Command{cmd, list} {
		selects(c).Flags().IntVar(&f.limit, "limit", 100, "list that many at most, 0 for all")
	}
	show := &cobra.Command{
		Use: "show ID", Short: "Show an input and everything wrong with it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.quarantineShow(cmd.Context(), f, args[0]) },
	}
	show.Flags().BoolVar(&f.raw, "raw", false, "print the input alone, to be mended in a file")
	resubmit := selects(&cobra.Command{
		Use: "resubmit ID...|--all", Short: "Read input again, after the spec or the input was mended",
		Long: `Resubmit reads refused input again by the system's present contract, after a change
to the spec or with a change to the input, records what is good by now, and takes it out
of quarantine. What is still bad stays, and says why.

An event is recorded without a decision, and counts as received now: it was not known
before.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.quarantineResubmit(cmd.Context(), f, args) },
	})
	resubmit.Flags().BoolVar(&f.sel.All, "all", false, "all that is in quarantine")
	resubmit.Flags().StringArrayVar(&f.set, "set", nil, "FIELD=VALUE: give a field another value, or with no value leave it out; may be repeated")
	resubmit.Flags().StringVar(&f.file, "file", "", "the mended input of one event; - reads standard input")
	drop := selects(&cobra.Command{
		Use: "drop ID...|--all", Short: "Delete input from quarantine for good",
		RunE: func(cmd *cobra.Command, args []string) error { return a.quarantineDrop(cmd.Context(), f, args) },
	})
	drop.Flags().BoolVar(&f.sel.All, "all", false, "all that is in quarantine")
	cmd.AddCommand(list, show, resubmit, drop)
	return cmd
}

// selects adds the ids of the arguments to what the flags select.
func (f *quarantineFlags) selects(args []string, verb string) error {
	f.sel.IDs = args
	if f.sel.Empty() {
		return usagef("%s needs ids, --all, or which to take: --event, --code, --source", verb)
	}
	return nil
}

func (a *app) quarantineList(ctx context.Context, f quarantineFlags) error {
	s, dir, err := a.existing(f.system, f.dir)
	if err != nil {
		return err
	}
	var listing *quarantine.Listing
	err = withStore(dir, func(store.Store) error {
		listing, err = quarantineIn(dir, s).List(f.sel, f.limit)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		query := url.Values{"event": {f.sel.Event}, "code": {f.sel.Code}, "source": {f.sel.Source}, "limit": {strconv.Itoa(f.limit)}}
		return c.get(ctx, quarantinePath(s, "?"+query.Encode()), &listing)
	})
	if err != nil {
		return err
	}
	a.print(listing, func(w io.Writer) { printListing(w, listing, f.limit) })
	return nil
}

func quarantinePath(s *spec.Spec, rest string) string {
	return "/v1/systems/" + s.System + "/quarantine" + rest
}

func printListing(w io.Writer, l *quarantine.Listing, limit int) {
	rows := [][]string{{"id", "refused", "event", "from", "reason"}}
	for i := range l.Items {
		it := &l.Items[i]
		reason := it.Faults[0].Code + ": " + it.Faults[0].Message
		if more := len(it.Faults) - 1; more > 0 {
			reason += fmt.Sprintf(" (and %d more)", more)
		}
		rows = append(rows, []string{it.ID, it.At[:min(len(it.At), len("2006-01-02T15:04:05"))], it.Event, placeOf(it), reason})
	}
	switch {
	case len(l.Items) == 0:
		fmt.Fprintln(w, "nothing is in quarantine that fits")
	case len(l.Items) == limit:
		table(w, rows...)
		fmt.Fprintf(w, "the first %d; --limit 0 lists all\n", limit)
	default:
		table(w, rows...)
	}
	if l.Over > 0 {
		fmt.Fprintf(w, "%d more were refused while the quarantine was full, and are not kept\n", l.Over)
	}
}

func placeOf(it *quarantine.Item) string {
	if it.Line == 0 {
		return it.Source
	}
	return fmt.Sprintf("%s:%d", it.Source, it.Line)
}

func (a *app) quarantineShow(ctx context.Context, f quarantineFlags, id string) error {
	s, dir, err := a.existing(f.system, f.dir)
	if err != nil {
		return err
	}
	var it quarantine.Item
	err = withStore(dir, func(store.Store) error {
		listing, err := quarantineIn(dir, s).List(quarantine.Selection{IDs: []string{id}}, 0)
		if err == nil {
			it = listing.Items[0]
		}
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		return c.get(ctx, quarantinePath(s, "/"+url.PathEscape(id)), &it)
	})
	switch {
	case err != nil:
		return err
	case f.raw && !a.json:
		fmt.Fprintln(a.out, it.Text())
	default:
		a.print(it, func(w io.Writer) { printItem(w, &it) })
	}
	return nil
}

// shownWidth is how many signs of an input stand on a line. Of a longer input each
// fault shows its surroundings.
const shownWidth = 120

// printItem shows the input, and under it a caret for every fault.
func printItem(w io.Writer, it *quarantine.Item) {
	fmt.Fprintf(w, "%s: %s, refused %s\n%s", it.ID, it.Event, it.At, placeOf(it))
	if len(it.Columns) > 0 {
		fmt.Fprintf(w, "\ncolumns: %s", strings.Join(it.Columns, ","))
	}
	fmt.Fprint(w, "\n\n")
	in, shown := it.Input(), []rune(ingest.Shown(it.Text()))
	long := len(shown) > shownWidth
	if len(shown) > 0 && !long {
		fmt.Fprintln(w, "  "+string(shown))
	}
	if !in.Whole() {
		fmt.Fprintf(w, "  the first %d of %d bytes were kept\n", len(it.Text()), it.Length)
	}
	for _, fault := range it.Faults {
		at := ingest.ShownColumn(it.Text(), fault.Offset)
		switch from := max(0, at-shownWidth/2); {
		case long:
			fmt.Fprintln(w, "  "+string(shown[from:min(len(shown), from+shownWidth)]))
			fmt.Fprintln(w, "  "+strings.Repeat(" ", at-from)+"^")
		case len(shown) > 0:
			fmt.Fprintln(w, "  "+strings.Repeat(" ", at)+"^")
		}
		fmt.Fprintf(w, "  %s: %s\n", fault.Code, fault)
	}
}

func (a *app) quarantineResubmit(ctx context.Context, f quarantineFlags, args []string) error {
	if err := f.selects(args, "resubmit"); err != nil {
		return err
	}
	fix, err := a.fix(f)
	if err != nil {
		return err
	}
	s, dir, err := a.existing(f.system, f.dir)
	if err != nil {
		return err
	}
	var answer api.ResubmissionAnswer
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		answer.Results, err = engine.Resubmit(ctx, quarantineIn(dir, s), f.sel, fix)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		return c.post(ctx, quarantinePath(s, "/resubmit"), api.Resubmission{Selection: f.sel, Fix: fix}, &answer)
	})
	if err != nil {
		return err
	}
	bad := 0
	for _, r := range answer.Results {
		if len(r.Faults) > 0 {
			bad++
		}
	}
	a.print(answer, func(w io.Writer) { printResubmitted(w, answer.Results, bad) })
	if bad > 0 {
		return errReported
	}
	return nil
}

// fix reads how the input is to be changed.
func (a *app) fix(f quarantineFlags) (serve.Fix, error) {
	fix := serve.Fix{Set: map[string]string{}}
	for _, arg := range f.set {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return fix, usagef("--set takes FIELD=VALUE, not %q", arg)
		}
		fix.Set[name] = value
	}
	if f.file == "" {
		return fix, nil
	}
	text, err := readInput(a.in, f.file)
	fix.Text = strings.TrimSpace(string(text))
	if err == nil && fix.Text == "" {
		err = orrery.Errorf(orrery.Invalid, "file_empty", "%s is empty", f.file).WithNext("orrery quarantine show ID --raw prints what to mend")
	}
	return fix, err
}

// readInput reads a small file, or standard input for "-".
func readInput(in io.Reader, path string) ([]byte, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, orrery.Errorf(orrery.Invalid, "file_unreadable", "%s cannot be read", path).Because(err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, ingest.MaxLine+1))
	if err == nil && len(text) > ingest.MaxLine {
		return nil, orrery.Errorf(orrery.TooLarge, "line_too_long", "%s has more than %d bytes, and holds one event", path, ingest.MaxLine)
	}
	return text, err
}

func printResubmitted(w io.Writer, results []serve.Resubmitted, bad int) {
	for _, r := range results {
		for _, fault := range r.Faults {
			fmt.Fprintf(w, "%s: %s: %s\n", r.ID, fault.Code, fault)
		}
	}
	repeated := 0
	for _, r := range results {
		if r.Repeated {
			repeated++
		}
	}
	fmt.Fprintf(w, "%d recorded, %d repeated, %d still refused\n", len(results)-bad-repeated, repeated, bad)
}

func (a *app) quarantineDrop(ctx context.Context, f quarantineFlags, args []string) error {
	if err := f.selects(args, "drop"); err != nil {
		return err
	}
	s, dir, err := a.existing(f.system, f.dir)
	if err != nil {
		return err
	}
	var dropped api.Count
	err = withStore(dir, func(store.Store) error {
		dropped.Items, err = quarantine.DropSelected(quarantineIn(dir, s), f.sel)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		return c.post(ctx, quarantinePath(s, "/drop"), f.sel, &dropped)
	})
	if err != nil {
		return err
	}
	a.print(dropped, func(w io.Writer) { fmt.Fprintf(w, "%d dropped\n", dropped.Items) })
	return nil
}
