package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/cli/progress"
)

func (a *app) reviewWorkCommand() *cobra.Command {
	var dir string
	var request api.ClaimRequest
	var personal bool
	cmd := &cobra.Command{
		Use:   "work FILE|DIR",
		Short: "Review one decision after another, on a terminal",
		Long: `Work shows one decision after another and asks for a verdict on each. What it
shows was claimed for you; leaving gives the last one back when its lease ends.`,
		Example: "  orrery review work systems/fraud --reviewer ann",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, ok := a.in.(*os.File)
			if !ok || !progress.IsTerminal(in) || a.json {
				return usagef("review work is for a person on a terminal; a program uses review claim and review verdict")
			}
			w := reviewWork{app: a, path: args[0], dir: dir, request: request, personal: personal}
			return w.run(cmd.Context(), in, a.out)
		},
	}
	dataFlag(cmd, &dir)
	claimFlags(cmd, &request, &personal)
	return cmd
}

// reviewWork is a reviewer at work.
type reviewWork struct {
	app       *app
	path, dir string
	request   api.ClaimRequest
	personal  bool
}

// run goes on until the reviewer has enough or nothing waits. Of the lines of in,
// each is one answer.
func (w *reviewWork) run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	done := 0
	for ctx.Err() == nil {
		r, err := w.app.claimReview(ctx, w.path, w.dir, w.request, w.personal)
		if orrery.CodeOf(err) == "review_none" {
			fmt.Fprintf(out, "nothing waits for you; %d done\n", done)
			return nil
		}
		if err != nil {
			return err
		}
		printReview(out, r)
		more, judged, err := w.ask(ctx, lines, out, r)
		if err != nil {
			// Another may have taken it; the next is as good.
			fmt.Fprintf(out, "%v\n\n", err)
			if kind := orrery.KindOf(err); kind != orrery.Conflict && kind != orrery.Gone {
				return err
			}
		}
		if judged {
			done++
		}
		if !more {
			fmt.Fprintf(out, "%d done\n", done)
			return lines.Err()
		}
	}
	return context.Cause(ctx)
}

// ask asks for a verdict until there is one; more is false when the reviewer has
// enough.
func (w *reviewWork) ask(ctx context.Context, lines *bufio.Scanner, out io.Writer, r *api.Review) (more, judged bool, err error) {
	for {
		fmt.Fprintln(out)
		for i, verdict := range r.Verdicts {
			fmt.Fprintf(out, "  %d  %s\n", i+1, verdict)
		}
		if r.Several {
			fmt.Fprint(out, "  several with commas between them, such as 1,2\n")
		}
		fmt.Fprint(out, "  s  skip    q  quit\nyour verdict, and a note if you like: ")
		if !lines.Scan() {
			return false, false, nil
		}
		choice, note, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		verdict, known := verdictOf(r, choice)
		switch {
		case choice == "q":
			return false, false, nil
		case choice == "s":
			_, err := w.app.actOnReview(ctx, w.path, w.dir, "skip", r.DecisionID, api.ReviewActRequest{Reviewer: w.request.Reviewer, Reason: note}, api.SkipReview)
			return true, false, err
		case !known:
			fmt.Fprintf(out, "%q is none of these\n", choice)
			continue
		}
		request := api.VerdictRequest{Reviewer: w.request.Reviewer, Verdict: api.VerdictText(verdict), Note: strings.TrimSpace(note)}
		if len(r.Appeals) > 0 {
			fmt.Fprint(out, "was what was decided wrong? y or n: ")
			if !lines.Scan() {
				return false, false, nil
			}
			overturned := strings.HasPrefix(strings.TrimSpace(lines.Text()), "y")
			request.Overturned = &overturned
		}
		given, err := w.app.giveVerdict(ctx, w.path, w.dir, r.DecisionID, request)
		if err == nil {
			printVerdict(out, given)
		}
		fmt.Fprintln(out)
		return true, err == nil, err
	}
}

// verdictOf reads the number of a verdict, or where several can be given together
// numbers with commas between them.
func verdictOf(r *api.Review, choice string) (verdict string, known bool) {
	var names []string
	for number := range strings.SplitSeq(choice, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(r.Verdicts) {
			return "", false
		}
		names = append(names, r.Verdicts[n-1])
	}
	return strings.Join(names, orrery.LabelSeparator), len(names) == 1 || r.Several
}
