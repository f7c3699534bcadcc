// Package access says who may do what: API keys, the secrets that configuration
// refers to, and the audit trail of administrative acts. Keys and trail live in
// a store's Meta, so that a key and the record of its making are one write.
package access

import (
	"slices"
	"strings"

	"orrery.dev"
)

// Verb is one sort of thing that a key may be allowed. None implies another.
type Verb string

// The verbs.
const (
	// Ingest records events without deciding on them.
	Ingest Verb = "ingest"
	// Decide asks for decisions.
	Decide Verb = "decide"
	// Read reads decisions, features, releases, metrics and the description.
	Read Verb = "read"
	// Review claims decisions that people are asked about, and gives verdicts on them.
	Review Verb = "review"
	// Admin trains, verifies, manages keys and controls, and reads the audit trail.
	Admin Verb = "admin"
)

// Verbs lists all of them.
func Verbs() []Verb { return []Verb{Ingest, Decide, Read, Review, Admin} }

// Everything in a Scope's Systems stands for every system.
const Everything = "*"

// Scope is what a key may be used for.
type Scope struct {
	// Systems are names of systems, or Everything alone.
	Systems []string `json:"systems"`
	Verbs   []Verb   `json:"verbs"`
}

// Allows reports whether the scope has the verb on the system. An empty system
// asks about what belongs to no system.
func (s *Scope) Allows(system string, verb Verb) bool {
	if !slices.Contains(s.Verbs, verb) {
		return false
	}
	return system == "" || slices.Contains(s.Systems, Everything) || slices.Contains(s.Systems, system)
}

// Check refuses a scope that allows nothing or names what there is not.
func (s *Scope) Check() error {
	if len(s.Systems) == 0 {
		return orrery.Errorf(orrery.Invalid, "scope_invalid", "a key needs the systems that it is for").WithField("systems").
			WithNext("name systems, or %s for every one", Everything)
	}
	if slices.Contains(s.Systems, "") {
		return orrery.Errorf(orrery.Invalid, "scope_invalid", "a system without a name is none").WithField("systems").
			WithNext("name systems, or %s for every one", Everything)
	}
	if len(s.Verbs) == 0 {
		return orrery.Errorf(orrery.Invalid, "scope_invalid", "a key needs the verbs that it is for").WithField("verbs").
			WithNext("name some of %s", verbList())
	}
	for _, verb := range s.Verbs {
		if !slices.Contains(Verbs(), verb) {
			return orrery.Errorf(orrery.Invalid, "scope_invalid", "there is no verb %q", verb).WithField("verbs").
				WithNext("name some of %s", verbList())
		}
	}
	return nil
}

func verbList() string {
	var names []string
	for _, verb := range Verbs() {
		names = append(names, string(verb))
	}
	return strings.Join(names, ", ")
}

// Actor is who does something, and from where.
type Actor struct {
	// Name is a key's id, "loopback" for a client of a server without keys, or
	// "local" for a command on the data directory.
	Name string
	// From is the client's network address, empty for a command.
	From string
}

// Local is the actor of a command that has the data directory open itself.
var Local = Actor{Name: "local"}

// Loopback names the clients of a server that has no keys.
const Loopback = "loopback"
