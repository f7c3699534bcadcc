package functional

import (
	"math"
	"math/rand/v2"
	"testing"

	"orrery.dev"
)

func TestScoreByHand(t *testing.T) {
	cases := []Case{
		{ID: "a", Class: Hate, Hateful: true, Functionality: "threat", Group: "elves"},
		{ID: "b", Class: Hate, Hateful: true, Functionality: "threat", Group: "dwarves"},
		{ID: "c", Class: Neither, Functionality: "neutral", Group: "elves"},
		{ID: "d", Class: Offensive, Functionality: "objects"},
		{ID: "a/leet", Of: "a", Trick: "leet", Class: Hate, Hateful: true, Functionality: "threat", Group: "elves"},
		{ID: "d/leet", Of: "d", Trick: "leet", Class: Offensive, Functionality: "objects"},
	}
	r, err := Score(cases, []bool{true, false, true, false, false, false})
	if err != nil {
		t.Fatal(err)
	}
	if r.Confusion != (Confusion{HatefulFound: 1, HatefulMissed: 2, OthersCleared: 2, OthersAccused: 1}) {
		t.Errorf("%+v", r.Confusion)
	}
	close := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	close("accuracy", r.Accuracy, 3.0/6)
	close("macro-F1", r.MacroF1, (2*1.0/(2+2+1)+2*2.0/(4+2+1))/2)
	close("untouched accuracy", r.Untouched.Accuracy, 2.0/4)
	close("untouched macro-F1", r.Untouched.MacroF1, 0.5)
	if want := []Share{{"threat", Hate, 2, 1, 0.5}, {"neutral", Neither, 1, 0, 0}, {"objects", Offensive, 1, 1, 1}}; !equal(r.Functionalities, want) {
		t.Errorf("%+v", r.Functionalities)
	}
	if want := []Share{{"elves", "", 2, 1, 0.5}, {"dwarves", "", 1, 0, 0}}; !equal(r.Groups, want) {
		t.Errorf("%+v", r.Groups)
	}
	if len(r.Tricks) != 1 || r.Tricks[0] != (TrickShare{Share{"leet", "", 2, 1, 0.5}, 1}) {
		t.Errorf("%+v", r.Tricks)
	}
}

func equal(a, b []Share) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Whatever is answered, the shares add up to the whole.
func TestScoreAddsUp(t *testing.T) {
	cases := Builtin().Cases(nil)
	random := rand.New(rand.NewPCG(1, 1))
	hateful := make([]bool, len(cases))
	for i := range hateful {
		hateful[i] = random.IntN(2) == 0
	}
	r, err := Score(cases, hateful)
	if err != nil {
		t.Fatal(err)
	}
	sum, right := 0, 0
	for _, f := range r.Functionalities {
		sum, right = sum+f.Cases, right+f.Right
	}
	if sum != r.Untouched.Cases || math.Abs(float64(right)/float64(sum)-r.Untouched.Accuracy) > 1e-12 {
		t.Errorf("functionalities have %d cases, %d right; untouched are %+v", sum, right, r.Untouched)
	}
	for _, f := range r.Tricks {
		sum, right = sum+f.Cases, right+f.Right
	}
	if sum != r.Cases || math.Abs(float64(right)/float64(sum)-r.Accuracy) > 1e-12 {
		t.Errorf("all have %d cases, %d right; the report says %d and %v", sum, right, r.Cases, r.Accuracy)
	}
	if c := r.Confusion; c.HatefulFound+c.OthersCleared != right || c.HatefulMissed+c.OthersAccused != sum-right {
		t.Errorf("%+v", c)
	}
}

func TestScoreRefuses(t *testing.T) {
	for _, hateful := range [][]bool{nil, {true}} {
		if _, err := Score(make([]Case, 2*len(hateful)), hateful); orrery.CodeOf(err) != "functional_score" {
			t.Errorf("error %v", err)
		}
	}
}
