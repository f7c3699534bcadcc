package text

// cyrillic are the Cyrillic letters that resemble Latin ones, for words that are
// Cyrillic but for a letter.
var cyrillic = map[rune]rune{
	'a': 'а', 'c': 'с', 'e': 'е', 'o': 'о', 'p': 'р', 'x': 'х', 'y': 'у', 'k': 'к', 'm': 'м', 't': 'т', 'h': 'н', 'b': 'в', 'i': 'і',
}

// unifyScript makes the letters of a word be of one script. Letters that resemble
// Latin ones become those where the word has Latin letters too, or where the
// whole word resembles Latin and so does the message. Latin letters in a word
// whose other letters can only be Cyrillic become Cyrillic.
func (n *Normal) unifyScript(token []cell, letters, latin int) {
	own, rough, cyrillics := 0, 0, 0
	for i := range token {
		c := &token[i]
		if c.class != letter || c.script == Latin {
			continue
		}
		switch {
		case c.latin == 0:
			own++
		case c.latin < 'a':
			rough++
		}
		if c.script == Cyrillic {
			cyrillics++
		}
	}
	switch {
	case own == letters:
	case latin > 0 && cyrillics == letters-latin && own > 0 && own+rough >= latin:
		for i := range token {
			if c := &token[i]; c.script == Latin && cyrillic[c.r] != 0 {
				c.r, c.script = cyrillic[c.r], Cyrillic
				n.Tricks.Lookalikes++
			}
		}
	case latin > 0, !n.KeepScript && own+rough == 0 && letters > 1 && (n.distinct == 0 || n.Letters[Latin] > 2*n.distinct):
		for i := range token {
			if c := &token[i]; c.latin != 0 && c.script != Latin {
				c.r, c.class, c.script = rune(c.latin|0x20), letter, Latin
				n.Tricks.Lookalikes++
			}
		}
	}
}
