// Package orrerytest has what the tests of several packages share.
package orrerytest

import (
	"testing"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
)

// FraudSpec gives the spec of the fraud system that ships, so that what is
// tested is what runs.
func FraudSpec(t testing.TB) *spec.Spec {
	t.Helper()
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Spec(t, string(source))
}

// Spec checks a spec and fails the test when it has a fault.
func Spec(t testing.TB, source string) *spec.Spec {
	t.Helper()
	s, diagnostics := spec.Check("system.yaml", []byte(source), builtin.Registry())
	if s == nil {
		t.Fatal(diagnostics)
	}
	return s
}

// FraudEvents gives the events of a small sample world in time order, encoded
// for the contract of s.
func FraudEvents(t testing.TB, s *spec.Spec, o fraud.Options) []orrery.Event {
	t.Helper()
	world, err := fraud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := fraud.NewEncoder(s.Contract)
	if err != nil {
		t.Fatal(err)
	}
	from, to := world.Bounds()
	var events []orrery.Event
	for e := range world.Events(from, to) {
		events = append(events, encoder.Encode(e))
	}
	return events
}
