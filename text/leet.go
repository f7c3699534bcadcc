package text

import "strings"

// others are the sets of letters that a byte may also stand for, by number.
var others = [...]string{"", "il", "i", "l", "li", "o", "e", "a", "s", "gb", "t", "b", "g", "c", "y", ""}

// leet maps a digit or symbol to the number of its letters in others.
func leet(r rune) Flag {
	switch r {
	case '1', '!':
		return 1
	case '|':
		return 4
	case '0':
		return 5
	case '3', '€':
		return 6
	case '4', '@':
		return 7
	case '5', '$':
		return 8
	case '6':
		return 9
	case '7':
		return 10
	case '8':
		return 11
	case '9':
		return 12
	case '(', '¢', '©':
		return 13
	case '¥':
		return 14
	case '£':
		return 3
	case '¡':
		return 2
	}
	return 0
}

// maskedOther is the number of a star that hides a letter.
const maskedOther = Flag(len(others) - 1)

// sure are the digits and symbols that are read as letters between letters
// without keeping what they were.
const sure = "013457@$"

// undoLeet reads digits and symbols of a token as letters. Between letters they
// become letters where the token is mostly letters (h4te, w0m3n); elsewhere
// (1diot, hell0, sh!t) it is marked that they may be. Numbers, codes, sizes and
// ordinals (4x4, a55, mp3, 10am, 1st, 4ss) stay.
func (n *Normal) undoLeet(token []cell) {
	first, last, letters, signs, digits := -1, -1, 0, 0, 0
	inside := true
	for i, c := range token {
		switch {
		case c.class == letter:
			if first < 0 {
				first = i
			}
			last = i
			letters++
		case c.class == mark || c.hides:
		case leet(c.r) != 0:
			signs++
			if c.class == digit {
				digits++
			}
			if !strings.ContainsRune(sure, c.r) {
				inside = false
			}
		default:
			return
		}
	}
	if letters == 0 || digits > 0 && (letters < 2 || signs > letters) {
		return
	}
	lead, trail := 0, 0
	for i, c := range token {
		if c.class != letter && leet(c.r) != 0 && !c.hides {
			if i < first {
				lead++
			} else if i > last {
				trail++
			}
		}
	}
	switch {
	case lead > 0 && digits > 0 && letters < 3, lead > 2, trail > 2:
		return
	case trail > 0 && token[len(token)-1].class == digit && (letters < 3 || trail > 1):
		return
	case lead > 0 && last-first < 2 && ordinal(token[first:last+1]):
		return
	}
	certain := inside && lead+trail == 0 && letters > 2 && letters > signs && !joins(token)
	for i := range token {
		c := &token[i]
		number := leet(c.r)
		if c.class == letter || c.hides || number == 0 {
			continue
		}
		if c.others = number; certain {
			c.r, c.class, c.script, c.others = rune(others[number][0]), letter, Latin, 0
			if number == 1 {
				c.others = 3 // l
			}
			n.Tricks.Leet++
		}
	}
}

// joins says whether a digit stands between words rather than letters: best4you,
// me1st.
func joins(token []cell) bool {
	for i, c := range token {
		if c.r != '4' && c.r != '5' && c.r != '7' && c.r != '1' {
			continue
		}
		before, behind := row(token, i, -1), row(token, i, 1)
		if c.r == '1' {
			if behind == 2 && i+3 == len(token) && before > 1 && ordinal(token[i+1:]) {
				return true
			}
		} else if before > 2 && behind > 2 {
			return true
		}
	}
	return false
}

// row counts the letters beside a place, in one direction.
func row(token []cell, i, step int) int {
	count := 0
	for i += step; i >= 0 && i < len(token) && token[i].class == letter; i += step {
		count++
	}
	return count
}

// ordinal says whether letters after a number are those of an ordinal.
func ordinal(ending []cell) bool {
	if len(ending) != 2 {
		return false
	}
	switch string([]rune{ending[0].r, ending[1].r}) {
	case "st", "nd", "rd", "th":
		return true
	}
	return false
}
