package serve

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/ingest"
	"orrery.dev/spec"
)

// maxKey bounds the key of a list's entry, in bytes; MaxListChange is how many
// keys a change can name.
const (
	maxKey        = 1024
	MaxListChange = 1_000_000
)

// maxListFaults is how many faults of a change are told.
const maxListFaults = 100

// listChecker collects what is wrong with a change of a list.
type listChecker struct {
	list *spec.List
	// personal says that keys are not to be shown.
	personal bool
	faults   []ingest.Fault
	more     int
}

// checkChange gives every fault of a change.
func checkChange(s *spec.Spec, list *spec.List, change *control.Change) error {
	if n := change.Len(); n == 0 || n > MaxListChange {
		return orrery.Errorf(orrery.Invalid, "list_change_size", "the change has %d keys; it takes 1 to %d", n, MaxListChange).
			WithNext("name keys to add or remove, in several changes where they are many")
	}
	faults, more := ListFaults(s, list, change)
	if len(faults) == 0 {
		return nil
	}
	what := fmt.Sprintf("change of the list %s", list.Name)
	if more > 0 {
		what += fmt.Sprintf(" (which has %d more faults)", more)
	}
	return ingest.Refused(what, faults)
}

// ListFaults gives what is wrong with the keys of a change, and how many faults
// there are beyond those told.
func ListFaults(s *spec.Spec, list *spec.List, change *control.Change) (faults []ingest.Fault, more int) {
	c := &listChecker{list: list, personal: personalList(s, list.Name) != ""}
	named := make(map[string]bool, change.Len())
	for i := range change.Add {
		item := &change.Add[i]
		if c.key(item.Key, item.Line, named) {
			c.details(item)
		}
	}
	for _, key := range change.Remove {
		c.key(key, 0, named)
	}
	return c.faults, c.more
}

func (c *listChecker) fault(line int, code, next, format string, args ...any) {
	if len(c.faults) == maxListFaults {
		c.more++
		return
	}
	f := ingest.Fault{Code: code, Message: fmt.Sprintf(format, args...), Next: next, Line: int64(line)}
	if line > 0 {
		f.Message = fmt.Sprintf("line %d: %s", line, f.Message)
	}
	c.faults = append(c.faults, f)
}

func (c *listChecker) shown(key string) string {
	if c.personal {
		return orrery.PersonalMask
	}
	return ingest.Shown(key[:min(len(key), 40)])
}

// key checks a key by itself, and that it is named once.
func (c *listChecker) key(key string, line int, named map[string]bool) bool {
	if key == "" || len(key) > maxKey || strings.ContainsRune(key, 0) {
		c.fault(line, "list_key_invalid", fmt.Sprintf("a key is text of 1 to %d bytes", maxKey), "%q cannot be on a list", c.shown(key))
		return false
	}
	if named[key] {
		c.fault(line, "list_key_twice", "name each key once", "the change names %q twice", c.shown(key))
		return false
	}
	named[key] = true
	return true
}

// details checks what goes with a key.
func (c *listChecker) details(item *control.Item) {
	key := c.shown(item.Key)
	switch v := c.list.Value; {
	case v == nil && item.Value != nil:
		c.fault(item.Line, "list_value_unexpected", "declare it in the spec: value: {default: 0}", "%q has a value, and the entries of the list %s have none", key, c.list.Name)
	case v != nil && item.Value == nil:
		c.fault(item.Line, "list_value_missing", "give it one: --value, or \"value\" in a request", "%q has no value, and the entries of the list %s have one", key, c.list.Name)
	case v != nil && !(*item.Value >= v.Min && *item.Value <= v.Max && !math.IsInf(*item.Value, 0)):
		c.fault(item.Line, "list_value_out_of_bounds", fmt.Sprintf("it takes %s", boundsOf(v)), "the value %v of %q is out of bounds", *item.Value, key)
	}
	switch {
	case item.Category != "" && len(c.list.Categories) == 0:
		c.fault(item.Line, "list_category_unexpected", "declare them in the spec: categories: [...]", "%q has a category, and the list %s has none", key, c.list.Name)
	case item.Category != "" && !slices.Contains(c.list.Categories, item.Category):
		c.fault(item.Line, "list_category_unknown", "it has "+strings.Join(c.list.Categories, ", "), "%q is of the category %q, which the list %s does not have", key, item.Category, c.list.Name)
	}
	if item.Allow && !c.list.Terms {
		c.fault(item.Line, "list_allow_unexpected", "leave it out", "%q is to allow something, and the list %s is not of terms", key, c.list.Name)
	}
	if c.list.Terms {
		if item.Key[0] == '!' {
			c.fault(item.Line, "list_term_sign", "leave the ! out, and set --allow, or \"allow\" in a request", "%q begins with the sign for a term that is to allow something", key)
			return
		}
		var e *orrery.Error
		if errors.As(control.CheckTerm(item.Key), &e) {
			c.fault(item.Line, e.Code, e.Next, "%s", e.Message)
		}
	}
}

func boundsOf(v *spec.ListValue) string {
	switch {
	case math.IsInf(v.Min, 0) && math.IsInf(v.Max, 0):
		return "any number"
	case math.IsInf(v.Min, 0):
		return fmt.Sprintf("numbers up to %v", v.Max)
	case math.IsInf(v.Max, 0):
		return fmt.Sprintf("numbers from %v", v.Min)
	}
	return fmt.Sprintf("numbers from %v to %v", v.Min, v.Max)
}
