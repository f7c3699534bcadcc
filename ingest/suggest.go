package ingest

import "strings"

// nearest gives the name that was most likely meant, empty where none is near.
// Of equally near ones the first wins.
func nearest(name string, names []string) string {
	best, bestDistance := "", 1+slips(name)
	for _, n := range names {
		if n == name || len(n)-len(name) > 3 || len(name)-len(n) > 3 || len(n) > 64 {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// slips is how many a name of this length can have and still be recognised.
func slips(name string) int { return min(3, (len(name)+1)/3) }

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour between two words: the optimal string alignment distance.
func distance(a, b string) int {
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
	return last[len(b)]
}
