package serve_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/text"
	"orrery.dev/train"
)

const readingSpec = `
orrery: 1
system: chat
entities: [author]
events:
  message:
    id: id
    time: at
    fields: {id: string, at: timestamp, author: entity, text: string}
  verdict:
    id: id
    time: at
    fields: {id: string, at: timestamp, message: string, label: string}
decide_on: message
text: {of: message.text}
label: {from: verdict.label, classes: [rude, fine], match: message, matures_after: 1h}
model: {kind: text, train: {range: 30d}}
policy:
  - {when: class == "rude", action: remove}
  - {action: allow}
`

// TestAnotherNormalForm starts a program that reads texts in another version of
// the normal form on the data of this one: it decides by the model that is there and
// says what to do, keeps what it decides apart from what was decided before, and
// verification says what it cannot recompute.
func TestAnotherNormalForm(t *testing.T) {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, readingSpec)}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)) }
	s.open()
	t.Cleanup(func() { s.close() })
	begin := orrery.InstantOf(time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC))
	sent := 0
	say := func(text string) *orrery.Decision {
		m := s.spec.DecideOn
		at := begin.Add(orrery.Duration(sent) * orrery.Minute)
		id := fmt.Sprint("m", sent)
		sent++
		return s.send([]orrery.Event{{Type: m, ID: id, Time: at,
			Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(at), orrery.EntityValue("ann"), orrery.StringValue(text)}}})[0].Decision
	}
	judge := func(label string) {
		v := s.spec.Contract.Event("verdict")
		at, about := begin.Add(orrery.Duration(sent)*orrery.Minute), fmt.Sprint("m", sent-1)
		s.send([]orrery.Event{{Type: v, ID: "v" + about, Time: at,
			Values: []orrery.Value{orrery.StringValue("v" + about), orrery.TimestampValue(at), orrery.StringValue(about), orrery.StringValue(label)}}})
	}
	for i := range 60 {
		say(fmt.Sprint("you blorp number ", i))
		judge("rude")
		say(fmt.Sprint("what a nice morning number ", i))
		judge("fine")
	}
	learn := func() *release.Release {
		t.Helper()
		kind, _ := builtin.Trainer("text")
		r, _, err := serve.Learn(t.Context(), s.store, s.engine.Reader(), serve.Lesson{Spec: s.spec, Kind: "text", Range: replay.Range{From: begin, To: begin.Add(orrery.Day)},
			Fit: func(ctx context.Context, rows *train.Rows) (model.Model, error) {
				return kind.Fit(ctx, rows, train.Params(s.spec.Model.Params), nil)
			}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	install := func(id orrery.ReleaseID) {
		t.Helper()
		if err := s.engine.Install(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	first := learn()
	if first.Form != text.Form || first.Lineage.Form != text.Form {
		t.Fatalf("a release of a text model has forms %d and %d", first.Form, first.Lineage.Form)
	}
	install(first.ID)
	if d := say("you blorp"); d.Action != "remove" || d.Release != first.ID {
		t.Fatalf("%+v", d)
	}
	if v := s.verifyClean(); v.Decisions != 121 || len(v.OtherForms) != 0 {
		t.Fatalf("%+v", v)
	}

	s.close()
	restore := serve.SetTextForm(text.Form + 1)
	defer func() { restore() }()
	var said bytes.Buffer
	s.logger = slog.New(slog.NewTextHandler(&said, nil))
	s.open()
	if !strings.Contains(said.String(), "another normal form") || !strings.Contains(said.String(), `next="orrery train"`) {
		t.Errorf("the program said %q", said.String())
	}
	carried := say("you blorp")
	if carried.Action != "remove" || carried.Release == first.ID {
		t.Fatalf("under another form: %+v", carried)
	}
	kept, err := release.Load(s.store.Blob(), carried.Release)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Form != text.Form+1 || kept.Lineage.Form != text.Form || kept.Lineage.Parent != first.ID {
		t.Errorf("the release with the older model: form %d, %+v", kept.Form, kept.Lineage)
	}
	v := s.verifyClean()
	if v.Decisions != 1 || len(v.OtherForms) != 2 || v.OtherForms[0].Decisions != 120 ||
		v.OtherForms[1] != (replay.OtherForm{Release: first.ID, Form: text.Form, Decisions: 1}) {
		t.Errorf("verified %+v", v)
	}
	if err := s.engine.Install(t.Context(), first.ID); orrery.CodeOf(err) != "release_text_form" {
		t.Errorf("the release of the other form is put in force: %v", err)
	}

	// Trained again it is quiet, also at the next start.
	again := learn()
	if again.ID == first.ID || again.Form != text.Form+1 || again.Lineage.Form != text.Form+1 {
		t.Fatalf("trained again: form %d, %+v", again.Form, again.Lineage)
	}
	install(again.ID)
	said.Reset()
	s.reopen()
	if d := say("you blorp"); d.Release != again.ID || said.Len() > 0 {
		t.Errorf("after training: %+v, said %q", d, said.String())
	}

	// What only the older program can recompute, it can.
	s.close()
	restore()
	restore = func() {}
	s.open()
	if v := s.verifyClean(); v.Decisions != 121 || len(v.OtherForms) != 2 {
		t.Errorf("by the first program: %+v", v)
	}
}

// TestNoText has no version of a normal form where no text is read.
func TestNoText(t *testing.T) {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, support)}
	s.open()
	t.Cleanup(func() { s.close() })
	before := s.engine.Plan().Release
	defer serve.SetTextForm(text.Form + 1)()
	s.reopen()
	if s.engine.Plan().Release != before {
		t.Error("a system that reads no text has another release for another normal form")
	}
}
