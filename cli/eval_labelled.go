package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/train"
)

// evalLabelled trains and tests on files of labelled events.
func (a *app) evalLabelled(ctx context.Context, s *spec.Spec, f evalFlags) error {
	switch {
	case len(f.events) == 0:
		return usagef("eval needs --events EVENT=FILE; see orrery eval --help")
	case f.train != "" || f.received != "":
		return usagef("labelled events are trained on whole: leave out --train and --received-column")
	case (f.folds != 0) == (len(f.test) > 0):
		return usagef("eval of labelled events needs --test EVENT=FILE or --folds, and not both")
	}
	result, err := a.evaluateLabelled(ctx, s, f)
	if err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { printEvaluation(w, result) })
	return nil
}

func (a *app) evaluateLabelled(ctx context.Context, s *spec.Spec, f evalFlags) (*replay.Evaluation, error) {
	if s.Label == nil || s.Model == nil {
		return nil, orrery.Errorf(orrery.Invalid, "nothing_to_evaluate", "the system %s has no label and model", s.System).WithNext("add label and model to its file")
	}
	renames, err := replay.ParseRenames(f.renames)
	if err != nil {
		return nil, err
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, err
	}
	var calibration *train.CalibrationReport
	protocol := replay.LabelledProtocol{System: s.System, Kind: f.model, Order: s.Label.Classes, Begun: time.Now()}
	if protocol.Kind == "" {
		protocol.Kind = s.Model.Kind
	}
	protocol.Trainer = func(classes []string) (replay.Trainer, error) {
		fit, _, err := reportingTrainer(withClasses(s, classes), f.model, nil, func(r *train.CalibrationReport) { calibration = r })
		return fit, err
	}
	learn, err := a.readLabelled(ctx, p, f.events, renames)
	if err != nil {
		return nil, err
	}
	notices := learn.Notices
	var out *replay.Evaluation
	if f.folds != 0 {
		out, err = replay.CrossValidate(ctx, learn, f.folds, f.seed, protocol)
	} else {
		var test *replay.Labelled
		if test, err = a.readLabelled(ctx, p, f.test, renames); err != nil {
			return nil, err
		}
		notices = append(notices, test.Notices...)
		out, err = replay.EvaluateLabelled(ctx, learn, test, protocol)
	}
	if err != nil {
		return nil, err
	}
	out.Calibration, out.Notices = calibration, notices
	return out, nil
}

// readLabelled reads the files of EVENT=FILE arguments.
func (a *app) readLabelled(ctx context.Context, p *plan.Plan, args []string, renames map[string]string) (*replay.Labelled, error) {
	inputs, err := parseInputs(args, "", p.Spec)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, in := range inputs {
		if in.Type != p.Spec.DecideOn {
			return nil, orrery.Errorf(orrery.Invalid, "not_decided_on", "labelled events are of the event decided on, %s, not %s", p.Spec.DecideOn.Name, in.Type.Name).
				WithNext("name it: %s=%s", p.Spec.DecideOn.Name, in.Path)
		}
		paths = append(paths, in.Path)
	}
	return replay.ReadLabelled(ctx, p, paths, renames)
}

// withClasses gives the spec as it would be for a label of other classes: those of
// labelled events need not be all of the spec's.
func withClasses(s *spec.Spec, classes []string) *spec.Spec {
	if s.Label.Classes == nil || slices.Equal(classes, s.Label.Classes) {
		return s
	}
	out, label, m := *s, *s.Label, *s.Model
	out.Label, out.Model = &label, &m
	label.Classes = classes
	if weights := m.Train.ClassWeights; weights != nil {
		m.Train.ClassWeights = make([]float64, len(classes))
		for k, class := range classes {
			m.Train.ClassWeights[k] = 1
			if i := slices.Index(s.Label.Classes, class); i >= 0 {
				m.Train.ClassWeights[k] = weights[i]
			}
		}
	}
	return &out
}
