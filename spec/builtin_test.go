package spec_test

import (
	"testing"

	"orrery.dev/builtin"
	"orrery.dev/spec"
)

// TestFraudWithTheBuiltInKinds checks the example against the kinds that a user
// has.
func TestFraudWithTheBuiltInKinds(t *testing.T) {
	s, diagnostics, err := spec.Load("../systems/fraud", builtin.Registry())
	if err != nil || len(diagnostics) > 0 {
		t.Fatal(err, diagnostics)
	}
	if len(s.Model.Features) != 15 || len(s.Model.Params) == 0 {
		t.Errorf("%d inputs, params %v", len(s.Model.Features), s.Model.Params)
	}
}
