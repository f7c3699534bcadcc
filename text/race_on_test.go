//go:build race

package text_test

// raced says that the race detector is on, whose pools drop what they are given.
const raced = true
