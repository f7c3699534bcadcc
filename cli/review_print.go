package cli

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"orrery.dev/api"
	"orrery.dev/metric"
)

func printReviews(w io.Writer, page *api.ReviewPage) {
	if len(page.Reviews) == 0 {
		fmt.Fprintln(w, "nothing waits for a reviewer")
		return
	}
	rows := make([][]string, len(page.Reviews))
	for i, r := range page.Reviews {
		rows[i] = []string{r.DecisionID, r.Action, "score " + number(r.Score), "for " + r.Why, "since " + r.Since, state(&r)}
	}
	table(w, rows...)
	if page.Next != "" {
		fmt.Fprintf(w, "there may be more: --after %s\n", page.Next)
	}
}

func state(r *api.ReviewItem) string {
	switch {
	case !r.Open:
		return "ended, " + cmp.Or(r.Stands, "nothing") + " stands"
	case r.Reviewer != "":
		return r.Reviewer + " has it until " + r.Until
	}
	return "waits"
}

func printReview(w io.Writer, r *api.Review) {
	fmt.Fprintf(w, "review of %s, asked about for %s: %s\n", r.DecisionID, r.Why, state(&r.ReviewItem))
	for _, p := range r.Appeals {
		fmt.Fprintf(w, "appealed by %s at %s: %s\n", p.By, p.At, p.Reason)
	}
	for _, o := range r.Opinions {
		fmt.Fprintf(w, "%s said %s (%s) at %s %s\n", o.Reviewer, o.Verdict, o.Round, o.At, o.Note)
	}
	fmt.Fprintln(w)
	printRecord(w, r.Record)
	for _, c := range r.Context {
		fmt.Fprintf(w, "\nThe %s %s before that, of the last %d events:\n", c.Field, c.Key, c.Searched)
		rows := make([][]string, len(c.Events))
		for i, e := range c.Events {
			action := e.Action
			if e.DecisionID != "" {
				action = fmt.Sprintf("%s: %s, score %s", e.DecisionID, e.Action, number(e.Score))
			}
			rows[i] = []string{"  " + e.Type, string(e.Event), action}
		}
		table(w, rows...)
	}
}

func printVerdict(w io.Writer, v *api.VerdictAnswer) {
	fmt.Fprintf(w, "%s: %s, the %s opinion", v.DecisionID, v.Verdict, strings.Replace(v.Round, "appeal", "appeal's", 1))
	switch {
	case v.Repeated:
		fmt.Fprint(w, ", as you said before")
	case v.Outcome != nil:
		fmt.Fprintf(w, ", recorded as %s %s", v.Outcome.Type, v.Outcome.EventID)
	default:
		fmt.Fprint(w, "; what stood still stands")
	}
	if v.Overturned != nil {
		fmt.Fprintf(w, "; %s", map[bool]string{true: "overturned", false: "upheld"}[*v.Overturned])
	}
	if !v.Ended {
		fmt.Fprint(w, "; another reviewer is asked")
	}
	fmt.Fprintln(w)
}

func printAgreement(w io.Writer, g *api.ReviewAgreement) {
	if g.Items == 0 {
		fmt.Fprintln(w, "nothing was judged twice by chance; see review.second of the spec")
	} else {
		fmt.Fprintf(w, "%d decisions judged twice, by %d reviewers\n\n", g.Items, g.Reviewers)
		rows := [][]string{{"", "items", "agreed", "by chance", "kappa"}}
		add := func(name string, a *metric.Agreement) {
			if a != nil {
				rows = append(rows, []string{name, strconv.Itoa(a.Items), fmt.Sprintf("%.3f", a.Observed), fmt.Sprintf("%.3f", a.Expected), kappa(a)})
			}
		}
		add("all reviewers (Fleiss)", g.Fleiss)
		add("weighed to stand for all decisions", g.OfAll)
		for i := range g.Classes {
			add("  "+g.Classes[i].Verdict+" against the rest", &g.Classes[i].Fleiss)
		}
		for i := range g.Pairs {
			add("  "+strings.Join(g.Pairs[i].Reviewers[:], " and ")+" (Cohen)", &g.Pairs[i].Cohen)
		}
		table(w, rows...)
	}
	if g.LeftOut > 0 {
		fmt.Fprintf(w, "\n%d more were judged twice because somebody asked for it, and are left out\n", g.LeftOut)
	}
}

func kappa(a *metric.Agreement) string {
	if a.Kappa == nil {
		return "none: all verdicts are the same"
	}
	return fmt.Sprintf("%.3f", *a.Kappa)
}

func printReviewState(w io.Writer, st *api.ReviewState) {
	fmt.Fprintf(w, "%d decisions wait, %d of them claimed\n", st.Open, st.Claimed)
	if st.Oldest != "" {
		fmt.Fprintf(w, "the oldest since %s\n", st.Oldest)
	}
	for _, round := range []string{"first", "second", "third", "appeal", "change"} {
		if n := st.Verdicts[round]; n > 0 {
			fmt.Fprintf(w, "%d verdicts since the start: %s\n", n, round)
		}
	}
}
