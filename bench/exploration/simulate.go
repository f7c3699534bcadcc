package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store/memory"
	"orrery.dev/systems/fraud"
	"orrery.dev/train"
)

//go:embed system.yaml
var systemText string

// Arm is one way to live with blocks.
type Arm struct {
	Name string
	// Omniscient reports the fraud of what was blocked too, which nobody can.
	Omniscient bool
	// Naive leaves unknown_when out: what was blocked is learned as genuine.
	Naive bool
	// Share of the would-be blocks is let through.
	Share float64
	// Told counts the fraud of what was blocked in the features, while those let
	// through stand for it in training: it tells apart what an arm loses by
	// learning from fewer rows and by features that miss reports.
	Told bool
}

func (a Arm) spec() (*spec.Spec, error) {
	text := systemText
	if !a.Naive && !a.Omniscient {
		text += "  unknown_when: action == \"block\"\n"
	}
	if a.Share > 0 {
		text += fmt.Sprintf("explore: {action: block, instead: approve, share: %v}\n", a.Share)
	}
	s, diagnostics := spec.Check(a.Name, []byte(text), builtin.Registry())
	return s, diagnostics.Err()
}

// Scale says how much is simulated.
type Scale struct {
	Customers, Terminals int
	// Rounds of a week each, every one with a new model, after a first model that
	// is trained before anything is blocked.
	Rounds int
	// Drift lays new kinds of fraud over the world as time goes on.
	Drift bool
}

// The calendar of a simulation, in days.
const (
	// history comes before the first model: the windows of the features, the
	// training range and the time that labels take to mature.
	history = 52
	week    = 7
)

// Simulation runs one arm in one world.
type Simulation struct {
	arm     Arm
	drifts  bool
	world   *fraud.World
	encoder *fraud.Encoder
	spec    *spec.Spec
	store   *memory.Store
	engine  *serve.Engine
	now     atomic.Int64
	// reports are the frauds that will be told, in order.
	reports []fraud.Transaction
	scores  metric.Set
}

// Simulate gives the average precision of each model over the week after it was
// trained, on the truth about every transaction, whatever was done with it. The
// first was trained before anything was blocked.
func Simulate(ctx context.Context, arm Arm, scale Scale, seed uint64) ([]float64, error) {
	s := &Simulation{arm: arm, drifts: scale.Drift, store: memory.New()}
	var err error
	if s.spec, err = arm.spec(); err != nil {
		return nil, err
	}
	if s.world, err = fraud.New(fraud.Options{Customers: scale.Customers, Terminals: scale.Terminals, Seed: seed}); err != nil {
		return nil, err
	}
	if s.encoder, err = fraud.NewEncoder(s.spec.Contract); err != nil {
		return nil, err
	}
	dawn, _ := s.world.Bounds()
	s.now.Store(int64(dawn))
	if s.engine, err = serve.Open(ctx, s.store, s.spec, serve.Options{Registry: builtin.Registry(), Clock: func() orrery.Instant { return orrery.Instant(s.now.Load()) },
		CheckpointEvery: time.Hour}); err != nil {
		return nil, err
	}
	precisions, err := s.live(ctx, dawn, scale.Rounds)
	return precisions, errors.Join(err, s.engine.Close())
}

// live goes through the history and the rounds.
func (s *Simulation) live(ctx context.Context, dawn orrery.Instant, rounds int) ([]float64, error) {
	day := func(n int) orrery.Instant { return dawn.Add(orrery.Duration(n) * orrery.Day) }
	if err := s.serve(ctx, dawn, day(0), day(history)); err != nil {
		return nil, err
	}
	var out []float64
	for round := range rounds + 1 {
		begins := history + round*week
		if err := s.retrain(ctx, day(begins)); err != nil {
			return nil, fmt.Errorf("round %d: %w", round, err)
		}
		s.scores = metric.Set{}
		if err := s.serve(ctx, dawn, day(begins), day(begins+week)); err != nil {
			return nil, err
		}
		precision, err := metric.AveragePrecision(s.scores)
		if err != nil {
			return nil, err
		}
		out = append(out, precision)
	}
	return out, nil
}

// batch is how many transactions are decided on together, when no report comes
// between them.
const batch = 64

// serve decides on the transactions from one instant to another, and tells the
// reports that fall due.
func (s *Simulation) serve(ctx context.Context, dawn, from, to orrery.Instant) error {
	var waiting []fraud.Transaction
	for t := range s.world.Transactions(from, to) {
		if s.drifts {
			t = drift(dawn, t)
		}
		if len(waiting) == batch || len(s.reports) > 0 && s.reports[0].At.Add(fraud.ReportDelay) <= t.At {
			if err := s.decide(ctx, waiting); err != nil {
				return err
			}
			waiting = waiting[:0]
			if err := s.tell(ctx, t.At); err != nil {
				return err
			}
		}
		waiting = append(waiting, t)
	}
	return s.decide(ctx, waiting)
}

func (s *Simulation) decide(ctx context.Context, transactions []fraud.Transaction) error {
	if len(transactions) == 0 {
		return nil
	}
	events := make([]orrery.Event, len(transactions))
	for i, t := range transactions {
		events[i] = s.encoder.Encode(fraud.Event{Type: fraud.TransactionType, At: t.At, Transaction: t})
	}
	s.now.Store(int64(transactions[len(transactions)-1].At))
	results, err := s.engine.Decide(ctx, events, 0)
	if err != nil {
		return err
	}
	for i := range results {
		if results[i].Err != nil {
			return results[i].Err
		}
		t, d := transactions[i], results[i].Decision
		label := 0.0
		if t.Fraud() {
			label = 1
			if s.arm.Omniscient || s.arm.Told || d.Action != "block" {
				s.reports = append(s.reports, t)
			}
		}
		s.scores.Label, s.scores.Score = append(s.scores.Label, label), append(s.scores.Score, d.Score)
	}
	return nil
}

// tell ingests the reports that fall due up to an instant.
func (s *Simulation) tell(ctx context.Context, until orrery.Instant) error {
	for len(s.reports) > 0 && s.reports[0].At.Add(fraud.ReportDelay) <= until {
		t := s.reports[0]
		s.reports = s.reports[1:]
		at := t.At.Add(fraud.ReportDelay)
		s.now.Store(int64(at))
		results, err := s.engine.Ingest(ctx, []orrery.Event{s.encoder.Encode(fraud.Event{Type: fraud.ReportType, At: at, Transaction: t})}, false)
		if err == nil {
			err = results[0].Err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// retrain fits the next model on the log as it is and puts it in force. Where
// the log holds no fraud to learn from, the model in force stays.
func (s *Simulation) retrain(ctx context.Context, at orrery.Instant) error {
	trainable, _ := builtin.Trainer(s.spec.Model.Kind)
	r, _, err := serve.Learn(ctx, s.store, s.engine.Reader(), serve.Lesson{Spec: s.spec, Kind: s.spec.Model.Kind, Range: replay.TrainSpan(s.spec, at),
		Fit: func(ctx context.Context, rows *train.Rows) (model.Model, error) {
			return trainable.Fit(ctx, rows, train.Params(s.spec.Model.Params), nil)
		}})
	if orrery.CodeOf(err) == "train_range_one_class" {
		return nil
	}
	if err != nil {
		return err
	}
	return s.engine.Install(ctx, r.ID)
}

// drift lays new kinds of fraud over the world as time goes on: small amounts
// at night from the third round, and a band of amounts at weekends from the
// sixth. What was fraud stays fraud.
func drift(dawn orrery.Instant, t fraud.Transaction) fraud.Transaction {
	day, at := int(orrery.Duration(t.At-dawn)/orrery.Day), t.At.Time()
	weekend := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
	switch {
	case t.Fraud():
	case day >= history+3*week && at.Hour() <= 6 && t.AmountCents < 1000,
		day >= history+6*week && weekend && t.AmountCents >= 9000 && t.AmountCents < 9500:
		t.Scenario = fraud.LargeAmount
	}
	return t
}
