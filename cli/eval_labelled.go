package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
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
	case count(f.folds != 0, len(f.test) > 0, f.functional) != 1:
		return usagef("eval of labelled events needs one of --test EVENT=FILE, --folds and --functional")
	case f.functional:
		return a.evalFunctional(ctx, s, f)
	}
	result, err := a.evaluateLabelled(ctx, s, f)
	if err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { printEvaluation(w, result) })
	return nil
}

// labelledRun is what an evaluation on labelled events begins with.
type labelledRun struct {
	plan        *plan.Plan
	protocol    replay.LabelledProtocol
	renames     map[string]string
	learn       *replay.Labelled
	calibration *train.CalibrationReport
}

func (a *app) labelledRun(ctx context.Context, s *spec.Spec, f evalFlags) (run *labelledRun, err error) {
	if s.Label == nil || s.Model == nil {
		return nil, orrery.Errorf(orrery.Invalid, "nothing_to_evaluate", "the system %s has no label and model", s.System).WithNext("add label and model to its file")
	}
	run = &labelledRun{protocol: replay.LabelledProtocol{System: s.System, Kind: f.model, Order: s.Label.Classes, Begun: time.Now()}}
	if run.protocol.Identities, err = f.identitiesOf(s); err != nil {
		return nil, err
	}
	if run.renames, err = replay.ParseRenames(f.renames); err != nil {
		return nil, err
	}
	if run.plan, err = plan.Compile("", s, nil); err != nil {
		return nil, err
	}
	if run.protocol.Kind == "" {
		run.protocol.Kind = s.Model.Kind
	}
	var network *train.ONNX
	if kind, ok := builtin.Trainer(run.protocol.Kind); ok && kind.Heads && kind.Name == s.Model.Kind {
		if network, err = openNetwork(s); err != nil {
			return nil, err
		}
	}
	run.protocol.Trainer = func(classes []string) (replay.Trainer, error) {
		fit, _, err := reportingTrainer(withClasses(s, classes), f.model, network, nil, func(r *train.CalibrationReport) { run.calibration = r })
		return fit, err
	}
	run.learn, err = a.readLabelled(ctx, run.plan, f.events, run.renames)
	return run, err
}

func (a *app) evaluateLabelled(ctx context.Context, s *spec.Spec, f evalFlags) (*replay.Evaluation, error) {
	run, err := a.labelledRun(ctx, s, f)
	if err != nil {
		return nil, err
	}
	notices := run.learn.Notices
	var out *replay.Evaluation
	if f.folds != 0 {
		out, err = replay.CrossValidate(ctx, run.learn, f.folds, f.seed, run.protocol)
	} else {
		var test *replay.Labelled
		if test, err = a.readLabelled(ctx, run.plan, f.test, run.renames); err != nil {
			return nil, err
		}
		notices = append(notices, test.Notices...)
		out, err = replay.EvaluateLabelled(ctx, run.learn, test, run.protocol)
	}
	if err != nil {
		return nil, err
	}
	out.Calibration, out.Notices = run.calibration, append(notices, out.Notices...)
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
// labelled events need not be all of the spec's. A model that is complete in its
// files keeps them.
func withClasses(s *spec.Spec, classes []string) *spec.Spec {
	if s.Label.Classes == nil || slices.Equal(classes, s.Label.Classes) || s.Model.Whole {
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
