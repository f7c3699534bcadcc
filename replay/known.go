package replay

import "orrery.dev"

// positives follows, as time goes on, which entities are known to have had a
// positive outcome: Example.Excluded of the examples from an instant on.
type positives struct {
	outcomes []outcome
	// entity has for each example the entity that it excludes.
	entity map[string]string
	// known has for each example what is known of it, examples for each entity
	// how many of its examples are positive.
	known    map[string]bool
	examples map[string]int
}

func (x *Examples) positivesFrom(from orrery.Instant) *positives {
	p := &positives{outcomes: x.outcomes, entity: map[string]string{}, known: map[string]bool{}, examples: map[string]int{}}
	for i := range x.List {
		if e := &x.List[i]; e.Time >= from && e.Excluded != "" {
			p.entity[e.ID] = e.Excluded
		}
	}
	return p
}

// advance takes the outcomes that were received before an instant, which is not
// before that of the last call.
func (p *positives) advance(at orrery.Instant) {
	for len(p.outcomes) > 0 && p.outcomes[0].received < at {
		o := &p.outcomes[0]
		p.outcomes = p.outcomes[1:]
		entity, ok := p.entity[o.id]
		if !ok || p.known[o.id] == (o.class == 1) {
			continue
		}
		p.known[o.id] = o.class == 1
		if o.class == 1 {
			p.examples[entity]++
		} else {
			p.examples[entity]--
		}
	}
}

// has reports whether the entity is known by now.
func (p *positives) has(entity string) bool { return p.examples[entity] > 0 }
