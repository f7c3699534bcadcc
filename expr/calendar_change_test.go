package expr

import (
	"fmt"
	"testing"
	"time"

	"orrery.dev"
)

// changes are zoneNames with the instants around which they are read: changes of
// both hemispheres, of an hour and of half an hour, a day that a zone skipped, a
// rule that ended, a rule that began, leap days and the century that has none.
var changes = map[string][]string{
	"Europe/Paris":        {"2018-03-25T01:00:00Z", "2018-10-28T01:00:00Z", "1916-06-14T22:00:00Z", "2037-10-25T01:00:00Z", "2150-03-29T01:00:00Z"},
	"America/New_York":    {"2018-03-11T07:00:00Z", "2018-11-04T06:00:00Z", "2007-03-11T07:00:00Z", "2006-04-02T07:00:00Z", "2020-02-29T05:00:00Z"},
	"Australia/Sydney":    {"2018-04-01T16:00:00Z", "2018-10-06T16:00:00Z", "2024-02-28T13:00:00Z"},
	"America/Santiago":    {"2019-04-07T03:00:00Z", "2019-09-08T04:00:00Z"},
	"Australia/Lord_Howe": {"2019-04-06T15:00:00Z", "2019-10-05T15:30:00Z"},
	"Pacific/Apia":        {"2011-12-30T10:00:00Z", "2012-03-31T14:00:00Z"},
	"America/Sao_Paulo":   {"2019-02-17T02:00:00Z", "2019-11-03T03:00:00Z"},
	"Africa/Casablanca":   {"2018-10-28T02:00:00Z", "2019-05-05T02:00:00Z", "2019-06-09T02:00:00Z"},
	"Asia/Kathmandu":      {"1985-12-31T18:30:00Z"},
	"UTC":                 {"1900-03-01T00:00:00Z", "2000-03-01T00:00:00Z", "2016-12-31T23:59:59Z", "2100-03-01T00:00:00Z", "2024-02-29T00:00:00Z"},
}

// TestCalendarOverChanges evaluates each part of a timestamp, compiled for a zone
// and named in the call, every quarter of an hour for two days around each change
// and at its very microseconds, and compares with package time.
func TestCalendarOverChanges(t *testing.T) {
	want := map[string]func(time.Time) int{
		"getFullYear": time.Time.Year, "getMonth": func(t time.Time) int { return int(t.Month()) - 1 }, "getDate": time.Time.Day,
		"getDayOfMonth": func(t time.Time) int { return t.Day() - 1 }, "getDayOfYear": func(t time.Time) int { return t.YearDay() - 1 },
		"getDayOfWeek": func(t time.Time) int { return int(t.Weekday()) }, "getHours": time.Time.Hour, "getMinutes": time.Time.Minute,
		"getSeconds": time.Time.Second, "getMilliseconds": func(t time.Time) int { return t.Nanosecond() / 1e6 },
	}
	for name, instants := range changes {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		here, elsewhere := testEnv(t, name), testEnv(t, "Asia/Tokyo")
		in := full()
		for part, of := range want {
			programs := []*Program{mustCompile(t, here, "order.at."+part+"()"), mustCompile(t, elsewhere, fmt.Sprintf("order.at.%s(%q)", part, name))}
			for _, text := range instants {
				change := at(text)
				moments := []orrery.Instant{change - 1, change, change + 1}
				for d := -2 * orrery.Day; d <= 2*orrery.Day; d += 15 * orrery.Minute {
					moments = append(moments, change.Add(d))
				}
				for _, m := range moments {
					in.Event.Values[1] = orrery.TimestampValue(m)
					local := time.UnixMicro(int64(m)).In(location)
					for i, p := range programs {
						if got := p.Number(in); got != float64(of(local)) {
							t.Fatalf("%s in %s at %v (%d): %v", part, name, local, i, got)
						}
					}
				}
			}
		}
	}
}

// TestDaysOfOtherLengths counts the hours of a local day through expressions: 23
// and 25 of them, 23½ and 24½, and none of a day that was skipped.
func TestDaysOfOtherLengths(t *testing.T) {
	for _, c := range []struct {
		zone             string
		year, month, day int
		hours            float64
	}{
		{"Europe/Paris", 2018, 3, 25, 23}, {"Europe/Paris", 2018, 10, 28, 25}, {"Europe/Paris", 2018, 7, 1, 24},
		{"Australia/Sydney", 2018, 4, 1, 25}, {"Australia/Sydney", 2018, 10, 7, 23},
		{"Australia/Lord_Howe", 2019, 4, 7, 24.5}, {"Australia/Lord_Howe", 2019, 10, 6, 23.5},
		{"Pacific/Apia", 2011, 12, 30, 0}, {"UTC", 2024, 2, 29, 24}, {"UTC", 2023, 2, 29, 0}, {"UTC", 1900, 2, 29, 0}, {"UTC", 2000, 2, 29, 24},
	} {
		p := mustCompile(t, testEnv(t, c.zone), fmt.Sprintf("order.at.getFullYear() == %d && order.at.getMonth() == %d && order.at.getDate() == %d", c.year, c.month-1, c.day))
		in, quarters := full(), 0
		middle := orrery.InstantOf(time.Date(c.year, time.Month(c.month), c.day, 12, 0, 0, 0, time.UTC))
		for d := -2 * orrery.Day; d < 2*orrery.Day; d += 15 * orrery.Minute {
			in.Event.Values[1] = orrery.TimestampValue(middle.Add(d))
			if holds, known := p.Bool(in); holds && known {
				quarters++
			}
		}
		if float64(quarters)/4 != c.hours {
			t.Errorf("%d-%02d-%02d in %s has %v hours, not %v", c.year, c.month, c.day, c.zone, float64(quarters)/4, c.hours)
		}
	}
}
