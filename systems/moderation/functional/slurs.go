package functional

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"orrery.dev"
)

// Slur is a slur of the user's list.
type Slur struct {
	// Group is the name of the group that it abuses.
	Group string
	// Singular and Plural are its forms.
	Singular, Plural string
	// Reclaimed says that members of the group use it of themselves.
	Reclaimed bool
}

// ReadSlurs reads a list of slurs, one a line: the group's name, a colon, the
// singular, "|", the plural and, where members of the group use the word of
// themselves, "| reclaimed". Lines that begin with "#" are comments. No such list
// comes with the project.
//
// The error has every fault with its line; its kind is Invalid and its code
// functional_slurs.
func (s *Suite) ReadSlurs(r io.Reader) ([]Slur, error) {
	var slurs []Slur
	var faults []error
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		group, words, _ := strings.Cut(line, ":")
		forms := strings.Split(words, "|")
		for i := range forms {
			forms[i] = strings.TrimSpace(forms[i])
		}
		switch known := slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Name == group }); {
		case !known:
			faults = append(faults, fmt.Errorf("line %d: %q is none of the suite's groups", n, group))
		case len(forms) < 2 || len(forms) > 3 || slices.Contains(forms, "") || len(forms) == 3 && forms[2] != "reclaimed":
			faults = append(faults, fmt.Errorf(`line %d: want "GROUP: SINGULAR | PLURAL" or "GROUP: SINGULAR | PLURAL | reclaimed"`, n))
		default:
			slurs = append(slurs, Slur{group, forms[0], forms[1], len(forms) == 3})
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		faults = append(faults, fmt.Errorf("line %d: it is longer than 64 KiB", n))
	} else if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, orrery.Errorf(orrery.Invalid, "functional_slurs", "the list of slurs has %d faults", len(faults)).
			Because(errors.Join(faults...))
	}
	return slurs, nil
}
