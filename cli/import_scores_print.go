package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"orrery.dev/metric"
	"orrery.dev/perspective"
)

// ScoresReport says which thresholds keep a site's policy.
type ScoresReport struct {
	System string `json:"system"`
	// Texts counts those with old scores and new ones.
	Texts   int     `json:"texts"`
	LeftOut LeftOut `json:"left_out"`
	// Refused counts the faults of the file, First has the first few.
	Refused    int                     `json:"refused"`
	First      []perspective.LineFault `json:"first,omitempty"`
	Attributes []KeptAttribute         `json:"attributes"`
	// Rules are lines for the policy of system.yaml.
	Rules []string `json:"rules"`
}

// LeftOut counts texts that nothing is learned from.
type LeftOut struct {
	// Language is those in a language that the system does not know, NoScore those
	// that it could not score.
	Language int `json:"language"`
	NoScore  int `json:"no_score"`
}

// KeptAttribute is what is found of one attribute.
type KeptAttribute struct {
	Attribute string `json:"attribute"`
	// Expression is what the system serves for it.
	Expression string `json:"expression"`
	// RankCorrelation is Spearman's, of old scores and new ones; null where all
	// scores of one kind are equal.
	RankCorrelation *float64        `json:"rank_correlation"`
	Thresholds      []KeptPolicyCut `json:"thresholds"`
}

// KeptPolicyCut is a threshold that keeps one of the site's.
type KeptPolicyCut struct {
	metric.KeptThreshold
	Action string `json:"action"`
	// Warning says what is doubtful about it.
	Warning string `json:"warning,omitempty"`
}

// fewRows is how many messages on either side of a threshold say little of it.
const fewRows = 30

// measure finds the thresholds.
func (im *scoresImport) measure(out *ScoresReport) error {
	texts := map[int]bool{}
	for _, name := range im.attributes() {
		k := KeptAttribute{Attribute: name, Expression: im.spec.Perspective.Attributes[im.spec.Perspective.Attribute(name)].Value.Canonical()}
		var old, next []float64
		for i, s := range im.scored {
			before, had := s.Scores[name]
			if now, has := im.next[i][name]; had && has {
				old, next = append(old, before), append(next, now)
				texts[i] = true
			}
		}
		for _, t := range im.thresholds {
			if t.attribute != name {
				continue
			}
			kept := KeptPolicyCut{KeptThreshold: metric.KeptThreshold{Old: t.score}, Action: t.action}
			if len(old) > 0 {
				var err error
				if kept.KeptThreshold, err = metric.KeepShare(old, next, t.score); err != nil {
					return err
				}
			}
			kept.Warning = doubt(&kept.KeptThreshold)
			k.Thresholds = append(k.Thresholds, kept)
		}
		if len(old) > 0 {
			var err error
			if k.RankCorrelation, err = metric.RankCorrelation(old, next); err != nil {
				return err
			}
		}
		slices.SortFunc(k.Thresholds, func(a, b KeptPolicyCut) int { return cmp.Compare(b.Old, a.Old) })
		out.Attributes = append(out.Attributes, k)
		for _, t := range k.Thresholds {
			if t.New != nil {
				out.Rules = append(out.Rules, ruleOf(&k, &t))
			}
		}
	}
	out.Texts = len(texts)
	return nil
}

// doubt says why a threshold should not be relied on, empty where nothing does.
func doubt(k *metric.KeptThreshold) string {
	var why []string
	switch {
	case k.Rows == 0:
		return "no text has an old score and a new one"
	case k.OldAbove == 0:
		return "no message has an old score that high, so nothing says where the new threshold lies"
	case k.OldAbove < fewRows:
		why = append(why, fmt.Sprintf("only %d messages are at or above the old threshold: collect more", k.OldAbove))
	case k.Rows-k.OldAbove < fewRows:
		why = append(why, fmt.Sprintf("only %d messages are below the old threshold: collect more", k.Rows-k.OldAbove))
	}
	if k.NewAbove != k.OldAbove {
		why = append(why, fmt.Sprintf("messages with equal new scores cannot be parted, so %d are taken and not %d", k.NewAbove, k.OldAbove))
	}
	return strings.Join(why, "; ")
}

// ruleOf writes a rule of the policy in YAML.
func ruleOf(k *KeptAttribute, t *KeptPolicyCut) string {
	when := k.Expression + " >= " + strconv.FormatFloat(*t.New, 'f', -1, 64)
	if strings.ContainsAny(when, ",[]{}#:'\"?&|!%") {
		when = "'" + strings.ReplaceAll(when, "'", "''") + "'"
	}
	return fmt.Sprintf("- {when: %s, action: %s}  # %s >= %v", when, t.Action, k.Attribute, t.Old)
}

func printScores(w io.Writer, r *ScoresReport) {
	for _, f := range r.First {
		fmt.Fprintln(w, f)
	}
	if more := r.Refused - len(r.First); more > 0 {
		fmt.Fprintf(w, "and %d more faults\n", more)
	}
	if n := r.LeftOut.Language; n > 0 {
		note(w, fmt.Sprintf("%d texts are left out: they are in no language that the system knows", n))
	}
	if n := r.LeftOut.NoScore; n > 0 {
		note(w, fmt.Sprintf("%d texts are left out: the system could not score them", n))
	}
	if len(r.Attributes) == 0 {
		fmt.Fprintln(w, "no text is left to score")
		return
	}
	number := func(x *float64, unbounded string) string {
		if x == nil {
			return unbounded
		}
		return fmt.Sprintf("%.6g", *x)
	}
	rows := [][]string{{"attribute", "action", "was", "becomes", "95% interval", "of messages", "was", "same", "no longer", "newly"}}
	for _, k := range r.Attributes {
		for _, t := range k.Thresholds {
			interval := "–"
			if t.New != nil {
				interval = number(t.Low, "…") + " to " + number(t.High, "…")
			}
			rows = append(rows, []string{k.Attribute, t.Action, fmt.Sprint(t.Old), number(t.New, "–"), interval,
				fmt.Sprintf("%.2f %%", 100*t.NewShare), fmt.Sprintf("%.2f %%", 100*t.OldShare), fmt.Sprintf("%.2f %%", 100*t.Agreement), fmt.Sprint(t.OldOnly), fmt.Sprint(t.NewOnly)})
		}
	}
	fmt.Fprintf(w, "%d texts with old scores and new ones\n\n", r.Texts)
	table(w, rows...)
	fmt.Fprintln(w)
	rows = [][]string{{"attribute", "served as", "rank correlation"}}
	for _, k := range r.Attributes {
		rows = append(rows, []string{k.Attribute, k.Expression, number(k.RankCorrelation, "–")})
	}
	table(w, rows...)
	fmt.Fprintln(w)
	for _, k := range r.Attributes {
		for _, t := range k.Thresholds {
			if t.Warning != "" {
				fmt.Fprintf(w, "warning: %s %v: %s\n", k.Attribute, t.Old, t.Warning)
			}
		}
	}
	if len(r.Rules) > 0 {
		fmt.Fprintf(w, "for the policy of system.yaml, the severest action first:\n\n")
		for _, rule := range r.Rules {
			fmt.Fprintln(w, "  "+rule)
		}
	}
}
