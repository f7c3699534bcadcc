//go:build cgo

package pebble

// cacheOnHeap says that Pebble's cache is memory of the collector's.
const cacheOnHeap = false
