package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orrery.dev/cli"
)

// editor talks to a language server as an editor would, over its standard input
// and output (the Language Server Protocol, 3.17).
type editor struct {
	t      *testing.T
	in     io.Writer
	out    *bufio.Reader
	schema string
	n      int
}

type message struct {
	ID     *int            `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

func (e *editor) send(value any) {
	e.t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(text), text); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) receive() message {
	e.t.Helper()
	size := 0
	for {
		line, err := e.out.ReadString('\n')
		if err != nil {
			e.t.Fatal(err)
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		if value, found := strings.CutPrefix(line, "Content-Length: "); found {
			fmt.Sscan(value, &size)
		}
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(e.out, text); err != nil {
		e.t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		e.t.Fatal(err)
	}
	return m
}

// ask sends a request and gives its result; what the server asks meanwhile is
// answered.
func (e *editor) ask(method string, params any) json.RawMessage {
	e.t.Helper()
	e.n++
	e.send(map[string]any{"jsonrpc": "2.0", "id": e.n, "method": method, "params": params})
	for {
		m := e.receive()
		switch {
		case m.Method == "" && m.ID != nil && *m.ID == e.n:
			return m.Result
		case m.Method != "" && m.ID != nil:
			e.answer(m)
		}
	}
}

// await reads until the server has sent a message of a method, answering what it
// asks, and gives its parameters.
func (e *editor) await(method string) json.RawMessage {
	e.t.Helper()
	for {
		m := e.receive()
		if m.Method != "" && m.ID != nil {
			e.answer(m)
		}
		if m.Method == method {
			return m.Params
		}
	}
}

// answer gives the server its settings, and nothing to whatever else it asks.
func (e *editor) answer(m message) {
	var result any
	if m.Method == "workspace/configuration" {
		var asked struct {
			Items []struct{ Section string }
		}
		if err := json.Unmarshal(m.Params, &asked); err != nil {
			e.t.Fatal(err)
		}
		settings := []any{}
		for _, item := range asked.Items {
			var value any
			if item.Section == "yaml" {
				value = map[string]any{"schemas": map[string]string{e.schema: "*.yaml"}, "completion": true, "hover": true, "validate": true,
					"schemaStore": map[string]any{"enable": false}}
			}
			settings = append(settings, value)
		}
		result = settings
	}
	e.send(map[string]any{"jsonrpc": "2.0", "id": *m.ID, "result": result})
}

// TestEditorCompletesAndExplains drives yaml-language-server (from npm) with the
// JSON Schema on the fraud system: completion offers the keys that go at a place,
// hover has their documentation, and the file has no fault. It is skipped where
// the server is not installed.
func TestEditorCompletesAndExplains(t *testing.T) {
	program, err := exec.LookPath("yaml-language-server")
	if err != nil {
		t.Skip("yaml-language-server is not installed: npm install -g yaml-language-server")
	}
	dir := t.TempDir()
	var schema, complaints bytes.Buffer
	if status := cli.Main([]string{"schema"}, strings.NewReader(""), &schema, &complaints); status != 0 {
		t.Fatal(complaints.String())
	}
	path := filepath.Join(dir, "schema.json")
	if err := os.WriteFile(path, schema.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../systems/fraud/system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	uri := func(name string) string { return (&url.URL{Scheme: "file", Path: name}).String() }
	e := &editor{t: t, in: in, out: bufio.NewReader(out), schema: uri(path)}
	e.ask("initialize", map[string]any{"processId": os.Getpid(), "rootUri": uri(dir), "capabilities": map[string]any{
		"workspace":    map[string]any{"configuration": true},
		"textDocument": map[string]any{"completion": map[string]any{"completionItem": map[string]any{"documentationFormat": []string{"markdown"}}}, "hover": map[string]any{"contentFormat": []string{"markdown"}}}}})
	e.send(map[string]any{"jsonrpc": "2.0", "method": "initialized", "params": map[string]any{}})
	// A settings change has the server ask for them before it looks at a file.
	e.send(map[string]any{"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": map[string]any{"settings": map[string]any{}}})

	e.await("workspace/configuration")

	lines := strings.Split(string(text), "\n")
	document := uri(filepath.Join(dir, "system.yaml"))
	e.open(document, string(text))
	if found := string(e.await("textDocument/publishDiagnostics")); !strings.Contains(found, `"diagnostics":[]`) {
		t.Errorf("the file has faults: %s", found)
	}
	hover := func(key string) string {
		for i, line := range lines {
			if at := strings.Index(line, key+":"); at >= 0 {
				return string(e.ask("textDocument/hover", position(document, i, at+1)))
			}
		}
		t.Fatalf("there is no %q in the file", key)
		return ""
	}
	for key, want := range map[string]string{"decide_on": "answered with a decision", "matures_after": "How long after the", "policy": "tried in order", "window": "How far back events count"} {
		if got := hover(key); !strings.Contains(got, want) {
			t.Errorf("hover on %s: %s", key, got)
		}
	}
	completions := func(name, added string, want ...string) {
		t.Helper()
		changed := string(text) + added
		at := strings.Count(changed, "\n")
		last := changed[strings.LastIndexByte(changed, '\n')+1:]
		document := uri(filepath.Join(dir, name+".yaml"))
		e.open(document, changed)
		got := string(e.ask("textDocument/completion", position(document, at, len(last))))
		for _, w := range want {
			if !strings.Contains(got, `"label":"`+w+`"`) {
				t.Errorf("completion behind %q lacks %s: %.600s", added, w, got)
			}
		}
	}
	completions("top", "\n", "log", "lists", "state")
	completions("log", "\nlog:\n  ", "keep", "keep_bytes")
	completions("dedupe", "\ndedupe:\n  ", "within")
}

func (e *editor) open(document, text string) {
	e.send(map[string]any{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": map[string]any{
		"textDocument": map[string]any{"uri": document, "languageId": "yaml", "version": 1, "text": text}}})
}

func position(document string, line, character int) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": document}, "position": map[string]any{"line": line, "character": character}}
}
