package zones

import (
	"errors"
	"testing"
	"time"
)

// TestZonesAreThoseOfTheProgram loads every zone of the copy, and holds a few to
// offsets that were in force on days of the past.
func TestZonesAreThoseOfTheProgram(t *testing.T) {
	byName, err := files()
	if err != nil {
		t.Fatal(err)
	}
	if len(byName) < 500 {
		t.Fatalf("%d zones", len(byName))
	}
	for name := range byName {
		if l, err := Load(name); err != nil || l.String() != name {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	for _, c := range []struct {
		name, at string
		ahead    int
	}{
		{"UTC", "2020-07-01T00:00:00Z", 0},
		{"Europe/Paris", "2020-07-01T00:00:00Z", 7200},
		{"Europe/Paris", "2020-12-01T00:00:00Z", 3600},
		{"America/New_York", "2007-03-20T00:00:00Z", -14400}, // by the rule of 2007
		{"America/New_York", "2006-03-20T00:00:00Z", -18000},
		{"Asia/Kolkata", "2020-07-01T00:00:00Z", 19800},
		{"Africa/Juba", "2021-02-02T00:00:00Z", 7200}, // changed on 2021-02-01
	} {
		l, err := Load(c.name)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if _, ahead := at.In(l).Zone(); ahead != c.ahead {
			t.Errorf("%s at %s is %d s ahead, want %d", c.name, c.at, ahead, c.ahead)
		}
	}
}

// TestZonesDoNotDependOnTheMachine has the machine claim that all clocks of Paris
// show another time.
func TestZonesDoNotDependOnTheMachine(t *testing.T) {
	t.Setenv("ZONEINFO", "/nowhere")
	t.Setenv("TZ", "Asia/Tokyo")
	l, err := Load("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if _, ahead := time.Unix(1593561600, 0).In(l).Zone(); ahead != 7200 {
		t.Errorf("%d s ahead", ahead)
	}
	for _, name := range []string{"", "Local", "europe/paris", "../etc/passwd", "Europe", "Europe/"} {
		if _, err := Load(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
