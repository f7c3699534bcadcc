package replay_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/train"
)

// readers is a system that decides on a text and nothing else.
const readers = `
orrery: 1
system: readers
entities: [author]
events:
  message:
    id: message_id
    time: at
    fields: {message_id: string, at: timestamp, text: string}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, message_id: string, label: string}
decide_on: message
text: message.text
label: {from: verdict.label, CLASSES, match: message_id, matures_after: 1h}
model: {kind: text, train: {range: 30d}, params: {misspell: 0}}
policy: [{when: score > 0.5, action: remove}, {action: allow}]
`

// readersOf gives the plan of a system with a label of some classes, and how it is
// trained.
func readersOf(t *testing.T, classes string) (*plan.Plan, replay.LabelledProtocol) {
	t.Helper()
	s := orrerytest.Spec(t, strings.Replace(readers, "CLASSES", classes, 1))
	p, err := plan.Compile("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := builtin.Trainer("text")
	params := train.Defaults(kind.Kind)
	params["misspell"] = 0.0
	return p, replay.LabelledProtocol{System: s.System, Kind: "text", Order: s.Label.Classes, Begun: time.Now(),
		Trainer: func([]string) (replay.Trainer, error) {
			return func(ctx context.Context, rows *train.Rows) (model.Model, error) {
				return kind.Fit(ctx, rows, params, nil)
			}, nil
		}}
}

// TestBiasOfNamedGroups trains on messages in which one group is named in hateful
// ones alone: the harmless ones that name it then score too high.
func TestBiasOfNamedGroups(t *testing.T) {
	p, protocol := readersOf(t, "classes: [hate, neither]")
	groups := []string{"blim", "quax", "zorg", "nobody"}
	file := func(name string, of func(i int) (text, label string)) string {
		var b strings.Builder
		b.WriteString("message_id,text,label\n")
		for i := range 240 {
			text, label := of(i)
			fmt.Fprintf(&b, "%s%d,%s,%s\n", name, i, text, label)
		}
		path := filepath.Join(t.TempDir(), name+".csv")
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	said := []string{"are filth and vermin", "sing in the park", "should hang", "bake good bread"}
	learn := file("a", func(i int) (string, string) {
		group := []string{"blim", "quax"}[i/2%2]
		if i%2 == 1 && group == "blim" {
			group = "folk"
		}
		return fmt.Sprintf("%s %s %d", group, said[i%4], i), []string{"hate", "neither"}[i%2]
	})
	test := file("b", func(i int) (string, string) {
		group := []string{"blim", "quax", "folk"}[i%3]
		if i == 0 {
			group = "zorg"
		}
		return fmt.Sprintf("%s %s %d", group, []string{"are filth", "walk home"}[i/3%2], i), []string{"hate", "neither"}[i/3%2]
	})
	read := func(path string) *replay.Labelled {
		l, err := replay.ReadLabelled(t.Context(), p, []string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	protocol.Identities = &replay.Identities{Class: "hate", Groups: groups, In: func(text string) (out []int) {
		for g, name := range groups {
			if strings.Contains(text, name) {
				out = append(out, g)
			}
		}
		return out
	}}
	got, err := replay.EvaluateLabelled(t.Context(), read(learn), read(test), protocol)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bias == nil || got.Bias.Class != "hate" || len(got.Bias.Groups) != 4 {
		t.Fatalf("%+v", got.Bias)
	}
	blim, quax, zorg, nobody := got.Bias.Groups[0], got.Bias.Groups[1], got.Bias.Groups[2], got.Bias.Groups[3]
	if blim.Rows != 79 || blim.Positives != 39 || *blim.SubgroupAUC < 0.9 || *blim.BPSN >= *quax.BPSN-0.02 {
		t.Errorf("%+v: BPSN %v, and %v of the group that is in both", blim, *blim.BPSN, *quax.BPSN)
	}
	if zorg.Rows != 1 || zorg.SubgroupAUC != nil || !strings.Contains(zorg.Why, "1 positive and 0 negative") || nobody.Rows != 0 {
		t.Errorf("%+v, %+v", zorg, nobody)
	}

	// Folds have it too, and a class that nobody has is said.
	if got, err = replay.CrossValidate(t.Context(), read(learn), 3, 0, protocol); err != nil || got.Bias == nil || got.Bias.Groups[1].Rows != 120 {
		t.Errorf("%+v, %v", got, err)
	}
	protocol.Identities.Class = "rude"
	got, err = replay.EvaluateLabelled(t.Context(), read(learn), read(test), protocol)
	if err != nil || got.Bias != nil || !slices.ContainsFunc(got.Notices, func(n string) bool { return strings.Contains(n, "--hate hate") }) {
		t.Errorf("%+v, %v, %v", got.Bias, got.Notices, err)
	}
}
