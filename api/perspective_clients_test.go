package api_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/store/memory"
)

// TestPerspectiveClients drives a server with clients of the Perspective API that
// were written for the service itself. It skips those that are not installed,
// unless ORRERY_CLIENTS says that they must be: .ci/run installs them.
func TestPerspectiveClients(t *testing.T) {
	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := keys.Create(access.Actor{Name: "test"}, access.Request{Name: "site",
		Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{access.Decide, access.Ingest}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []struct{ name, program, present, script string }{
		{"python", "python3", "import googleapiclient.discovery, perspective.perspective", "testdata/clients/clients.py"},
		{"node", "node", "require('perspective-api-client')", "testdata/clients/clients.js"},
		{"google", "node", "require('googleapis-common')", "testdata/clients/google.js"},
	} {
		t.Run(client.name, func(t *testing.T) {
			flag := map[string]string{"python3": "-c", "node": "-e"}[client.program]
			if err := exec.CommandContext(t.Context(), client.program, flag, client.present).Run(); err != nil {
				if os.Getenv("ORRERY_CLIENTS") != "" {
					t.Fatalf("%s cannot %s: %v", client.program, client.present, err)
				}
				t.Skipf("the clients are not installed: %s cannot %s (.ci/run installs them)", client.program, client.present)
			}
			c := newChat(t, api.Options{Keys: keys})
			last := c.engine.Last()
			out, err := exec.CommandContext(t.Context(), client.program, client.script, c.URL, token, "all flurg are filth", "the bread is good today").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "all is well") {
				t.Fatalf("%v\n%s", err, out)
			}
			if c.engine.Last() == last {
				t.Error("nothing was recorded")
			}
		})
	}
}
