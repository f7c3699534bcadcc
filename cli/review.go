package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

func (a *app) reviewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Claim decisions that people are asked about, and give verdicts on them",
		Long: `The spec's review block says which decisions people are asked about. They wait in
a queue, which is part of the log: a reviewer claims one for a while and gives a
verdict, which is recorded as the decision's outcome, so that the next training
learns from it. Some are shown to a second reviewer, who learns nothing of the
first; where the two contradict each other, a third decides. Whoever a decision
concerns can appeal, and a reviewer who has not seen it looks.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.reviewWorkCommand(), a.reviewListCommand(), a.reviewShowCommand(), a.reviewClaimCommand(), a.reviewVerdictCommand(),
		a.reviewActCommand("skip", "Give a decision back, which the reviewer is not offered again", "reviewer", api.SkipReview),
		a.reviewActCommand("second", "Ask for the opinion of another reviewer", "by", api.AskSecond),
		a.reviewActCommand("appeal", "Have a decision looked at by a reviewer who has not seen it", "by", api.AppealDecision),
		a.reviewAgreementCommand(), a.reviewStatsCommand())
	return cmd
}

// reviewing does a command's work on the data directory, or through the server that
// has it open: sub is what follows /reviews in the path, body nil for what only
// looks.
func reviewing[T any](ctx context.Context, a *app, path, dir, sub string, body any, own func(*serve.Engine) (*T, error)) (*T, error) {
	var out *T
	err := a.either(ctx, path, dir, "", func(_ *spec.Spec, engine *serve.Engine) (err error) {
		out, err = own(engine)
		return err
	}, func(base string, c *client) error {
		out = new(T)
		if body == nil {
			return c.get(ctx, base+"/reviews"+sub, out)
		}
		return c.post(ctx, base+"/reviews"+sub, body, out)
	})
	return out, err
}

func reviewerFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "reviewer", userName(), "who reviews: always the same name for one person")
}

func filterFlags(cmd *cobra.Command, action, why *string) {
	cmd.Flags().StringVar(action, "action", "", "decisions for this action alone")
	cmd.Flags().StringVar(why, "why", "", "those asked about for this reason alone: action, uncertain, random or appeal")
}

func personalQuery(personal bool) string {
	if personal {
		return "?personal=true"
	}
	return ""
}

func (a *app) reviewListCommand() *cobra.Command {
	var dir, action, why, after string
	limit := 0
	cmd := &cobra.Command{
		Use:     "list FILE|DIR",
		Short:   "List the decisions that wait for a reviewer, the oldest first",
		Example: "  orrery review list systems/fraud --action review",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"action": action, "why": why, "after": after} {
				if value != "" {
					query.Set(name, value)
				}
			}
			page, err := reviewing(cmd.Context(), a, args[0], dir, "?"+query.Encode(), nil, func(engine *serve.Engine) (*api.ReviewPage, error) {
				return api.ListReviews(engine, query)
			})
			if err != nil {
				return err
			}
			a.print(page, func(w io.Writer) { printReviews(w, page) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	filterFlags(cmd, &action, &why)
	cmd.Flags().StringVar(&after, "after", "", "begin behind this decision")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return cmd
}

func (a *app) reviewShowCommand() *cobra.Command {
	var dir string
	var personal bool
	cmd := &cobra.Command{
		Use:     "show FILE|DIR ID",
		Short:   "Show a decision as a reviewer sees it, and what they said once that has ended",
		Example: "  orrery review show systems/fraud d42",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			decision, err := serve.ParseDecisionID(args[1])
			if err != nil {
				return err
			}
			r, err := reviewing(cmd.Context(), a, args[0], dir, "/"+args[1]+personalQuery(personal), nil, func(engine *serve.Engine) (*api.Review, error) {
				return api.ReadReview(cmd.Context(), engine, decision, personal)
			})
			if err != nil {
				return err
			}
			a.print(r, func(w io.Writer) { printReview(w, r) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().BoolVar(&personal, "personal", false, "show personal values too; of a running server that takes a key for admin")
	return cmd
}

func (a *app) reviewClaimCommand() *cobra.Command {
	var dir string
	var request api.ClaimRequest
	var personal bool
	cmd := &cobra.Command{
		Use:     "claim FILE|DIR [ID]",
		Short:   "Claim the next decision, or a certain one, and show it",
		Example: "  orrery review claim systems/fraud --reviewer ann --order uncertainty",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				request.Decision = args[1]
			}
			r, err := a.claimReview(cmd.Context(), args[0], dir, request, personal)
			if err != nil {
				return err
			}
			a.print(r, func(w io.Writer) { printReview(w, r) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	claimFlags(cmd, &request, &personal)
	return cmd
}

func claimFlags(cmd *cobra.Command, request *api.ClaimRequest, personal *bool) {
	reviewerFlag(cmd, &request.Reviewer)
	filterFlags(cmd, &request.Action, &request.Why)
	cmd.Flags().StringVar(&request.Order, "order", "", "what comes first: age, score or uncertainty (default: as the spec says)")
	cmd.Flags().BoolVar(personal, "personal", false, "show personal values too; of a running server that takes a key for admin")
}

func (a *app) claimReview(ctx context.Context, path, dir string, request api.ClaimRequest, personal bool) (*api.Review, error) {
	return reviewing(ctx, a, path, dir, "/claim"+personalQuery(personal), request, func(engine *serve.Engine) (*api.Review, error) {
		return api.ClaimReview(ctx, engine, request, "", personal)
	})
}

func (a *app) reviewVerdictCommand() *cobra.Command {
	var dir string
	var request api.VerdictRequest
	var overturned, upheld bool
	cmd := &cobra.Command{
		Use:   "verdict FILE|DIR ID VERDICT",
		Short: "Give a verdict: true or false, or a class of the label",
		Example: `  orrery review verdict systems/fraud d42 true --reviewer ann --note "same device as d17"
  orrery review verdict systems/fraud d42 false --reviewer ann --change`,
		Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if overturned && upheld {
				return usagef("an appeal is upheld or overturned, not both")
			}
			if overturned || upheld {
				request.Overturned = &overturned
			}
			request.Verdict = api.VerdictText(args[2])
			done, err := a.giveVerdict(cmd.Context(), args[0], dir, args[1], request)
			if err != nil {
				return err
			}
			a.print(done, func(w io.Writer) { printVerdict(w, done) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	reviewerFlag(cmd, &request.Reviewer)
	cmd.Flags().StringVar(&request.Note, "note", "", "what you say besides")
	cmd.Flags().BoolVar(&request.Second, "second", false, "ask for the opinion of another reviewer too")
	cmd.Flags().BoolVar(&request.Change, "change", false, "put this verdict in the place of your own")
	cmd.Flags().BoolVar(&overturned, "overturned", false, "the appeal was right, and what was decided wrong")
	cmd.Flags().BoolVar(&upheld, "upheld", false, "what was decided is upheld against the appeal")
	return cmd
}

func (a *app) giveVerdict(ctx context.Context, path, dir, id string, request api.VerdictRequest) (*api.VerdictAnswer, error) {
	decision, err := serve.ParseDecisionID(id)
	if err != nil {
		return nil, err
	}
	return reviewing(ctx, a, path, dir, "/"+id+"/verdict", request, func(engine *serve.Engine) (*api.VerdictAnswer, error) {
		return api.GiveVerdict(ctx, engine, decision, request, "")
	})
}

type reviewAct func(ctx context.Context, engine *serve.Engine, decision orrery.Offset, request api.ReviewActRequest, client string) (*api.ReviewItem, error)

func (a *app) reviewActCommand(verb, short, who string, do reviewAct) *cobra.Command {
	var dir, name, reason string
	cmd := &cobra.Command{
		Use: verb + " FILE|DIR ID", Short: short,
		Example: fmt.Sprintf("  orrery review %s systems/fraud d42 --%s ann", verb, who),
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			request := api.ReviewActRequest{By: name, Reason: reason}
			item, err := a.actOnReview(cmd.Context(), args[0], dir, verb, args[1], request, do)
			if err != nil {
				return err
			}
			a.print(item, func(w io.Writer) { printReviews(w, &api.ReviewPage{Reviews: []api.ReviewItem{*item}}) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	if who == "reviewer" {
		reviewerFlag(cmd, &name)
	} else {
		cmd.Flags().StringVar(&name, who, userName(), "who asks for it")
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the log")
	return cmd
}

func (a *app) actOnReview(ctx context.Context, path, dir, verb, id string, request api.ReviewActRequest, do reviewAct) (*api.ReviewItem, error) {
	decision, err := serve.ParseDecisionID(id)
	if err != nil {
		return nil, err
	}
	return reviewing(ctx, a, path, dir, "/"+id+"/"+verb, request, func(engine *serve.Engine) (*api.ReviewItem, error) {
		return do(ctx, engine, decision, request, "")
	})
}

func (a *app) reviewAgreementCommand() *cobra.Command {
	var dir, since string
	cmd := &cobra.Command{
		Use:     "agreement FILE|DIR",
		Short:   "Measure how far reviewers agree, by Cohen's and Fleiss' kappa",
		Example: "  orrery review agreement systems/fraud --since 2026-11-01",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, query := orrery.Instant(0), ""
			if since != "" {
				var err error
				if at, err = parseInstant(since, time.UTC); err != nil {
					return orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", since).WithNext("write it as in 2018-07-18T09:30:00Z")
				}
				query = "?since=" + url.QueryEscape(at.String())
			}
			g, err := reviewing(cmd.Context(), a, args[0], dir, "/agreement"+query, nil, func(engine *serve.Engine) (*api.ReviewAgreement, error) {
				return api.Agreement(engine, at)
			})
			if err != nil {
				return err
			}
			a.print(g, func(w io.Writer) { printAgreement(w, g) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&since, "since", "", "second opinions from this instant on")
	return cmd
}

func (a *app) reviewStatsCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "stats FILE|DIR",
		Short:   "Show how many decisions wait, and for how long",
		Example: "  orrery review stats systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := reviewing(cmd.Context(), a, args[0], dir, "/stats", nil, api.ReadReviewState)
			if err != nil {
				return err
			}
			a.print(st, func(w io.Writer) { printReviewState(w, st) })
			return nil
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}
