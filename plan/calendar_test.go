package plan_test

import (
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
)

// TestFeaturesOverDaylightSaving asks every twenty minutes over changes of clocks
// and over a leap day: what `where` counts and what is derived must be what
// package time says of each event, and a window of a day is 24 hours whatever
// the clocks do.
func TestFeaturesOverDaylightSaving(t *testing.T) {
	const calendar = `  night_count: {count: order, by: shopper, window: [1d, 7d], where: order.at.getHours() < 4}
  sunday_sum: {sum: order.amount, by: shopper, window: 7d, where: order.at.getDayOfWeek() == 0}
  leap_count: {count: order, by: shopper, window: ever, where: order.at.getMonth() == 1 && order.at.getDate() == 29}
  hour: order.at.getHours()
  weekend: order.at.getDayOfWeek() in [0, 6]
  night_share: {ratio: [night_count_1d, count_1d]}
`
	for zone, starts := range map[string][]string{
		"Europe/Paris":        {"2018-03-23T00:00:00Z", "2018-10-26T00:00:00Z"},
		"America/New_York":    {"2020-02-27T00:00:00Z", "2018-11-02T00:00:00Z"},
		"Australia/Sydney":    {"2018-03-30T00:00:00Z", "2018-10-05T00:00:00Z"},
		"Australia/Lord_Howe": {"2019-04-05T00:00:00Z"},
		"Pacific/Apia":        {"2011-12-28T00:00:00Z"},
		"UTC":                 {"2024-02-27T00:00:00Z", "2100-02-27T00:00:00Z"},
	} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(small, "system: small\n", "system: small\ntimezone: "+zone+"\n", 1)
		s := orrerytest.Spec(t, strings.Replace(text, "features:\n", "features:\n"+calendar, 1))
		p, err := plan.Compile("r", s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range starts {
			begin, err := time.Parse(time.RFC3339, start)
			if err != nil {
				t.Fatal(err)
			}
			state := plan.NewState()
			var times []time.Time
			for i := range 4 * 72 {
				now := begin.Add(time.Duration(i) * 20 * time.Minute).In(location)
				times = append(times, now)
				d := decide(t, p, state, order(s, i+1, orrery.InstantOf(now), 100))
				want := map[string]float64{"hour": float64(now.Hour())}
				if day := now.Weekday(); day == time.Sunday || day == time.Saturday {
					want["weekend"] = 1
				} else {
					want["weekend"] = 0
				}
				var day, night, nights, sundays, leaps float64
				for _, at := range times {
					inDay := at.After(now.Add(-24 * time.Hour))
					if inDay {
						day++
					}
					if at.Hour() < 4 {
						nights++
						if inDay {
							night++
						}
					}
					if at.Weekday() == time.Sunday {
						sundays++
					}
					if at.Month() == time.February && at.Day() == 29 {
						leaps++
					}
				}
				want["night_count_1d"], want["night_count_7d"], want["sunday_sum"], want["leap_count"] = night, nights, sundays, leaps
				want["count_1d"], want["night_share"] = day, night/day
				for name, x := range want {
					if got := d.Vector[s.FeatureIndex(name)]; got != x {
						t.Fatalf("%s at %v: %v, not %v", name, now, got, x)
					}
				}
			}
		}
	}
}
