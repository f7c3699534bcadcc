package orrery

// CategoryOf gives the number by which a vector holds a text: vectors are of
// doubles, and a feature can be a category, such as a merchant's type. Equal
// texts have equal numbers, on every machine and in every release; two of a
// million texts share one with a probability of about one in ten thousand. The number is a
// whole one from 0 to 2^52−1, so a double holds it exactly, and says nothing of
// order: models take it as a category or not at all. It is the head of the
// text's 64-bit FNV-1a hash, mixed by the finalizer of MurmurHash3.
func CategoryOf(text string) float64 {
	x := uint64(14695981039346656037) // the basis and the prime of FNV-1a
	for i := range len(text) {
		x = (x ^ uint64(text[i])) * 1099511628211
	}
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x >> 12)
}
