package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/control"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// noteFlags say who gives a control, and why.
func noteFlags(cmd *cobra.Command, note *control.Note) {
	cmd.Flags().StringVar(&note.Reason, "reason", "", "why, for the log")
	cmd.Flags().StringVar(&note.By, "by", userName(), "who asks for it, for the log")
}

// userName gives who runs the command, empty where that cannot be told.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show and change a system's lists, such as whom to block",
		Long: `A list of the spec is changed while the system runs. A change acts at once,
needs no new release, and is part of the log: who asked for it, when and why.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.listShowCommand(), a.listChangeCommand("add"), a.listChangeCommand("remove"))
	return cmd
}

func (a *app) listShowCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "show FILE|DIR [LIST]",
		Short:   "Show the lists, or the entries of one",
		Example: "  orrery list show systems/fraud blocked",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.showLists(cmd.Context(), args[0], dir)
			}
			return a.showList(cmd.Context(), args[0], dir, args[1])
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

func (a *app) showLists(ctx context.Context, path, dir string) error {
	var lists []api.List
	err := a.either(ctx, path, dir, "", func(_ *spec.Spec, engine *serve.Engine) (err error) {
		lists, err = api.Lists(ctx, engine)
		return err
	}, func(base string, c *client) error {
		var answer struct{ Lists []api.List }
		err := c.get(ctx, base+"/lists", &answer)
		lists = answer.Lists
		return err
	})
	if err != nil {
		return err
	}
	a.print(map[string]any{"lists": lists}, func(w io.Writer) {
		rows := make([][]string, len(lists))
		for i, l := range lists {
			rows[i] = []string{l.Name, fmt.Sprintf("%d of %s", l.Entries, l.Of), l.About}
		}
		table(w, rows...)
	})
	return nil
}

// listPage is how many entries are asked for at once.
const listPage = 10_000

func (a *app) showList(ctx context.Context, path, dir, list string) error {
	whole := &api.ListPage{List: list, Entries: []api.ListEntry{}}
	all := func(read func(after string) (*api.ListPage, error)) error {
		for after, more := "", true; more; more = after != "" {
			page, err := read(after)
			if err != nil {
				return err
			}
			whole.Entries, after = append(whole.Entries, page.Entries...), page.Next
		}
		return nil
	}
	err := a.either(ctx, path, dir, "", func(_ *spec.Spec, engine *serve.Engine) error {
		return all(func(after string) (*api.ListPage, error) {
			return api.ReadList(ctx, engine, list, after, listPage, false)
		})
	}, func(base string, c *client) error {
		return all(func(after string) (*api.ListPage, error) {
			page := &api.ListPage{}
			return page, c.get(ctx, fmt.Sprintf("%s/lists/%s?limit=%d&after=%s", base, url.PathEscape(list), listPage, url.QueryEscape(after)), page)
		})
	})
	if err != nil {
		return err
	}
	a.print(whole, func(w io.Writer) { printList(w, whole) })
	return nil
}

func printList(w io.Writer, page *api.ListPage) {
	if len(page.Entries) == 0 {
		fmt.Fprintf(w, "%s is empty\n", page.List)
		return
	}
	rows := make([][]string, len(page.Entries))
	for i, e := range page.Entries {
		until := "for good"
		if e.Until != "" {
			until = "until " + e.Until
		}
		rows[i] = []string{e.Key, "since " + e.Since, until, e.By, e.Reason}
	}
	table(w, rows...)
}

type listFlags struct {
	dir, from, until string
	note             control.Note
}

func (a *app) listChangeCommand(verb string) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:     verb + " FILE|DIR LIST [KEY...]",
		Short:   map[string]string{"add": "Put keys on a list", "remove": "Take keys off a list"}[verb],
		Example: "  orrery list " + verb + " systems/fraud blocked 596 --reason chargeback",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeList(cmd.Context(), verb, args[0], args[1], args[2:], f)
		},
	}
	dataFlag(cmd, &f.dir)
	noteFlags(cmd, &f.note)
	cmd.Flags().StringVar(&f.from, "from", "", "a file with one key a line, - for standard input")
	if verb == "add" {
		cmd.Flags().StringVar(&f.until, "until", "", "events from this instant on do not find the keys")
	}
	return cmd
}

func (a *app) changeList(ctx context.Context, verb, path, list string, keys []string, f listFlags) error {
	more, err := a.keysFrom(f.from)
	if err != nil {
		return err
	}
	if keys = append(keys, more...); len(keys) == 0 {
		return usagef("list %s needs keys, or --from; see orrery list %s --help", verb, verb)
	}
	total := &api.ListChanged{}
	each := func(zone *time.Location, change func(api.ListChange) (*api.ListChanged, error)) error {
		c := api.ListChange{By: f.note.By, Reason: f.note.Reason}
		if f.until != "" {
			until, err := parseInstant(f.until, zone)
			if err != nil {
				return orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", f.until).WithNext("write it as in 2018-07-18T09:30:00Z")
			}
			t := until.Time()
			c.Until = &t
		}
		for rest := keys; len(rest) > 0; {
			n := min(len(rest), control.MaxKeys)
			c.Add, c.Remove = nil, nil
			to := &c.Add
			if verb == "remove" {
				to = &c.Remove
			}
			for _, key := range rest[:n] {
				*to = append(*to, api.Key(key))
			}
			done, err := change(c)
			if err != nil {
				return err
			}
			total.Offset, total.Added, total.Removed = done.Offset, total.Added+done.Added, total.Removed+done.Removed
			rest = rest[n:]
		}
		return nil
	}
	err = a.either(ctx, path, f.dir, "list.change", func(s *spec.Spec, engine *serve.Engine) error {
		return each(s.Location, func(c api.ListChange) (*api.ListChanged, error) { return api.ChangeList(ctx, engine, list, c) })
	}, func(base string, c *client) error {
		return each(time.UTC, func(change api.ListChange) (*api.ListChanged, error) {
			done := &api.ListChanged{}
			return done, c.post(ctx, base+"/lists/"+url.PathEscape(list), change, done)
		})
	})
	if err != nil {
		return err
	}
	a.print(total, func(w io.Writer) {
		if verb == "add" {
			fmt.Fprintf(w, "%d put on %s, %d were there before\n", total.Added, list, len(keys)-total.Added)
			return
		}
		fmt.Fprintf(w, "%d taken off %s, %d were not on it\n", total.Removed, list, len(keys)-total.Removed)
	})
	return nil
}

// keysFrom reads one key a line; blank lines do not count.
func (a *app) keysFrom(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	in := a.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, orrery.Errorf(orrery.NotFound, "file_unreadable", "%s cannot be read", path).Because(err)
		}
		defer file.Close()
		in = file
	}
	var keys []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if key := strings.TrimSpace(lines.Text()); key != "" {
			keys = append(keys, key)
		}
	}
	return keys, lines.Err()
}

func (a *app) pauseCommand(paused bool) *cobra.Command {
	var dir string
	var note control.Note
	verb, short := "resume", "End a pause"
	if paused {
		verb, short = "pause", "Answer every decision by the fallback action, until resumed"
	}
	cmd := &cobra.Command{
		Use: verb + " FILE|DIR", Short: short,
		Example: "  orrery " + verb + ` systems/fraud --reason "the feed is wrong"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pause(cmd.Context(), args[0], dir, verb, note)
		},
	}
	dataFlag(cmd, &dir)
	noteFlags(cmd, &note)
	return cmd
}

func (a *app) pause(ctx context.Context, path, dir, verb string, note control.Note) error {
	var state *api.PauseState
	err := a.either(ctx, path, dir, verb, func(_ *spec.Spec, engine *serve.Engine) (err error) {
		state, err = api.Pause(ctx, engine, verb == "pause", note)
		return err
	}, func(base string, c *client) error {
		state = &api.PauseState{}
		return c.post(ctx, base+"/"+verb, note, state)
	})
	if err != nil {
		return err
	}
	a.print(state, func(w io.Writer) {
		if state.Paused {
			fmt.Fprintf(w, "paused since %s: every decision is the fallback action\n", state.Since)
			return
		}
		fmt.Fprintln(w, "not paused")
	})
	return nil
}

// either does a command's work on the data directory itself, or through the
// server that has it open. base is the system's address there. act names work that
// is administrative, for the audit trail; it is empty for what only looks.
func (a *app) either(ctx context.Context, path, dir, act string, own func(*spec.Spec, *serve.Engine) error, through func(base string, c *client) error) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, st store.Store) error {
		if act == "" {
			return own(s, engine)
		}
		return audited(st, act, s.System, func() error { return own(s, engine) })
	})
	return orByServer(err, dir, func(c *client) error { return through("/v1/systems/"+s.System, c) })
}
