//go:build race

package model

// raced says that the race detector is on, whose pools drop what they are given.
const raced = true
