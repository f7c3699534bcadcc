package serve_test

import (
	"testing"

	"orrery.dev/orrerytest"
	"orrery.dev/store/memory"
)

// TestTheLagIsKnownFromTheStart asks how far feature state is durable before an
// engine has written any: what the one before wrote counts.
func TestTheLagIsKnownFromTheStart(t *testing.T) {
	s, st := orrerytest.FraudSpec(t), memory.New()
	engine := openSmall(t, st, s, 1<<30)
	events := sample(t, s, 3)
	for i := range events {
		submit(t, engine, events[i:i+1], events[i].Type.Is(s.DecideOn))
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	last := engine.Last()
	engine = openSmall(t, st, s, 1<<30)
	if got := engine.Stats(); got.Checkpoint != last || got.Last != last {
		t.Errorf("opened again at %d: %+v", last, got)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	forgetState(t, st, engine)
	engine = openSmall(t, st, s, 1<<30)
	if got := engine.Stats(); got.Checkpoint != 0 && got.Checkpoint < last {
		t.Errorf("without state: %+v", got)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
}
