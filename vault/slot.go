package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"hash/crc32"

	"orrery.dev"
)

// A slot has the size of a disk's sector, so that overwriting it is whole or not
// at all:
//
//	state (1 byte), 3 bytes of zero, CRC-32C of the slot without it (4 bytes)
//	tag (16), pseudonym (16), key (32): of these a forgotten slot has the second only
//	length (2 bytes) and text: of a live slot the subject's key as a text, under
//	    its own key, or none; of a forgotten one the length of the
//	    entity's name (1 byte), the name, and the key in all that is kept
//
// A free slot is all zeros. The first slot is the head: magic, id and secret.
const (
	slotSize    = 512
	stateAt     = 0
	sumAt       = 4
	tagAt       = 8
	pseudonymAt = 24
	keyAt       = 40
	keySize     = 32
	lengthAt    = keyAt + keySize
	textAt      = lengthAt + 2
	maxText     = slotSize - textAt

	magic      = "V1\x00\x00"
	idAt       = 8
	secretAt   = 40
	secretSize = 32

	nonceSize = 12
	// maxEntity bounds the name of an entity that has a subject.
	maxEntity = 64
)

const (
	stateFree = iota
	stateLive
	stateForgotten
)

// nameBound tells a subject's key from all else that is sealed for it.
var nameBound = []byte("name")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(slot []byte) uint32 {
	c := crc32.Checksum(slot[:sumAt], castagnoli)
	return crc32.Update(c, castagnoli, slot[sumAt+4:])
}

// seal puts in the slot's checksum.
func seal(slot []byte) []byte {
	binary.LittleEndian.PutUint32(slot[sumAt:], sum(slot))
	return slot
}

func check(slot []byte, at int64) error {
	if binary.LittleEndian.Uint32(slot[sumAt:]) != sum(slot) {
		return damaged("its slot at %d is not as it was written", at)
	}
	return nil
}

func putText(slot, text []byte) {
	binary.LittleEndian.PutUint16(slot[lengthAt:], uint16(len(text)))
	copy(slot[textAt:], text)
}

func textOf(slot []byte) []byte {
	n := min(int(binary.LittleEndian.Uint16(slot[lengthAt:])), maxText)
	return slot[textAt : textAt+n]
}

// Subject seals for one subject, with its key as it was when the subject was
// asked for: what is sealed with a key that has been destroyed since is erased
// from the beginning.
type Subject struct {
	pseudonym orrery.Pseudonym
	key       [keySize]byte
}

func subjectOf(slot []byte) *Subject {
	return &Subject{pseudonym: orrery.Pseudonym(slot[pseudonymAt:]), key: [keySize]byte(slot[keyAt:])}
}

// Pseudonym implements orrery.Sealer.
func (s *Subject) Pseudonym() orrery.Pseudonym { return s.pseudonym }

// Seal implements orrery.Sealer, by AES-256-GCM with a random nonce before what
// is sealed (NIST SP 800-38D).
func (s *Subject) Seal(dst, plain, bound []byte) []byte {
	var nonce [nonceSize]byte
	randomInto(nonce[:])
	return s.aead().Seal(append(dst, nonce[:]...), nonce[:], plain, bound)
}

func (s *Subject) open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < nonceSize {
		return nil, sealBroken()
	}
	plain, err := s.aead().Open(nil, sealed[:nonceSize], sealed[nonceSize:], bound)
	if err != nil {
		return nil, sealBroken()
	}
	return plain, nil
}

func (s *Subject) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic("vault: a key of 32 bytes is one of AES-256: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("vault: AES has blocks of 16 bytes: " + err.Error())
	}
	return aead
}

func sealBroken() error {
	return orrery.Errorf(orrery.Damaged, "record_damaged", "what is personal in a record is not as it was written").
		WithNext("restore the data directory from a copy")
}

func damaged(format string, args ...any) error {
	return orrery.Errorf(orrery.Damaged, "vault_damaged", "the vault is damaged: "+format, args...).
		WithNext("put the newest copy of the vault in its place")
}

func failed(cause error) error {
	return orrery.Errorf(orrery.Unavailable, "vault_failed", "the vault could not be read or written").Because(cause).
		WithNext("mend the disk and restart")
}
