package spec

import (
	"regexp"
	"strconv"
	"strings"

	"orrery.dev"
)

var sizePattern = regexp.MustCompile(`^([0-9]{1,15})(B|kB|MB|GB|TB)$`)

var sizeUnits = map[string]int64{"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

// maxSize bounds every size, in bytes.
const maxSize = int64(1e18)

// ParseSize reads a size as a spec writes it, 500MB or 200GB, in bytes; a kB is
// 1,000 bytes. ok is false for anything else.
func ParseSize(text string) (bytes int64, ok bool) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := sizeUnits[m[2]]
	if err != nil || n > maxSize/unit {
		return 0, false
	}
	return n * unit, true
}

func (c *checker) size(n *node) bool {
	bytes, ok := ParseSize(n.text)
	if !ok {
		c.errorf(n, "bad_size", "`%s` is not a size", shorten(n.text)).suggest(fixSize(n.text)).
			note("a size is a whole number and one of B, kB, MB, GB, TB, each a thousand of the one before")
		return false
	}
	if bytes == 0 {
		c.errorf(n, "bad_size", "`%s` must be more than nothing", leaf(n.path))
		return false
	}
	n.value = bytes
	return true
}

var looseSize = regexp.MustCompile(`^\s*([0-9]+)\s*([a-zA-Z]+)\s*$`)

// fixSize makes a size of text that is near one, empty if it is not.
func fixSize(text string) string {
	m := looseSize.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		if strings.EqualFold(m[2][:1], unit[:1]) {
			return m[1] + unit
		}
	}
	return ""
}

// resolveLog resolves how much of the log is kept.
func (c *checker) resolveLog(root *node) {
	n := root.get("log")
	if n == nil || n.shape != mapping {
		return
	}
	c.spec.Log.Keep, _ = valueOf[orrery.Duration](n, "keep")
	c.spec.Log.KeepBytes, _ = valueOf[int64](n, "keep_bytes")
	if len(n.entries) == 0 && !n.partial {
		c.errorf(n, "empty_value", "`log` says nothing").note("say how long it is kept: log: {keep: 400d}")
	}
}

// fitsInLog reports what needs more of the log than is kept.
func (c *checker) fitsInLog(root *node) {
	keep := c.spec.Log.Keep
	if keep == 0 {
		return
	}
	kept := root.get("log").get("keep").text
	if n := root.get("dedupe"); c.spec.Dedupe.Within > keep && n != nil {
		at := n.get("within")
		if at.filled {
			at = root.get("log").get("keep")
		}
		c.errorf(at, "dedupe_beyond_log", "repeats are recognised for %s, and the log is kept for %s", n.get("within").text, kept).
			note("a repeat gets the recorded answer: keep the log for longer, or recognise repeats for less: dedupe: {within: %s}", kept)
	}
	for _, d := range c.features.list {
		c.windowsFit(d, keep, kept)
	}
	c.trainingFits(root, keep, kept)
}

func (c *checker) windowsFit(d *declared, keep orrery.Duration, kept string) {
	if d.kind == nil || d.node == nil {
		return
	}
	lag, _ := valueOf[orrery.Duration](d.node, "lag")
	window := d.node.get("window")
	if window == nil {
		return
	}
	for _, item := range window.list() {
		span, ok := item.value.(orrery.Duration)
		switch {
		case item.bad || !ok || span+lag <= keep && span > 0:
		case span == 0:
			c.errorf(item, "window_beyond_log", "`%s` counts all time, and the log is kept for %s", d.name, kept).
				note("what is counted stays exact, but should the feature change, it begins again with what the log keeps").warn()
		default:
			reach := item.text
			if lag > 0 {
				reach += " and a lag of " + d.node.get("lag").text
			}
			c.errorf(item, "window_beyond_log", "the window of %s is longer than the log is kept, %s", reach, kept).
				note("should the feature change, it could not be built again: keep the log for longer, or shorten the window")
		}
	}
}

// trainingFits reports a span of rows of which the oldest would be cut off
// before the newest have matured.
func (c *checker) trainingFits(root *node, keep orrery.Duration, kept string) {
	m, l := c.spec.Model, c.spec.Label
	if m == nil || l == nil || m.Train.Range+l.MaturesAfter <= keep {
		return
	}
	n := root.get("model").get("train")
	if n = n.get("range"); n == nil || n.bad {
		return
	}
	c.errorf(n, "train_beyond_log", "rows of %s whose labels take %s to mature need more of the log than is kept, %s", n.text, root.get("label").get("matures_after").text, kept).
		note("keep the log for longer, or train on less")
}
