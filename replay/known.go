package replay

import (
	"slices"

	"orrery.dev"
)

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
	// said has what stands of each example, told where corrections can find it:
	// both are nil where nothing is corrected.
	said map[string][]outcome
	told map[orrery.Offset]string
}

func (x *Examples) positivesFrom(from orrery.Instant) *positives {
	p := &positives{outcomes: x.outcomes, entity: map[string]string{}, known: map[string]bool{}, examples: map[string]int{}}
	if x.corrected {
		p.said, p.told = map[string][]outcome{}, map[orrery.Offset]string{}
	}
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
		if p.said == nil {
			p.know(o.id, o.class == 1)
			continue
		}
		p.retell(o)
	}
}

// know notes what is known of an example from now on.
func (p *positives) know(id string, positive bool) {
	entity, ok := p.entity[id]
	if !ok || p.known[id] == positive {
		return
	}
	p.known[id] = positive
	if positive {
		p.examples[entity]++
	} else {
		p.examples[entity]--
	}
}

// retell puts an outcome in the place of the one that it corrects, if any.
func (p *positives) retell(o *outcome) {
	if id, ok := p.told[o.source]; ok {
		p.said[id] = slices.DeleteFunc(p.said[id], func(s outcome) bool { return s.source == o.source })
		delete(p.told, o.source)
		p.knowLast(id)
	}
	if o.none {
		return
	}
	if _, ok := p.entity[o.id]; ok {
		p.told[o.source] = o.id
		p.said[o.id] = standing(append(p.said[o.id], *o))
		p.knowLast(o.id)
	}
}

func (p *positives) knowLast(id string) {
	said := p.said[id]
	p.know(id, len(said) > 0 && said[len(said)-1].class == 1)
}

// has reports whether the entity is known by now.
func (p *positives) has(entity string) bool { return p.examples[entity] > 0 }
