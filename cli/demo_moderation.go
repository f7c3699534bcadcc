package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/ingest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/systems/moderation"
)

// The days of history that the community has, and the least to train and test on.
const (
	communityDays      = moderation.DefaultDays
	communityDaysLeast = 7
)

// communitySample is the sample of the moderation system.
type communitySample struct {
	options moderation.Options
	world   *moderation.World
}

func (a *app) demoModerationCommand() *cobra.Command {
	var f demoFlags
	var o moderation.Options
	cmd := &cobra.Command{
		Use:   "moderation",
		Short: "A chat community with a raid in it",
		Long: `Demo makes the messages of a chat community and the verdicts of its moderators,
sends them through the real path, trains a text classifier, prints how well it
tells hateful and offensive messages from others, and shows what is stopped
while a raid comes in. The texts are made from templates; what was not allowed is
shown with its letters masked.`,
		Example: "  orrery demo moderation\n  orrery demo moderation --once",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.days < communityDaysLeast {
				return usagef("--days takes %d or more, so that there is something to train and to test on", communityDaysLeast)
			}
			began := time.Now().UTC()
			o.Start, o.Days, o.Seed = began.AddDate(0, 0, -f.days), f.days, f.seed
			return a.demo(cmd.Context(), f, began, &communitySample{options: o})
		},
	}
	f.register(cmd, communityDays, 60)
	cmd.Flags().IntVar(&o.Authors, "authors", moderation.DefaultAuthors, "how many members the community has")
	cmd.Flags().IntVar(&o.PerDay, "per-day", moderation.DefaultPerDay, "how many messages they write a day")
	return cmd
}

func (c *communitySample) source() ([]byte, error) { return moderation.Files.ReadFile("system.yaml") }

func (c *communitySample) open() (err error) {
	c.world, err = moderation.New(c.options)
	return err
}

// write writes an NDJSON file for each type of event.
func (c *communitySample) write(ctx context.Context, a *app, dir string) error {
	if err := c.open(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lines, files := map[string]*strings.Builder{}, map[string]string{}
	counts := map[string]int{}
	from, to := c.world.Bounds()
	for e := range c.world.Events(from, to) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if lines[e.Type] == nil {
			lines[e.Type] = &strings.Builder{}
		}
		lines[e.Type].Write(e.JSON())
		lines[e.Type].WriteByte('\n')
		counts[e.Type]++
	}
	for name, text := range lines {
		files[name] = filepath.Join(dir, name+".ndjson")
		if err := os.WriteFile(files[name], []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	a.print(map[string]any{"files": files, "events": counts}, func(w io.Writer) {
		for _, name := range []string{moderation.MessageType, moderation.VerdictType, moderation.StrikeType} {
			fmt.Fprintf(w, "%s: %d events\n", files[name], counts[name])
		}
	})
	return nil
}

func (c *communitySample) history(contract *orrery.Contract, until orrery.Instant) (iter.Seq2[orrery.Event, error], error) {
	from, _ := c.world.Bounds()
	decode := decoders(contract)
	return func(yield func(orrery.Event, error) bool) {
		for e := range c.world.Events(from, until) {
			if !yield(decode(&e)) {
				return
			}
		}
	}, nil
}

// decoders gives what makes an event of the contract of one of the world's. It was
// known when it happened.
func decoders(contract *orrery.Contract) func(e *moderation.Event) (orrery.Event, error) {
	byType := map[string]*ingest.Decoder{}
	for _, t := range contract.Events {
		byType[t.Name] = ingest.NewDecoder(t)
	}
	return func(e *moderation.Event) (orrery.Event, error) { return byType[e.Type].Decode(e.JSON()) }
}

// testDays is how many days the demo tests on.
const testDays = 3

func (c *communitySample) ranges(until time.Time) (learn, test replay.Range) {
	end := orrery.InstantOf(until).Add(-orrery.Day)
	from, _ := c.world.Bounds()
	test = replay.Range{From: end.Add(-testDays * orrery.Day), To: end}
	return replay.Range{From: from, To: test.From}, test
}

func (c *communitySample) kinds() []string { return []string{""} }

func (c *communitySample) table(w io.Writer, results []*replay.Evaluation, trained *api.TrainAnswer) {
	r := results[0]
	fmt.Fprintf(w, "\ntrained on the moderators' verdicts on %d messages; tested on those on %d, of the last days\n", r.Train.Rows, r.Test.Rows)
	printClasses(w, r.Classes)
	fmt.Fprintf(w, "\naccuracy %.4f, macro-F1 %.4f\ntrained on all matured verdicts: %d messages; release %s is in force\n",
		r.Metrics["accuracy"], r.Metrics["macro_f1"], trained.Rows, trained.Release.Short())
}

// The raid of the demo, and what of the ordinary traffic is shown with it.
const (
	raiders     = 30
	raidAfter   = 20 * orrery.Minute
	encoreLasts = 40 * orrery.Minute
	encoreShown = 12
)

// encore decides on the next minutes of chat, with a raid among them, and shows
// what was done. Of the live demo that is the traffic.
func (c *communitySample) encore(ctx context.Context, d *demo, engine *serve.Engine) error {
	if !d.flags.once {
		return nil
	}
	decode := decoders(d.spec.Contract)
	now := orrery.InstantOf(d.began)
	s := newScene()
	for m := range c.messages(now, now.Add(encoreLasts)) {
		event, err := decode(&moderation.Event{Type: moderation.MessageType, At: m.At, Message: m})
		if err != nil {
			return err
		}
		results, err := engine.Decide(ctx, []orrery.Event{event}, 0)
		if err != nil {
			return err
		}
		if results[0].Err != nil {
			return results[0].Err
		}
		answer := api.AnswerOf(engine.Plan(), &results[0])
		s.add(m, answer)
		// The next message of the author counts what came of this one.
		if err := engine.Settle(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.app.out, "\nthe next %d minutes of chat, with a raid of %d accounts:\n\n", encoreLasts/orrery.Minute, raiders)
	s.print(d.app.out)
	return nil
}

// messages yields the community's messages between two instants, those of a raid
// among them, in the order of time.
func (c *communitySample) messages(from, to orrery.Instant) iter.Seq[moderation.Message] {
	return func(yield func(moderation.Message) bool) {
		raid := c.world.Raid(moderation.Channels[0], from.Add(raidAfter), raiders)
		for e := range c.world.Events(from, to) {
			for len(raid) > 0 && raid[0].At <= e.At {
				if !yield(raid[0]) {
					return
				}
				raid = raid[1:]
			}
			if e.Type == moderation.MessageType && !yield(e.Message) {
				return
			}
		}
	}
}

// scene is what came of a stretch of chat.
type scene struct {
	actions map[string]int
	// raid counts the actions on the messages of a raid.
	raid  map[string]int
	shown []string
	lines map[string]int
}

func newScene() *scene {
	return &scene{actions: map[string]int{}, raid: map[string]int{}, lines: map[string]int{}}
}

// add counts an answer, and keeps a line about it where there are not many of its
// kind yet.
func (s *scene) add(m moderation.Message, a *api.Answer) {
	s.actions[a.Action]++
	kind := a.Action
	if m.Raid {
		s.raid[a.Action]++
		kind = "raid " + kind
	}
	if s.lines[kind]++; a.Action != "allow" && s.lines[kind] <= 3 && len(s.shown) < encoreShown {
		s.shown = append(s.shown, sceneLine(m, a))
	}
}

func sceneLine(m moderation.Message, a *api.Answer) string {
	text, what := strings.Map(hide, m.Text), a.Action
	switch a.Action {
	case "mask":
		text = a.Masked
	case "flag":
		text = m.Text
	}
	if minutes, ok := a.With["minutes"]; ok {
		what = fmt.Sprintf("%s %g min", what, minutes)
	}
	return fmt.Sprintf("%s  %-15s #%-8s %-8s %s", m.At.Time().Format("15:04:05"), what, m.Channel, m.Author, text)
}

// hide puts a block in the place of a letter or digit.
func hide(r rune) rune {
	if r == ' ' {
		return r
	}
	return '█'
}

func (s *scene) print(w io.Writer) {
	for _, line := range s.shown {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\nall messages: %s\n", counted(s.actions))
	if len(s.raid) > 0 {
		fmt.Fprintf(w, "of the raid:  %s\n", counted(s.raid))
	}
}

// counted writes counts by action, the most frequent first.
func counted(actions map[string]int) string {
	names := make([]string, 0, len(actions))
	for name := range actions {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(actions[b]-actions[a], strings.Compare(a, b)) })
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%d %s", actions[name], name)
	}
	return strings.Join(parts, ", ")
}

func (c *communitySample) invite(d *demo, engine *serve.Engine, address string) {
	base := fmt.Sprintf("http://%s/v1/systems/%s", address, d.spec.System)
	fmt.Fprintf(d.app.out, `
live on http://%s, at %g times the speed of your clock; a raid comes in %.0f s; Ctrl-C stops

  decide on a message
    curl -s %s/decisions -d '{"message_id": "try-1", "at": "%s", "author": "u7", "channel": "lobby", "text": "good morning all"}'
  read the whole record of a decision
    curl -s %s/decisions/%s
  trust an author from now on
    curl -s %s/lists/trusted -d '{"add": ["u7"]}'

`, address, d.flags.speed, (raidAfter.Std().Seconds())/d.flags.speed, base, d.now().Time().Truncate(time.Second).Format(time.RFC3339),
		base, serve.DecisionID(engine.Last()+1), base)
}

func (c *communitySample) traffic(ctx context.Context, d *demo, client *client) error {
	start := orrery.InstantOf(d.began)
	s, next := newScene(), d.live.Add(reportEvery)
	timer := time.NewTimer(0)
	defer timer.Stop()
	base := "/v1/systems/" + d.spec.System
	for m := range c.messages(start, start.Add(365*orrery.Day)) {
		due := d.live.Add(time.Duration(float64((m.At.Time()).Sub(start.Time())) / d.flags.speed))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		event := moderation.Event{Type: moderation.MessageType, At: m.At, Message: m}
		var answer api.Answer
		if err := client.post(ctx, base+"/decisions", event.JSON(), &answer); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		s.add(m, &answer)
		if time.Now().After(next) {
			if !d.app.quiet {
				s.print(d.app.out)
			}
			s, next = newScene(), time.Now().Add(reportEvery)
		}
	}
	return nil
}
