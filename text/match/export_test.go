package match

// CommonWords gives the words that are looked for around a term.
func CommonWords() []string {
	var all []string
	for _, words := range common {
		all = append(all, words...)
	}
	return all
}
