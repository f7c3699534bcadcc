package expr

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// zoneNames have rules of many kinds: none, two a year, half an hour's shift, days
// skipped, shifts around Ramadan, a fixed offset.
var zoneNames = []string{"UTC", "Europe/Paris", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia",
	"Africa/Casablanca", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Dublin", "America/Sao_Paulo", "Etc/GMT+5", "Antarctica/Troll"}

// TestZoneAgreesWithTime compares the laid out offsets with package time: at
// every change and beside it, at random instants, and beyond what is laid out.
func TestZoneAgreesWithTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range zoneNames {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := newZone(l)
		instants := []int64{laidFrom, laidFrom - 1, laidTo, laidTo - 1, minMicros, maxMicros, 0, -1}
		for _, p := range z.periods {
			instants = append(instants, p.start-1, p.start, p.start+1)
		}
		for range 50000 {
			instants = append(instants, laidFrom+random.Int64N(laidTo-laidFrom), minMicros+random.Int64N(maxMicros-minMicros))
		}
		for _, at := range instants {
			got := z.ahead
			if !z.fixed {
				got = z.aheadAt(at)
			}
			if want := z.lookUp(at); got != want {
				t.Fatalf("%s at %v: %d, by package time %d", name, time.UnixMicro(at).UTC(), got, want)
			}
		}
	}
}

// TestPartsAgreeWithTime compares every part with package time, before 1970 too.
func TestPartsAgreeWithTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	want := map[string]func(time.Time) int{
		"getFullYear": time.Time.Year, "getMonth": func(t time.Time) int { return int(t.Month()) - 1 }, "getDate": time.Time.Day,
		"getDayOfMonth": func(t time.Time) int { return t.Day() - 1 }, "getDayOfYear": func(t time.Time) int { return t.YearDay() - 1 },
		"getDayOfWeek": func(t time.Time) int { return int(t.Weekday()) }, "getHours": time.Time.Hour, "getMinutes": time.Time.Minute,
		"getSeconds": time.Time.Second, "getMilliseconds": func(t time.Time) int { return t.Nanosecond() / 1e6 },
	}
	if len(want) != len(timestampParts) {
		t.Fatal("parts without a test")
	}
	for _, p := range timestampParts {
		for i := range 20000 {
			micros := minMicros + random.Int64N(maxMicros-minMicros)
			if i%2 == 0 {
				micros = random.Int64N(4e15) - 2e15
			}
			if got := p.part(micros); got != float64(want[p.name](time.UnixMicro(micros).UTC())) {
				t.Fatalf("%s of %v is %v", p.name, time.UnixMicro(micros).UTC(), got)
			}
		}
	}
}

// TestDaylightSaving reads the hour around both changes of a year in Paris.
func TestDaylightSaving(t *testing.T) {
	p := mustCompile(t, testEnv(t, "Europe/Paris"), "order.at.getHours()")
	for instant, want := range map[string]float64{
		"2018-03-25T00:59:59Z": 1, "2018-03-25T01:00:00Z": 3, "2018-10-28T00:59:59Z": 2, "2018-10-28T01:00:00Z": 2, "2018-10-28T02:00:00Z": 3,
		"1969-12-31T23:30:00Z": 0,
	} {
		in := full()
		in.Event.Values[1] = instantValue(instant)
		if got := p.Number(in); got != want {
			t.Errorf("%s: hour %v, not %v", instant, got, want)
		}
	}
}

func TestLocationNames(t *testing.T) {
	for name, seconds := range map[string]int{"+02:00": 7200, "-03:30": -12600, "05:45": 20700, "UTC": 0} {
		l, err := location(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, ahead := time.Unix(0, 0).In(l).Zone(); ahead != seconds {
			t.Errorf("%s is %d s ahead", name, ahead)
		}
	}
	for _, name := range strings.Split("Local,,+25:00,+02:60,../etc/passwd,Mars/Olympus,+2:00", ",") {
		if _, err := location(name); err == nil {
			t.Errorf("%q is a zone", name)
		}
	}
}
