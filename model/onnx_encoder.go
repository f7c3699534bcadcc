package model

import (
	"bytes"
	"runtime"
	"sync"
	"weak"

	"github.com/cespare/xxhash/v2"

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
	of map[encoderKey]weak.Pointer[sharedEncoder]
}{of: map[encoderKey]weak.Pointer[sharedEncoder]{}}

// encoderKey tells encoders apart by what they are made of: the files by their
// length and a hash, which finds those that may be equal.
type encoderKey struct {
	network, tokenizer           uint64
	networkBytes, tokenizerBytes int
	maxTokens, batch             int
	output, pool                 string
}

func (f *ONNXFiles) key() encoderKey {
	return encoderKey{network: xxhash.Sum64(f.Network), tokenizer: xxhash.Sum64(f.Tokenizer), networkBytes: len(f.Network), tokenizerBytes: len(f.Tokenizer),
		maxTokens: f.MaxTokens, batch: f.Batch, output: f.Output, pool: f.Pool}
}

// shareEncoder gives the encoder of the parts' files, and puts the files of the
// model that had it first in the place of the parts' own, so that equal ones are
// not held twice. An encoder that is given is not shared.
func shareEncoder(p *ONNXParts) (*sharedEncoder, error) {
	if p.Encoder != nil {
		return &sharedEncoder{Encoder: p.Encoder, files: p.Files}, nil
	}
	key := p.Files.key()
	encoders.Lock()
	defer encoders.Unlock()
	held := encoders.of[key].Value()
	if held != nil && bytes.Equal(held.files.Network, p.Files.Network) && bytes.Equal(held.files.Tokenizer, p.Files.Tokenizer) {
		p.Files = held.files
		return held, nil
	}
	f := &p.Files
	encoder, err := onnx.NewText(f.Network, f.Tokenizer, onnx.Settings{MaxTokens: f.MaxTokens, Output: f.Output, Pool: onnx.Pool(f.Pool), Batch: f.Batch})
	if err != nil {
		return nil, err
	}
	shared := &sharedEncoder{Encoder: encoder, files: *f}
	encoders.of[key] = weak.Make(shared)
	runtime.AddCleanup(shared, func(e Encoder) {
		_ = e.Close() // nobody is left to hear of it
		encoders.Lock()
		defer encoders.Unlock()
		if encoders.of[key].Value() == nil {
			delete(encoders.of, key)
		}
	}, Encoder(encoder))
	return shared, nil
}

// NewEncoder makes an encoder of files, and opens nothing. Errors are those of
// package onnx about files that it cannot read.
func NewEncoder(f ONNXFiles) (Encoder, error) {
	return shareEncoder(&ONNXParts{Files: f})
}
