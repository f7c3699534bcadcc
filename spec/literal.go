package spec

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/zones"
)

// ever is the window that is all time.
const ever = "ever"

// scalar checks a single value against its declaration and sets its typed value.
func (c *checker) scalar(n *node, f declare.Field) {
	n.value = n.text
	ok := true
	switch f.Type {
	case declare.Bool:
		ok = c.boolean(n)
	case declare.Int, declare.Number:
		ok = c.number(n, f)
	case declare.Duration:
		ok = c.duration(n, f)
	case declare.Bytes:
		ok = c.size(n)
	case declare.Zone:
		ok = c.zone(n)
	case declare.Name:
		ok = c.checkName(n, n.text, false)
	case declare.Text:
		if f.Enum == nil {
			c.surprise(n, false)
		}
	case declare.EntityRef, declare.EventRef, declare.FieldRef, declare.FeatureRef:
		ok = c.reference(n, f)
	case declare.Secret:
		ok = c.secret(n)
	case declare.File:
		ok = c.file(n)
	case declare.Expression:
		if ok = strings.TrimSpace(n.text) != ""; !ok {
			c.errorf(n, "empty_value", "`%s` is an empty expression", leaf(n.path))
		}
	}
	if ok && f.Enum != nil && !slices.Contains(f.Enum, n.text) {
		ok = false
		c.notListed(n, f)
	}
	n.bad = !ok
}

func (c *checker) notListed(n *node, f declare.Field) {
	code := "unknown_value"
	if leaf(n.path) == "kind" {
		code = "unknown_model"
	}
	d := c.errorf(n, code, "`%s` cannot be `%s`", leaf(n.path), shorten(n.text)).suggest(nearest(n.text, f.Enum))
	if d.Suggestion == "" {
		d.note("it can be %s", strings.ReplaceAll(quoted(f.Enum), " and ", " or "))
	}
}

// wrong reports a scalar of the wrong type.
func (c *checker) wrong(n *node, f declare.Field) bool {
	d := c.errorf(n, "wrong_type", "`%s` takes %s, and `%s` is none", leaf(n.path), typeWords(f.Type), shorten(n.text))
	if f.Example != "" {
		d.note("for example: %s", f.Example)
	}
	return false
}

var (
	yaml11Bool = regexp.MustCompile(`^(?i:yes|no|on|off)$`)
	yaml11Time = regexp.MustCompile(`^[0-9]+(:[0-5]?[0-9])+$`)
)

// surprise warns of an unquoted text that other readers of YAML take for
// something else. It reports whether it did.
func (c *checker) surprise(n *node, key bool) bool {
	if !n.plain || n.filled {
		return false
	}
	var as string
	switch {
	case yaml11Bool.MatchString(n.text):
		as = "true or false"
	case yaml11Time.MatchString(n.text):
		as = "a number in base sixty"
	case n.text == "true" || n.text == "false":
		as = "true or false, not text"
	case key && n.text == "null":
		as = "nothing"
	default:
		return false
	}
	c.errorf(n, "yaml_surprise", "many readers of YAML take `%s` for %s", n.text, as).
		suggest(`"` + n.text + `"`).warn()
	return true
}

func (c *checker) boolean(n *node) bool {
	switch {
	case n.plain && (n.text == "true" || n.text == "false"):
		n.value = n.text == "true"
		return true
	case yaml11Bool.MatchString(n.text):
		t := strings.EqualFold(n.text, "yes") || strings.EqualFold(n.text, "on")
		c.errorf(n, "yaml_surprise", "`%s` is text in YAML 1.2, not true or false", n.text).suggest(strconv.FormatBool(t))
		return false
	case strings.EqualFold(n.text, "true") || strings.EqualFold(n.text, "false"):
		c.errorf(n, "wrong_type", "`%s` takes true or false, in lower case and without quotes", leaf(n.path)).suggest(strings.ToLower(n.text))
		return false
	}
	return c.wrong(n, declare.Field{Type: declare.Bool})
}

// number checks an int or a number. Only decimal digits are one: no base, no
// underscore, no leading zero that another reader takes for octal.
func (c *checker) number(n *node, f declare.Field) bool {
	text := n.text
	if n.plain && yaml11Time.MatchString(text) {
		c.errorf(n, "yaml_surprise", "`%s` is text in YAML 1.2, and a number in base sixty before that", text).note("write a plain number")
		return false
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !n.plain || strings.ContainsAny(text, "xXpP_") || math.IsInf(x, 0) || math.IsNaN(x) {
		d := c.wrong(n, f)
		if err == nil && !n.plain {
			c.last().note("remove the quotes").suggest(text)
		}
		return d
	}
	if digits := strings.TrimLeft(text, "+-"); len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		c.errorf(n, "yaml_surprise", "many readers of YAML take `%s` for a number in base eight", text).
			suggest(strings.TrimLeft(digits, "0"))
		return false
	}
	n.value = x
	if f.Type == declare.Int {
		i, err := strconv.Atoi(text)
		if err != nil {
			return c.wrong(n, f)
		}
		n.value = i
	}
	return c.bounds(n, f, x)
}

func (c *checker) bounds(n *node, f declare.Field, x float64) bool {
	text := func(b *float64) string { return strconv.FormatFloat(*b, 'g', -1, 64) }
	switch name := leaf(n.path); {
	case f.Min != nil && x < *f.Min:
		c.errorf(n, "out_of_bounds", "`%s` is %s, and cannot be below %s", name, n.text, text(f.Min))
	case f.Above != nil && x <= *f.Above:
		c.errorf(n, "out_of_bounds", "`%s` is %s, and must be above %s", name, n.text, text(f.Above))
	case f.Max != nil && x > *f.Max:
		c.errorf(n, "out_of_bounds", "`%s` is %s, and cannot be above %s", name, n.text, text(f.Max))
	default:
		return true
	}
	return false
}

var durationPattern = regexp.MustCompile(`^([0-9]{1,12})(ms|s|m|h|d|w)$`)

var durationUnits = map[string]orrery.Duration{"ms": orrery.Millisecond, "s": orrery.Second, "m": orrery.Minute,
	"h": orrery.Hour, "d": orrery.Day, "w": orrery.Week}

// maxDuration bounds every duration: a hundred years.
const maxDuration = 36525 * orrery.Day

// ParseDuration reads a duration as a spec writes it: 30s, 5m, 12h, 7d, 2w.
// ok is false for anything else, and for more than a hundred years.
func ParseDuration(text string) (d orrery.Duration, ok bool) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := durationUnits[m[2]]
	if err != nil || n > int64(maxDuration/unit) {
		return 0, false
	}
	return orrery.Duration(n) * unit, true
}

func (c *checker) duration(n *node, f declare.Field) bool {
	if n.text == ever && slices.Contains(f.Words, ever) {
		n.value = orrery.Duration(0)
		return true
	}
	d, ok := ParseDuration(n.text)
	if !ok {
		if n.plain && yaml11Time.MatchString(n.text) {
			c.errorf(n, "yaml_surprise", "`%s` is text in YAML 1.2, and a number in base sixty before that", n.text).note("write a duration such as 90m")
			return false
		}
		c.errorf(n, "bad_duration", "`%s` is not a duration", shorten(n.text)).suggest(fixDuration(n.text)).
			note("a duration is a whole number and one of ms, s, m, h, d, w, up to a hundred years")
		return false
	}
	if f.Above != nil && float64(d) <= *f.Above {
		c.errorf(n, "bad_duration", "`%s` must be longer than nothing", leaf(withoutIndex(n.path)))
		return false
	}
	n.value = d
	return true
}

func withoutIndex(path string) string {
	if i := strings.LastIndexByte(path, '['); i >= 0 && strings.HasSuffix(path, "]") {
		return path[:i]
	}
	return path
}

var looseDuration = regexp.MustCompile(`^\s*([0-9]+)\s*([a-zA-Zµ]+)\s*$`)

// fixDuration makes a duration of text that is near one, empty if it is not.
func fixDuration(text string) string {
	m := looseDuration.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	fixed := ""
	switch unit := strings.ToLower(m[2]); {
	case m[2] == "M" || strings.HasPrefix(unit, "mo"):
	case strings.HasPrefix(unit, "ms"), strings.HasPrefix(unit, "milli"):
		fixed = m[1] + "ms"
	case strings.HasPrefix(unit, "y"):
		if n, err := strconv.Atoi(m[1]); err == nil && n <= 100 {
			fixed = strconv.Itoa(365*n) + "d"
		}
	default:
		fixed = m[1] + unit[:1]
	}
	if _, ok := ParseDuration(fixed); !ok || fixed == text {
		return ""
	}
	return fixed
}

func (c *checker) zone(n *node) bool {
	location, err := zones.Load(n.text)
	if err != nil {
		fixed := strings.ReplaceAll(n.text, " ", "_")
		if _, err := zones.Load(fixed); err != nil || fixed == n.text || fixed == "" {
			fixed = nearest(n.text, commonZones)
		}
		c.errorf(n, "bad_zone", "`%s` is not a time zone", shorten(n.text)).suggest(fixed).
			note("a time zone is named as in the IANA database: UTC, Europe/Paris, America/New_York")
		return false
	}
	n.value = location
	return true
}

// commonZones are for suggestions only.
var commonZones = []string{"UTC", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/Rome",
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Tokyo",
	"Asia/Shanghai", "Asia/Kolkata", "Asia/Singapore", "Asia/Dubai", "Australia/Sydney", "Africa/Lagos"}

var referencePatterns = map[declare.Type]*regexp.Regexp{
	declare.EntityRef:  regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?$`),
	declare.EventRef:   regexp.MustCompile(`^[A-Za-z0-9_-]+$`),
	declare.FieldRef:   regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?$`),
	declare.FeatureRef: regexp.MustCompile(`^[A-Za-z0-9_*-]+$`),
}

// reference checks that a scalar is written like a reference of its type; what
// it refers to is resolved later.
func (c *checker) reference(n *node, f declare.Field) bool {
	if referencePatterns[f.Type].MatchString(n.text) {
		return true
	}
	d := c.errorf(n, "bad_reference", "`%s` takes %s, and `%s` is none", leaf(n.path), typeWords(f.Type), shorten(n.text))
	switch {
	case f.Type == declare.EventRef && strings.Count(n.text, ".") == 1:
		d.suggest(n.text[:strings.IndexByte(n.text, '.')])
	case f.Type == declare.FieldRef:
		d.note("it takes a field as it is, not an expression")
	case f.Example != "":
		d.note("for example: %s", f.Example)
	}
	return false
}
