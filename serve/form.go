package serve

import (
	"cmp"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/release"
	"orrery.dev/spec"
	"orrery.dev/text"
)

// textForm is the version of texts' normal form that this program reads. Tests
// stand for another program by changing it.
var textForm = text.Form

// firstForm is what releases read that were made before it was written down.
const firstForm = 1

// formFor gives the version of texts' normal form that decisions under a spec are
// made on by this program, 0 where they read none.
func formFor(s *spec.Spec) int {
	if plan.ReadsForm(s) {
		return textForm
	}
	return 0
}

// formOf gives the version that the decisions of a release were made on.
func formOf(r *release.Release, s *spec.Spec) int {
	if plan.ReadsForm(s) {
		return cmp.Or(r.Form, firstForm)
	}
	return 0
}

// warnOfForm says so where the model of a release learned from texts in another
// form than it reads now. It is kept: what it knows of most messages still holds,
// and a community without any model is worse off.
func (e *Engine) warnOfForm(r *release.Release, s *spec.Spec) {
	if r.Model == nil || s.Model == nil || !s.Model.ReadsWords {
		return
	}
	if learned := cmp.Or(r.Lineage.Form, firstForm); learned != textForm {
		e.options.Logger.Warn("the model in force learned from texts in another normal form than this program reads, and may score some of them worse",
			"learned", learned, "reads", textForm, "next", "orrery train")
	}
}

// otherForm is the error for putting a release in force that decides on another
// form than this program reads.
func otherForm(p *plan.Plan) error {
	return orrery.Errorf(orrery.Unavailable, "release_text_form", "release %s decides on version %d of texts' normal form, and this program reads version %d", p.Release.Short(), p.OtherForm, textForm).
		WithNext("train again with this program: orrery train; or go back to the program that made the release")
}
