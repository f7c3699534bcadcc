package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"orrery.dev/cli"
	"orrery.dev/model/onnx"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"orrery": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command lines in testdata/script. $SYSTEMS is the folder
// of the systems that ship.
func TestScripts(t *testing.T) {
	systems, err := filepath.Abs("../systems")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SYSTEMS", systems)
			env.Setenv("ORRERY_ONNXRUNTIME", os.Getenv("ORRERY_ONNXRUNTIME"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await-server": awaitServer, "http": httpCommand, "truncate": truncate, "fill": fill, "append": appendLine, "replace": replaceText,
			"token": token, "network": network, "chat": chat,
		},
		Condition: func(name string) (bool, error) {
			if name != "onnx" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			err := onnx.Available()
			if err != nil && os.Getenv("ORRERY_ONNX") == "required" {
				return false, err
			}
			return err == nil, nil
		},
	})
}

// patience is how long a script waits for a server before it fails.
const patience = 30 * time.Second

// awaitServer waits until the server of a data directory answers, and puts its
// address in $SERVER: await-server DIR.
func awaitServer(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var info struct{ Address string }
		text, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], "server.json")))
		if err == nil && json.Unmarshal(text, &info) == nil {
			if response, err := http.Get("http://" + info.Address + "/readyz"); err == nil {
				response.Body.Close()
				ts.Setenv("SERVER", info.Address)
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("no server on %s", args[0])
		}
	}
}

// httpCommand sends a request and prints the answer: http METHOD PATH [BODY].
// It fails for a status of 400 and above.
func httpCommand(ts *testscript.TestScript, neg bool, args []string) {
	request, err := http.NewRequest(args[0], "http://"+ts.Getenv("SERVER")+args[1], strings.NewReader(strings.Join(args[2:], " ")))
	ts.Check(err)
	if key := ts.Getenv("ORRERY_KEY"); key != "" {
		request.Header.Set("X-API-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	_, err = io.Copy(ts.Stdout(), response.Body)
	ts.Check(err)
	if neg != (response.StatusCode >= 400) {
		ts.Fatalf("%s %s: %s", args[0], args[1], response.Status)
	}
}

// token puts the API key that a command has shown in a variable, and its id in
// another: token NAME gives $NAME and $NAME_ID.
func token(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(`orr_([a-z2-7]{8})_[a-z2-7]+`).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("no key was shown")
	}
	ts.Setenv(args[0], found[0])
	ts.Setenv(args[0]+"_ID", found[1])
}

// truncate cuts a file to its first bytes: truncate FILE BYTES.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// fill appends a line of that many bytes to a file: fill FILE BYTES.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for ; size > 0; size -= len(piece) {
		_, err = file.Write(piece[:min(size, len(piece))])
		ts.Check(err)
	}
	_, err = file.WriteString("\n")
	ts.Check(err)
	ts.Check(file.Close())
}

// appendLine appends a line to a file: append FILE LINE.
func appendLine(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = file.WriteString(strings.Join(args[1:], " ") + "\n")
	ts.Check(err)
	ts.Check(file.Close())
}

// replaceText replaces all of a text in a file: replace FILE OLD NEW.
func replaceText(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not have %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}
