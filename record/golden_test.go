package record

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"orrery.dev"
)

var update = flag.Bool("update", false, "write the golden file of the present version anew; only before it is released")

func goldenFile(version int) string { return fmt.Sprintf("testdata/version%d.txt", version) }

// goldenEvents are events of every shape.
func goldenEvents() map[string]*orrery.Event {
	whole, bare, own := transaction(), transaction(), transaction()
	for i := 4; i < len(bare.Values); i++ {
		bare.Values[i] = orrery.Value{}
	}
	own.ID, own.Time = "another", own.Received+1
	tick := &orrery.Event{Type: contract.Events[1], ID: "-9223372036854775808", Time: math.MaxInt64, Received: math.MinInt64,
		Values: []orrery.Value{orrery.TimestampValue(math.MaxInt64), orrery.IntValue(math.MinInt64)}}
	return map[string]*orrery.Event{"event whole": whole, "event bare": bare, "event own id and time": own, "event tick": tick}
}

// goldenDecisions are decisions of every shape that a version has.
func goldenDecisions(version int) map[string]*orrery.Decision {
	fallback := &orrery.Decision{Offset: 7, Release: "builtin", Score: math.NaN(), Action: "review", Rule: -1, Fallback: "deadline", Propensity: 1}
	all := map[string]*orrery.Decision{"decision": decision(), "decision fallback": fallback}
	if version >= 2 {
		all["decision left to chance"] = chancy()
	}
	return all
}

func goldenControls() map[string]*Control {
	return map[string]*Control{"control": {Type: "release", At: 5, Body: json.RawMessage(`{"release":"abc"}`)}, "control bare": {Type: "pause", At: 5}}
}

// goldenRecords reads a version's file: a name, then the record in hex, on each
// line.
func goldenRecords(t testing.TB, version int) map[string][]byte {
	text, err := os.ReadFile(goldenFile(version))
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, digits, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if records[name], err = hex.DecodeString(digits); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return records
}

// TestGolden reads the records that each version wrote, and writes those of the
// present version again, which must give the same bytes.
func TestGolden(t *testing.T) {
	now := map[string][]byte{}
	for name, e := range goldenEvents() {
		now[name] = AppendEvent(nil, fingerprint, e)
	}
	for name, d := range goldenDecisions(plainVersion) {
		now[name] = AppendDecision(nil, fingerprint, 5, d)
	}
	for name, c := range goldenControls() {
		now[name] = AppendControl(nil, fingerprint, c.At, c)
	}
	if *update {
		writeGolden(t, now)
	}
	recorded := goldenRecords(t, plainVersion)
	if len(recorded) != len(now) {
		t.Errorf("%d records in %s, want %d", len(recorded), goldenFile(plainVersion), len(now))
	}
	for name, data := range now {
		if hex.EncodeToString(recorded[name]) != hex.EncodeToString(data) {
			t.Errorf("%s is written as\n%x, and was\n%x", name, data, recorded[name])
		}
	}
	for version := 1; version <= plainVersion; version++ {
		readGolden(t, version)
	}
}

func readGolden(t *testing.T, version int) {
	recorded := goldenRecords(t, version)
	for name, want := range goldenEvents() {
		got, err := DecodeEvent(recorded[name], contracts)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(*want) {
			t.Errorf("version %d: %s is read as %v, %v, want %v", version, name, got, err, *want)
		}
	}
	for name, want := range goldenDecisions(version) {
		got, err := DecodeDecision(recorded[name], want.Offset, nil)
		if err != nil || !same(&got, want) {
			t.Errorf("version %d: %s is read as %v, %v, want %v", version, name, got, err, *want)
		}
	}
	for name, want := range goldenControls() {
		got, err := DecodeControl(recorded[name])
		if err != nil || fmt.Sprint(got) != fmt.Sprint(*want) {
			t.Errorf("version %d: %s is read as %v, %v, want %v", version, name, got, err, *want)
		}
	}
}

func writeGolden(t *testing.T, records map[string][]byte) {
	text := fmt.Sprintf("# Records of format version %d, in hex, of the events, decisions and controls in golden_test.go.\n", plainVersion)
	for _, name := range []string{"event whole", "event bare", "event own id and time", "event tick", "decision", "decision fallback",
		"decision left to chance", "control", "control bare"} {
		text += fmt.Sprintf("%s: %x\n", name, records[name])
	}
	if err := os.WriteFile(goldenFile(plainVersion), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenActed holds format 4, that of decisions with parameters and spans, to
// what it was.
func TestGoldenActed(t *testing.T) {
	s := newSealed()
	now := map[string][]byte{"decision": AppendDecision(nil, fingerprint, 5, acting()), "sealed": AppendSealedDecision(nil, fingerprint, 5, acting(), s)}
	if *update {
		text := fmt.Sprintf("# Decisions of format version 4, in hex, of decision_test.go.\ndecision: %x\nsealed: %x\n", now["decision"], now["sealed"])
		if err := os.WriteFile(goldenFile(actedVersion), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded := goldenRecords(t, actedVersion)
	for name, data := range now {
		if hex.EncodeToString(recorded[name]) != hex.EncodeToString(data) {
			t.Errorf("%s is written as\n%x, and was\n%x", name, data, recorded[name])
		}
		if got, err := DecodeDecision(recorded[name], 7, personalView(s)); err != nil || !same(&got, acting()) {
			t.Errorf("%s is read as %v, %v", name, got, err)
		}
	}
}

// TestGoldenCorrections holds the record of a correction, which is of format
// version 3, to its golden bytes.
func TestGoldenCorrections(t *testing.T) {
	recorded := goldenRecords(t, sealedVersion)
	for name, want := range map[string]*orrery.Event{"correction": fix(false), "correction of a withdrawn event": fix(true)} {
		if data := AppendEvent(nil, fingerprint, want); hex.EncodeToString(data) != hex.EncodeToString(recorded[name]) {
			t.Errorf("%s is written as\n%x, and was\n%x", name, data, recorded[name])
		}
		if got, err := DecodeEvent(recorded[name], contracts); err != nil || !reflect.DeepEqual(&got, want) {
			t.Errorf("%s is read as %v, %v, want %v", name, got, err, want)
		}
	}
}
