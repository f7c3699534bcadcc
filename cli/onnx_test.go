package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"orrery.dev/model/onnx/onnxtest"
)

// Words of messages: a message with one of the last three is rude.
var chatWords = []string{"the", "garden", "is", "green", "a", "cat", "sat", "on", "roof", "and", "slept", "rain", "fell", "you", "are", "lovely", "vermin", "filth", "scum"}

const rudeWords = 3

// network writes a small network of random numbers and its tokenizer into a folder:
// network DIR encoder|classifier COLUMNS.
func network(ts *testscript.TestScript, _ bool, args []string) {
	columns, err := strconv.Atoi(args[2])
	ts.Check(err)
	m := onnxtest.NewSmall(len(chatWords)+4, 16, columns, false, 5)
	file := m.Encoder()
	if args[1] == "classifier" {
		for i := range m.Embedding { // the words that are rude speak for every odd output
			m.Embedding[i] = 0
			if i/m.Width >= m.Vocabulary-rudeWords {
				m.Embedding[i] = 1
			}
		}
		for i := range m.Layer {
			m.Layer[i] = -1 + 2*float32(i%columns%2)
		}
		for i := range m.Bias {
			m.Bias[i] = 0.5 - float32(i%2)
		}
		file = m.Classifier()
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(os.WriteFile(filepath.Join(dir, args[1]+".onnx"), file, 0o666))
	ts.Check(os.WriteFile(filepath.Join(dir, "tokenizer.json"), onnxtest.Tokenizer(chatWords...), 0o666))
}

// chat writes messages with verdicts into a folder, an hour apart from a day in 2024
// on, and a file of labelled messages: chat DIR N SEED.
func chat(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	seed, err := strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	r := rand.New(rand.NewPCG(seed, 1))
	var messages, verdicts, labelled strings.Builder
	labelled.WriteString("message_id,text,class\n")
	line := func(b *strings.Builder, event map[string]any) {
		text, err := json.Marshal(event)
		ts.Check(err)
		b.Write(append(text, '\n'))
	}
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		var words []string
		for range 3 + r.IntN(9) {
			words = append(words, chatWords[r.IntN(len(chatWords)-rudeWords)])
		}
		class := "fine"
		if r.IntN(3) == 0 {
			words[r.IntN(len(words))], class = chatWords[len(chatWords)-1-r.IntN(rudeWords)], "rude"
		}
		at := begin.Add(time.Duration(i) * time.Minute)
		id, text := fmt.Sprint("m", i), strings.Join(words, " ")
		line(&messages, map[string]any{"message_id": id, "at": at, "author": fmt.Sprint("a", r.IntN(20)), "text": text})
		line(&verdicts, map[string]any{"verdict_id": "v" + id, "at": at.Add(time.Hour), "message_id": id, "class": class})
		fmt.Fprintf(&labelled, "%s,%s,%s\n", id, text, class)
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	for name, text := range map[string]string{"message.ndjson": messages.String(), "verdict.ndjson": verdicts.String(), "labelled.csv": labelled.String()} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
}
