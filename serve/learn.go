package serve

import (
	"context"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/train"
)

// Lesson says what to learn from a log.
type Lesson struct {
	// Spec is the system to train for; it has a model and a label.
	Spec *spec.Spec
	// Kind and Fit make the model.
	Kind string
	Fit  replay.Trainer
	// Range is the span of event time to take rows from: see replay.TrainSpan.
	Range replay.Range
	// Tick, which may be nil, hears how many events have been read.
	Tick func(events int64)
}

// Learn fits a model to the rows of the log and saves the release, without
// putting it in force. A model that is complete in its files needs no rows, and
// there are none in its Counts.
func Learn(ctx context.Context, st store.Store, reader *Reader, lesson Lesson) (*release.Release, replay.Counts, error) {
	s := lesson.Spec
	if s.Model == nil || s.Label == nil {
		return nil, replay.Counts{}, orrery.Errorf(orrery.Invalid, "nothing_to_train", "the system %s has no model and label to train", s.System).
			WithNext("add model and label to its file")
	}
	s, err := reader.Fit(s, false)
	if err != nil {
		return nil, replay.Counts{}, err
	}
	if s.Model.Whole {
		r := &release.Release{Spec: s.Source, Form: formFor(s)}
		if err := complete(ctx, r, lesson.Kind, lesson.Fit); err != nil {
			return nil, replay.Counts{}, err
		}
		r.ID, err = release.Save(st.Blob(), s.System, r)
		return r, replay.Counts{}, err
	}
	through, err := st.Log().Last()
	if err != nil {
		return nil, replay.Counts{}, err
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, replay.Counts{}, err
	}
	span, err := reader.Within(lesson.Range, p)
	if err != nil {
		return nil, replay.Counts{}, err
	}
	source := reader.History(s.Contract)
	defer source.Close()
	examples, err := replay.Collect(ctx, p, source, span, s.Model.Features, lesson.Tick)
	if err != nil {
		return nil, replay.Counts{}, err
	}
	rows, counts := examples.TrainRows(examples.LabelsAt(s.Label, examples.Last+1), span)
	if err := replay.CheckTrainable(rows, span); err != nil {
		return nil, counts, err
	}
	m, err := lesson.Fit(ctx, rows)
	if err != nil {
		return nil, counts, err
	}
	r := &release.Release{Spec: s.Source, Form: formFor(s), Lineage: release.Lineage{Kind: lesson.Kind, Through: through,
		Range: counts.Range, Rows: counts.Rows, Positives: counts.Positives}}
	if s.Model.ReadsWords {
		r.Lineage.Form = textForm
	}
	if r.Model, err = m.AppendBinary(nil); err != nil {
		return nil, counts, err
	}
	r.ID, err = release.Save(st.Blob(), s.System, r)
	return r, counts, err
}

// complete puts a model that needs no rows into a release. Its lineage names the
// kind alone: neither the log nor a release before has a part in it.
func complete(ctx context.Context, r *release.Release, kind string, fit replay.Trainer) error {
	m, err := fit(ctx, &train.Rows{})
	if err != nil {
		return err
	}
	r.Lineage = release.Lineage{Kind: kind}
	r.Model, err = m.AppendBinary(nil)
	return err
}
