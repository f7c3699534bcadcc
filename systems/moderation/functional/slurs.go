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
	faults, err := readList(r, func(group string, forms []string) error {
		switch known := slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Name == group }); {
		case !known:
			return fmt.Errorf("%q is none of the suite's groups", group)
		case len(forms) < 2 || len(forms) > 3 || slices.Contains(forms, "") || len(forms) == 3 && forms[2] != "reclaimed":
			return errors.New(`want "GROUP: SINGULAR | PLURAL" or "GROUP: SINGULAR | PLURAL | reclaimed"`)
		}
		slurs = append(slurs, Slur{group, forms[0], forms[1], len(forms) == 3})
		return nil
	})
	return slurs, listError("functional_slurs", "the list of slurs", faults, err)
}

// readList reads lines of a group and what belongs to it, "GROUP: A | B". take says
// what is wrong with one.
func readList(r io.Reader, take func(group string, forms []string) error) (faults []error, err error) {
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		group, rest, _ := strings.Cut(line, ":")
		forms := strings.Split(rest, "|")
		for i := range forms {
			forms[i] = strings.TrimSpace(forms[i])
		}
		if err := take(strings.TrimSpace(group), forms); err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
		}
	}
	if err = lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return append(faults, fmt.Errorf("line %d: it is longer than 64 KiB", n)), nil
	}
	return faults, err
}

func listError(code, what string, faults []error, err error) error {
	if err != nil || len(faults) == 0 {
		return err
	}
	return orrery.Errorf(orrery.Invalid, code, "%s has %d faults", what, len(faults)).Because(errors.Join(faults...))
}
