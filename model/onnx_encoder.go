package model

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"weak"

	"orrery.dev/model/onnx"
)

// sharedEncoder is the encoder of all models of the same files: releases that
// differ in their head alone hold one network in memory, and one batch can have
// texts of both. It is closed when the last of those models is collected.
type sharedEncoder struct {
	Encoder
	files ONNXFiles
}

var encoders = struct {
	sync.Mutex
	byDigest map[[sha256.Size]byte]weak.Pointer[sharedEncoder]
}{byDigest: map[[sha256.Size]byte]weak.Pointer[sharedEncoder]{}}

// shareEncoder gives the encoder of the parts' files, and puts the files of the
// model that had it first in the place of the parts' own, so that equal ones are
// not held twice. An encoder that is given is not shared.
func shareEncoder(p *ONNXParts) (*sharedEncoder, error) {
	if p.Encoder != nil {
		return &sharedEncoder{Encoder: p.Encoder, files: p.Files}, nil
	}
	digest := p.Files.digest()
	encoders.Lock()
	defer encoders.Unlock()
	if held := encoders.byDigest[digest].Value(); held != nil {
		p.Files = held.files
		return held, nil
	}
	f := &p.Files
	encoder, err := onnx.NewText(f.Network, f.Tokenizer, onnx.Settings{MaxTokens: f.MaxTokens, Output: f.Output, Pool: onnx.Pool(f.Pool), Batch: f.Batch})
	if err != nil {
		return nil, err
	}
	shared := &sharedEncoder{Encoder: encoder, files: *f}
	encoders.byDigest[digest] = weak.Make(shared)
	runtime.AddCleanup(shared, func(e Encoder) {
		_ = e.Close() // nobody is left to hear of it
		encoders.Lock()
		defer encoders.Unlock()
		if encoders.byDigest[digest].Value() == nil {
			delete(encoders.byDigest, digest)
		}
	}, Encoder(encoder))
	return shared, nil
}

// NewEncoder makes an encoder of files, and opens nothing. Errors are those of
// package onnx about files that it cannot read.
func NewEncoder(f ONNXFiles) (Encoder, error) {
	return shareEncoder(&ONNXParts{Files: f})
}

// digest tells files apart by all that an encoder is made of.
func (f *ONNXFiles) digest() (out [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range [][]byte{f.Network, f.Tokenizer, []byte(f.Output), []byte(f.Pool),
		binary.LittleEndian.AppendUint64(nil, uint64(f.MaxTokens)), binary.LittleEndian.AppendUint64(nil, uint64(f.Batch))} {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(out[:0])
	return out
}
