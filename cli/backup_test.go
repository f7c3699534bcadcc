//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

func (u *upgradable) run(t *testing.T, args ...string) string {
	t.Helper()
	var output, complaints bytes.Buffer
	cmd := u.command(args...)
	cmd.Stdout, cmd.Stderr = &output, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("orrery %v: %v %s", args, err, complaints.String())
	}
	return output.String()
}

// TestBackupUnderLoad takes backups of a server under load and restores them:
// each holds every decision that was acknowledged when it began, as it was, and
// verifies.
func TestBackupUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	u := startUpgradable(t)
	l := startLoad(u.address, 4)
	folder := filepath.Join(t.TempDir(), "backups")
	var acknowledged []map[int]string
	for range 3 {
		l.await(t, 300)
		l.mutex.Lock()
		known := map[int]string{}
		for id, decision := range l.answered {
			known[id] = decision
		}
		l.mutex.Unlock()
		acknowledged = append(acknowledged, known)
		u.run(t, "backup", u.spec, "--data", u.dir, "--to", folder)
	}
	l.end(t)
	for i, known := range acknowledged {
		dir := filepath.Join(t.TempDir(), "restored")
		var done struct {
			Offset       int `json:"log_offset"`
			Verification struct{ Decisions, Different int }
		}
		text := u.run(t, "restore", folder, dir, "--number", fmt.Sprint(i+1), "--json")
		if err := json.Unmarshal([]byte(text), &done); err != nil {
			t.Fatal(err)
		}
		if done.Verification.Different != 0 || done.Verification.Decisions < len(known) {
			t.Fatalf("backup %d, of at least %d decisions: %s", i+1, len(known), text)
		}
		c := startChild(t, dir)
		for id, decision := range known {
			answer, err := c.post("/v1/systems/fraud/decisions", body(id))
			if err != nil || answer["repeated"] != true || answer["decision_id"] != decision {
				t.Fatalf("transaction %d was acknowledged as %s, and in the backup is %v %v", id, decision, answer, err)
			}
		}
		c.kill()
	}
}
