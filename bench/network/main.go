// Command network writes a system whose model is a head on a network of random
// weights, with messages for it, to measure what a network costs beside the rest of
// a decision. The network has the shape of a transformer encoder; with the defaults
// it has the multiplications of the small encoders of sentences that are in common use.
//
//	go run ./bench/network -o DIR [-layers N] [-width N] [-int8] [-batch N] [-messages N]
//	orrery bench DIR --events message=DIR/message.ndjson --events verdict=DIR/verdict.ndjson
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"orrery.dev/model/onnx/onnxtest"
)

//go:embed system.yaml
var system string

// Words of messages, and how many of them are rude.
const (
	vocabulary = 2000
	rude       = 50
)

func main() {
	var n onnxtest.Transformer
	flag.IntVar(&n.Layers, "layers", 6, "layers of the network")
	flag.IntVar(&n.Width, "width", 384, "numbers for each token, a multiple of 32; the network gives as many for a text")
	flag.BoolVar(&n.Int8, "int8", false, "whole numbers for the matrices, quantised at run time")
	batch := flag.Int("batch", 1, "how many texts run together at most")
	messages := flag.Int("messages", 60_000, "how many messages are written")
	dir := flag.String("o", "", "the folder to write to")
	flag.Parse()
	if *dir == "" || n.Width%32 != 0 {
		flag.Usage()
		os.Exit(2)
	}
	n.Vocabulary, n.Positions, n.Heads, n.Inner, n.Seed = vocabulary+4, 512, n.Width/32, 4*n.Width, 1
	if err := write(*dir, &n, *batch, *messages); err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		os.Exit(1)
	}
}

func write(dir string, n *onnxtest.Transformer, batch, messages int) error {
	words := make([]string, vocabulary)
	for i := range words {
		words[i] = spell(i)
	}
	spec := strings.Replace(system, "batch: 1\n", fmt.Sprintf("batch: %d\n", batch), 1)
	return errors.Join(
		os.MkdirAll(dir, 0o777),
		os.WriteFile(filepath.Join(dir, "system.yaml"), []byte(spec), 0o666),
		os.WriteFile(filepath.Join(dir, "model.onnx"), n.Model(), 0o666),
		os.WriteFile(filepath.Join(dir, "tokenizer.json"), onnxtest.Tokenizer(words...), 0o666),
		writeEvents(dir, words, messages),
	)
}

// spell gives the word of a number: syllables for its digits.
func spell(i int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b strings.Builder
	for i += vocabulary; i > 0; i /= len(consonants) * len(vowels) {
		b.WriteByte(consonants[i%len(consonants)])
		b.WriteByte(vowels[i/len(consonants)%len(vowels)])
	}
	return b.String()
}

// writeEvents writes messages of 3 to 30 words, two a second, and a verdict on each.
func writeEvents(dir string, words []string, messages int) (err error) {
	type line struct {
		Message string    `json:"message_id"`
		Verdict string    `json:"verdict_id,omitempty"`
		At      time.Time `json:"at"`
		Author  string    `json:"author,omitempty"`
		Text    string    `json:"text,omitempty"`
		Rude    *bool     `json:"rude,omitempty"`
	}
	var encoders [2]*json.Encoder
	for i, name := range []string{"message.ndjson", "verdict.ndjson"} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		out := bufio.NewWriter(file)
		defer func() { err = errors.Join(err, out.Flush(), file.Close()) }()
		encoders[i] = json.NewEncoder(out)
	}
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range messages {
		text := make([]string, 3+r.IntN(28))
		for k := range text {
			text[k] = words[rude+r.IntN(len(words)-rude)]
		}
		isRude := r.IntN(5) == 0
		if isRude {
			text[r.IntN(len(text))] = words[r.IntN(rude)]
		}
		id, at := fmt.Sprint("m", i), begin.Add(time.Duration(i)*500*time.Millisecond)
		if err := errors.Join(
			encoders[0].Encode(line{Message: id, At: at, Author: fmt.Sprint("a", r.IntN(2000)), Text: strings.Join(text, " ")}),
			encoders[1].Encode(line{Message: id, Verdict: "v" + id, At: at.Add(10 * time.Second), Rude: &isRude}),
		); err != nil {
			return err
		}
	}
	return nil
}
