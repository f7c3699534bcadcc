// Package spelling tells what a name was meant to be that is not among those there
// are.
package spelling

import "strings"

// longest bounds the names that are looked at, in characters.
const longest = 64

// Nearest gives the name that is the fewest slips away, and at most so many; empty
// where none is. Case does not count, and of equally near names the first wins.
func Nearest(name string, names []string, slips int) string {
	best, least := "", 1+slips
	for _, n := range names {
		if n == name {
			continue
		}
		if d, ok := distance([]rune(strings.ToLower(name)), []rune(strings.ToLower(n)), slips); ok && d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the characters to insert, delete, replace or swap with their
// neighbour between two words: the optimal string alignment distance. It is false
// where the lengths say that it is more than the slips, or a word is too long.
func distance(a, b []rune, slips int) (int, bool) {
	if max(len(a)-len(b), len(b)-len(a)) > slips || max(len(a), len(b)) > longest {
		return 0, false
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)], true
}
