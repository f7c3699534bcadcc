package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/train"
)

func (a *app) trainCommand() *cobra.Command {
	var dir string
	var request api.TrainRequest
	cmd := &cobra.Command{
		Use:   "train FILE|DIR",
		Short: "Fit the model on the log and put the release in force",
		Long: `Train replays the log, fits the system's model on the rows whose labels are
known, and writes a release: the spec and the model, immutable, named by the
digest of its content. A running server switches to it between two requests.`,
		Example: "  orrery train systems/fraud\n  orrery train systems/fraud --model forest --range 2018-07-04..2018-07-11",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.train(cmd.Context(), args[0], dir, request)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&request.Kind, "model", "", "the kind of model (default: the spec's)")
	cmd.Flags().StringVar(&request.Range, "range", "", "event times to train on, FROM..TO, half-open (default: the newest matured rows, as the spec says)")
	return cmd
}

func (a *app) train(ctx context.Context, path, dir string, request api.TrainRequest) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	var answer *api.TrainAnswer
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, st store.Store) error {
		return audited(st, "train", s.System, func() error {
			answer, err = (&jobs{app: a, engine: engine, store: st, spec: s}).Train(ctx, request)
			return err
		})
	})
	err = orByServer(err, dir, func(c *client) error {
		answer = &api.TrainAnswer{}
		return c.post(ctx, "/v1/systems/"+s.System+"/train", request, answer)
	})
	if err != nil {
		return err
	}
	a.print(answer, func(w io.Writer) {
		if s.Model.Whole {
			fmt.Fprintf(w, "made a release of the model's files in %.1f s\nrelease %s is in force\n", answer.Seconds, answer.Release.Short())
			return
		}
		note(w, answer.Outcomes.Notice())
		if answer.Reviewed > 0 {
			note(w, fmt.Sprintf("%d of the rows are known by reviewers alone; each weighs one over the share of its kind that they were asked about", answer.Reviewed))
		}
		if answer.Explored > 0 {
			note(w, fmt.Sprintf("%d of the rows were let through by chance; each weighs one over its propensity", answer.Explored))
		}
		of := fmt.Sprintf("%d of them positive", answer.Positives)
		if s.Label.Classes != nil {
			of = fmt.Sprintf("of %d classes", len(s.Label.Classes))
		}
		fmt.Fprintf(w, "trained %s on %d rows, %s, of %s in %.1f s\n", answer.Model, answer.Rows, of, answer.Range, answer.Seconds)
		fmt.Fprintf(w, "release %s is in force\n", answer.Release.Short())
	})
	return nil
}

// jobs does the long works that the command line and the server share.
type jobs struct {
	app    *app
	engine *serve.Engine
	store  store.Store
	spec   *spec.Spec
}

// Train implements api.Jobs.
func (j *jobs) Train(ctx context.Context, request api.TrainRequest) (*api.TrainAnswer, error) {
	begun := time.Now()
	fit, kind, err := trainer(j.spec, request.Kind, nil)
	if err != nil {
		return nil, err
	}
	span, err := j.trainSpan(ctx, request.Range)
	if err != nil {
		return nil, err
	}
	bar := j.app.bar("replay", "events", int64(j.engine.Last()))
	r, counts, err := serve.Learn(ctx, j.store, j.engine.Reader(), serve.Lesson{Spec: j.spec, Kind: kind, Fit: fit, Range: span, Tick: bar.Set})
	if err != nil {
		return nil, err
	}
	bar.Done("")
	if err := j.engine.Install(ctx, r.ID); err != nil {
		return nil, err
	}
	return &api.TrainAnswer{Release: r.ID, Model: kind, Range: counts.Range, Rows: counts.Rows, Positives: counts.Positives,
		Unknown: counts.Unknown, Explored: counts.Explored, Reviewed: counts.Reviewed, Outcomes: counts.Outcomes, Seconds: time.Since(begun).Seconds(), InForce: true}, nil
}

// trainSpan reads a range, or gives the newest that has matured.
func (j *jobs) trainSpan(ctx context.Context, text string) (replay.Range, error) {
	if text != "" {
		return parseRange(text, j.spec.Location)
	}
	latest, err := j.engine.Latest(ctx)
	return replay.TrainSpan(j.spec, latest), err
}

// Verify implements api.Jobs.
func (j *jobs) Verify(ctx context.Context) (*replay.Verification, error) {
	return j.engine.Reader().Verify(ctx, nil)
}

// trainer gives the function that fits the spec's model, or another kind with
// its defaults.
func trainer(s *spec.Spec, kind string, progress train.Progress) (replay.Trainer, string, error) {
	return reportingTrainer(s, kind, nil, progress, func(*train.CalibrationReport) {})
}

// reportingTrainer is trainer, and tells how a model was calibrated where it was
// to be. network is the spec's network where it is open already: nil opens it.
func reportingTrainer(s *spec.Spec, kind string, network *train.ONNX, progress train.Progress, report func(*train.CalibrationReport)) (replay.Trainer, string, error) {
	if s.Model == nil {
		return nil, "", orrery.Errorf(orrery.Invalid, "nothing_to_train", "the system %s has no model to train", s.System).
			WithNext("add model and label to its file")
	}
	if kind == "" {
		kind = s.Model.Kind
	}
	trainable, ok := builtin.Trainer(kind)
	if !ok {
		var names []string
		for _, k := range train.Kinds() {
			names = append(names, k.Name)
		}
		return nil, "", orrery.Errorf(orrery.Invalid, "model_kind_unknown", "there is no model kind %q", kind).
			WithNext("choose one of %s", strings.Join(names, ", "))
	}
	if trainable.Heads && kind == s.Model.Kind {
		return networkTrainer(s, network, progress, report)
	}
	params := train.Params(s.Model.Params)
	if kind != s.Model.Kind {
		params = train.Defaults(trainable.Kind)
	}
	return rowsTrainer(s, trainable, params, kind == s.Model.Kind, progress, report), kind, nil
}

// networkTrainer gives the trainer of a network's head, or what makes the network
// itself a model. Its files are read now, unless it is open.
func networkTrainer(s *spec.Spec, network *train.ONNX, progress train.Progress, report func(*train.CalibrationReport)) (replay.Trainer, string, error) {
	if network == nil {
		var err error
		if network, err = openNetwork(s); err != nil {
			return nil, "", err
		}
	}
	// What is wrong with it is said before history is read.
	if _, err := network.Open(); err != nil {
		return nil, "", err
	}
	if s.Model.Whole {
		var classes []string
		several := false
		if s.Label != nil {
			classes, several = s.Label.Classes, s.Label.Several
		}
		return func(context.Context, *train.Rows) (model.Model, error) { return network.Whole(classes, several) }, s.Model.Kind, nil
	}
	head, ok := builtin.Trainer(s.Model.Head.Kind)
	if !ok {
		return nil, "", orrery.Errorf(orrery.Invalid, "model_kind_unknown", "there is no model kind %q for a head", s.Model.Head.Kind)
	}
	fit := rowsTrainer(s, head, s.Model.Head.Params, true, progress, report)
	return replay.Trainer(network.Under(train.Fit(fit), head.ReadsText)), s.Model.Kind, nil
}

// rowsTrainer gives the trainer that fits a kind to rows, weighed and calibrated as
// the spec says. own says that it is the spec's kind, and not one that is compared.
func rowsTrainer(s *spec.Spec, kind train.Kind, params train.Params, own bool, progress train.Progress, report func(*train.CalibrationReport)) replay.Trainer {
	fit := func(ctx context.Context, rows *train.Rows) (model.Model, error) {
		if !kind.Monotone && !own {
			free := *rows // compared with another kind, which keeps no constraints
			free.Monotone = nil
			rows = &free
		}
		return kind.Fit(ctx, train.Weigh(rows, s.Model.Train.Balanced, s.Model.Train.ClassWeights), params, progress)
	}
	if !s.Model.Train.Calibrate {
		return fit
	}
	return func(ctx context.Context, rows *train.Rows) (model.Model, error) {
		m, calibration, err := train.RefitCalibrated(ctx, fit, rows, 0)
		report(calibration)
		return m, err
	}
}
