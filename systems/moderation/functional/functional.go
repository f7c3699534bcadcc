// Package functional makes a functional test suite for detectors of hate
// speech, and training texts of the same kind.
//
// A functional test says not how often a model is right on texts as they come,
// but what it can and cannot do: whether it knows hate that uses no hostile
// word, a threat put as a rule, a good word denied; and whether it leaves alone
// a group that is merely named, a quotation in counter-speech, abuse of a
// printer. The idea is that of CheckList (Ribeiro et al., ACL 2020) and of
// HateCheck (Röttger et al., ACL 2021); every template here is the project's
// own.
//
// The data are text files that a person can read and change (see data/ and
// Load). Families of templates, which are worded alike, belong either to the
// training part or to the test part, and so do the lists of words that they draw
// from. What names a group is shared: no model should learn who is named.
//
// The texts say hateful things, because that is what is tested. They hold no
// slurs: those come from a list of the user's (ReadSlurs), and templates that
// need one give no case for a group without.
package functional

import (
	"embed"
	"io/fs"
	"sync"
)

//go:embed data/*.txt
var data embed.FS

// The classes of a text, named as in the data of Davidson et al., "Automated
// Hate Speech Detection and the Problem of Offensive Language" (ICWSM 2017).
const (
	Hate      = "hate"
	Offensive = "offensive"
	Neither   = "neither"
)

// The parts that families belong to.
const (
	Train = "train"
	Test  = "test"
)

// Suite is what a suite's files declare. It is not changed after Load, and safe
// for concurrent use.
type Suite struct {
	// Functionalities, Groups and Families are in the order of their declaration.
	Functionalities []Functionality
	Groups          []Group
	Families        []Family
	// Persons are the words behind which a group's adjective names the group.
	Persons []string
}

// Functionality is one thing that a detector should be able to do.
type Functionality struct {
	// Name is its identifier, such as "threat_norm".
	Name string
	// Class is Hate, Offensive or Neither; of its cases those of Hate are hateful.
	Class string
	// About says what it is.
	About string
}

// Hateful says whether its cases should be recognised as hateful.
func (f Functionality) Hateful() bool { return f.Class == Hate }

// Group is an identity group that templates name.
type Group struct {
	Name string
	// Plural, Singular and Adjective are the words that stand for it in a text; the
	// first of each is the usual one.
	Plural, Singular, Adjective []string
	// Also holds further terms by which a text names it.
	Also []string
}

// Family is a set of templates that are worded alike, all of one part.
type Family struct {
	Name          string
	Part          string
	Functionality string
	Templates     []Template
}

// Builtin gives the suite that comes with this package.
var Builtin = sync.OnceValue(func() *Suite {
	files, err := fs.Sub(data, "data")
	if err == nil {
		var s *Suite
		if s, err = Load(files); err == nil {
			return s
		}
	}
	panic(err) // only a build with broken data comes here, and no test lets one pass
})

// functionality gives a functionality by name.
func (s *Suite) functionality(name string) Functionality {
	for _, f := range s.Functionalities {
		if f.Name == name {
			return f
		}
	}
	return Functionality{}
}
