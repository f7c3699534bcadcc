package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// A token is what a client sends:
//
//	orr_ID_SECRETCHECK
//
// ID is public and names the key. SECRET is 256 random bits. CHECK is the CRC-32
// of all before it: it tells a token that was cut or mistyped from a wrong one,
// and lets scanners for leaked secrets be sure of what they found.
const (
	tokenPrefix  = "orr_"
	idLength     = 8
	secretLength = 52 // 32 bytes in base 32
	checkLength  = 7  // 4 bytes in base 32
	tokenLength  = len(tokenPrefix) + idLength + 1 + secretLength + checkLength
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// digest is the SHA-256 of a token. A token has 256 random bits, so no slow hash
// is needed to keep a digest from being turned back.
type digest [sha256.Size]byte

// newID gives a random key id.
func newID() string {
	var random [idLength * 5 / 8]byte
	rand.Read(random[:])
	return encoding.EncodeToString(random[:])
}

// newToken makes a token for a key.
func newToken(id string) string {
	var random [32]byte
	rand.Read(random[:])
	return withCheck(tokenPrefix + id + "_" + encoding.EncodeToString(random[:]))
}

func withCheck(text string) string {
	check := checkOf(text)
	return text + string(check[:])
}

// checkOf gives the CRC-32 of a text in base 32. It goes byte by byte, because
// the library's faster way lets its argument escape to the heap.
func checkOf(text string) (check [checkLength]byte) {
	crc := ^uint32(0)
	for i := range len(text) {
		crc = crc32.IEEETable[byte(crc)^text[i]] ^ crc>>8
	}
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], ^crc)
	encoding.Encode(check[:], sum[:])
	return check
}

// parseToken gives the id in a token and the token's digest; ok is false for
// text that is no token. It allocates nothing.
func parseToken(token string) (id string, d digest, ok bool) {
	if len(token) != tokenLength || !strings.HasPrefix(token, tokenPrefix) || token[len(tokenPrefix)+idLength] != '_' {
		return "", d, false
	}
	check := checkOf(token[:tokenLength-checkLength])
	if string(check[:]) != token[tokenLength-checkLength:] {
		return "", d, false
	}
	var text [tokenLength]byte
	copy(text[:], token)
	return token[len(tokenPrefix) : len(tokenPrefix)+idLength], sha256.Sum256(text[:]), true
}
