package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os/user"
	"strconv"
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
	by := ""
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	cmd.Flags().StringVar(&note.Reason, "reason", "", "why, for the log")
	cmd.Flags().StringVar(&note.By, "by", by, "who asks for it, for the log")
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
		rows[i] = []string{e.Key, detailsOf(&e), "since " + e.Since, until, e.By, e.Reason}
	}
	table(w, rows...)
}

// detailsOf says in words what goes with an entry.
func detailsOf(e *api.ListEntry) string {
	var words []string
	if e.Allow {
		words = append(words, "allows")
	}
	if e.Category != "" {
		words = append(words, e.Category)
	}
	if e.Value != nil {
		words = append(words, strconv.FormatFloat(*e.Value, 'g', -1, 64))
	}
	return strings.Join(words, " ")
}

type listFlags struct {
	dir, from, until string
	category         string
	value            float64
	allow            bool
	note             control.Note
}

func (a *app) listChangeCommand(verb string) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   verb + " FILE|DIR LIST [KEY...]",
		Short: map[string]string{"add": "Put keys or terms on a list", "remove": "Take keys or terms off a list"}[verb],
		Long: `All that is named acts at once, however much it is.

A file has one key a line. On a list whose entries have a value a line is KEY,VALUE;
on a list of terms it is TERM,CATEGORY,VALUE, of which the last two can be left out.
There, a line that begins with # is a comment, one that begins with ! is a term that
is to allow something, and a term with a comma stands in double quotes. A term is a
word or a phrase; bad* are words that begin so, /b[ae]d/ is a regular expression.`,
		Example: map[string]string{
			"add": `  orrery list add systems/fraud blocked 596 --reason chargeback
  orrery list add systems/moderation slurs --from terms.txt --category slur
  orrery list add systems/moderation strictness gaming --value 0.6`,
			"remove": "  orrery list remove systems/fraud blocked 596 --reason mistaken",
		}[verb],
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			details := control.Details{Category: f.category, Allow: f.allow}
			if cmd.Flags().Changed("value") {
				details.Value = &f.value
			}
			return a.changeList(cmd.Context(), verb, args[0], args[1], args[2:], f, details)
		},
	}
	dataFlag(cmd, &f.dir)
	noteFlags(cmd, &f.note)
	cmd.Flags().StringVar(&f.from, "from", "", "a file with one key a line, - for standard input")
	if verb == "add" {
		cmd.Flags().StringVar(&f.until, "until", "", "events from this instant on do not find the keys")
		cmd.Flags().Float64Var(&f.value, "value", 0, "the number that goes with them, where a line does not say")
		cmd.Flags().StringVar(&f.category, "category", "", "the category of the terms, where a line does not say")
		cmd.Flags().BoolVar(&f.allow, "allow", false, "the terms cancel those that they overlap")
	}
	return cmd
}

// itemsOf gives what a command names, by itself and in a file.
func (a *app) itemsOf(path, dir, list string, keys []string, from string, details control.Details, adds bool) ([]control.Item, error) {
	var items []control.Item
	for _, key := range keys {
		items = append(items, control.Item{Key: key, Details: details})
	}
	if from == "" {
		return items, nil
	}
	s, _, err := a.existing(path, dir)
	if err != nil {
		return nil, err
	}
	for i := range s.Lists {
		if s.Lists[i].Name == list {
			more, err := a.itemsFrom(from, s, &s.Lists[i], details, adds)
			return append(items, more...), err
		}
	}
	// Whoever has the data says which lists there are.
	more, err := a.itemsFrom(from, s, &spec.List{Name: list}, details, false)
	return append(items, more...), err
}

func (a *app) changeList(ctx context.Context, verb, path, list string, keys []string, f listFlags, details control.Details) error {
	items, err := a.itemsOf(path, f.dir, list, keys, f.from, details, verb == "add")
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return usagef("list %s needs keys, or --from; see orrery list %s --help", verb, verb)
	}
	request := func(zone *time.Location) (api.ListChange, error) {
		c := api.ListChange{By: f.note.By, Reason: f.note.Reason}
		if f.until != "" {
			until, err := parseInstant(f.until, zone)
			if err != nil {
				return c, orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", f.until).WithNext("write it as in 2018-07-18T09:30:00Z")
			}
			t := until.Time()
			c.Until = &t
		}
		for i := range items {
			in := &items[i]
			if verb == "remove" {
				c.Remove = append(c.Remove, api.Key(in.Key))
			} else {
				c.Add = append(c.Add, api.ListItem{Key: api.Key(in.Key), Value: in.Value, Category: in.Category, Allow: in.Allow, Line: in.Line})
			}
		}
		return c, nil
	}
	done := &api.ListChanged{}
	err = a.either(ctx, path, f.dir, "list.change", func(s *spec.Spec, engine *serve.Engine) error {
		change, err := request(s.Location)
		if err == nil {
			done, err = api.ChangeList(ctx, engine, list, change)
		}
		return err
	}, func(base string, c *client) error {
		change, err := request(time.UTC)
		if err != nil {
			return err
		}
		return c.post(ctx, base+"/lists/"+url.PathEscape(list), change, done)
	})
	if err != nil {
		return err
	}
	a.print(done, func(w io.Writer) {
		if verb == "add" {
			fmt.Fprintf(w, "%d put on %s, %d were there before\n", done.Added, list, len(items)-done.Added)
			return
		}
		fmt.Fprintf(w, "%d taken off %s, %d were not on it\n", done.Removed, list, len(items)-done.Removed)
	})
	return nil
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
		Long: `A pause is a system's kill switch. From its place in the log on every decision is
the fallback action of the spec (answer: {fallback: allow}), at once and without a
score; events are taken, counted and recorded as ever, and a decision's record says
that it was made in a pause. Choose a fallback that does no harm.

To switch off less, keep a list for it, such as {unmoderated: channel}, and have the
first rule ask it: {when: message.channel in lists.unmoderated, action: allow}.`,
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
