package fraud

import (
	"math"
	"slices"
	"testing"

	"orrery.dev"
)

func published(t *testing.T) *World {
	t.Helper()
	w, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// near fails the test when got is more than five standard errors from want.
func near(t *testing.T, what string, got, want, standardError float64) {
	t.Helper()
	if math.Abs(got-want) > 5*standardError || math.IsNaN(got) {
		t.Errorf("%s: %.5f, published %.5f (standard error %.5f)", what, got, want, standardError)
	}
}

func moments(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

func TestReachIsTheRadius(t *testing.T) {
	w := published(t)
	for i := range w.customers {
		c := &w.customers[i]
		var want []int32
		for j, p := range w.terminals {
			if math.Hypot(c.x-p.x, c.y-p.y) < radius {
				want = append(want, int32(j))
			}
		}
		got := slices.Sorted(slices.Values(c.reach))
		if !slices.Equal(got, want) {
			t.Fatalf("customer %d reaches %v, want %v", i, got, want)
		}
	}
}

func TestProfiles(t *testing.T) {
	w := published(t)
	n := float64(len(w.customers))
	for _, c := range []struct {
		name     string
		of       func(*customer) float64
		from, to float64
	}{
		{"x", func(c *customer) float64 { return c.x }, 0, 100},
		{"y", func(c *customer) float64 { return c.y }, 0, 100},
		{"mean amount", func(c *customer) float64 { return c.amount }, 5, 100},
		{"transactions a day", func(c *customer) float64 { return c.daily }, 0, 4},
	} {
		var values []float64
		for i := range w.customers {
			v := c.of(&w.customers[i])
			if v < c.from || v >= c.to {
				t.Errorf("%s: %v", c.name, v)
			}
			values = append(values, v)
		}
		mean, deviation := moments(values)
		sigma := (c.to - c.from) / math.Sqrt(12)
		near(t, c.name, mean, (c.from+c.to)/2, sigma/math.Sqrt(n))
		near(t, c.name+", deviation", deviation, sigma, sigma/math.Sqrt(n))
	}
}

// What one customer buys before any fraud, over many days, follows the
// published laws.
func TestPurchases(t *testing.T) {
	w := published(t)
	who := slices.IndexFunc(w.customers, func(c customer) bool { return len(c.reach) > 50 && c.daily > 3.5 })
	c := &w.customers[who]
	const days = 20_000
	var seconds, dollars, counts []float64
	used := map[int32]int{}
	s := newStream(0)
	for day := range days {
		bought := w.purchases(s, day, who, nil)
		counts = append(counts, float64(len(bought)))
		for _, p := range bought {
			if p.second < 1 || p.second > 86399 || !slices.Contains(c.reach, p.terminal) {
				t.Fatalf("%+v", p)
			}
			seconds, dollars = append(seconds, float64(p.second)), append(dollars, float64(p.cents)/100)
			used[p.terminal]++
		}
	}
	// A normal time is within the day with probability P(|Z| < 2.16).
	kept := math.Erf(2.16 / math.Sqrt2)
	mean, deviation := moments(counts)
	near(t, "a day", mean, c.daily*kept, math.Sqrt(c.daily/days))
	near(t, "variance of a day", deviation*deviation, c.daily*kept, c.daily*math.Sqrt(3.0/days))

	n := float64(len(seconds))
	density := math.Exp(-2.16*2.16/2) / math.Sqrt(2*math.Pi)
	sigma := 20000 * math.Sqrt(1-2*2.16*density/kept)
	mean, deviation = moments(seconds)
	near(t, "time of day", mean, 43199.5, sigma/math.Sqrt(n))
	near(t, "deviation of time", deviation, sigma, sigma/math.Sqrt(n))

	// The mean of a normal above 0 (it is two deviations off) mixed with the
	// mean of what replaces the rest.
	negative := 0.5 * math.Erfc(math.Sqrt2)
	peak := math.Exp(-2) / math.Sqrt(2*math.Pi)
	expected := c.amount*(1-negative) + c.amount/2*peak + negative*c.amount
	mean, _ = moments(dollars)
	near(t, "amount", mean, expected, c.amount/2/math.Sqrt(n))

	each := n / float64(len(c.reach))
	for _, terminal := range c.reach {
		near(t, "uses of a terminal", float64(used[terminal]), each, math.Sqrt(each))
	}
}

func TestPoissonOfZero(t *testing.T) {
	s := newStream(1)
	s.begin(drawPurchases, 0, 0)
	for range 100 {
		if s.poisson(0) != 0 {
			t.Fatal("there are arrivals at rate 0")
		}
	}
}

func TestDistinct(t *testing.T) {
	s := newStream(3)
	s.begin(drawProfile, 0, 0)
	var seen [5]int
	for range 6000 {
		drawn := s.distinct(3, 5)
		for _, i := range drawn {
			seen[i]++
		}
		if slices.Sort(drawn); len(slices.Compact(drawn)) != 3 {
			t.Fatalf("%v", drawn)
		}
	}
	for i, n := range seen {
		near(t, "draws of "+string(rune('0'+i)), float64(n), 3600, math.Sqrt(6000*0.6*0.4))
	}
	if got := s.distinct(4, 2); len(got) != 2 {
		t.Errorf("four of two: %v", got)
	}
	if got := s.distinct(3, 0); len(got) != 0 {
		t.Errorf("three of none: %v", got)
	}
}

// A slow telling of the three scenarios over the whole history at once, as the
// publication does it, agrees with the day by day making of it.
func TestScenarios(t *testing.T) {
	const days = 50
	w, err := New(Options{Customers: 300, Terminals: 200, Days: days, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ day, who, nth int }
	s := newStream(5)
	world := map[key]purchase{}
	for day := range days + stolenCardDays {
		for who := range w.customers {
			for nth, p := range w.purchases(s, day, who, nil) {
				if p.cents > 22000 {
					p.scenario = LargeAmount
				}
				world[key{day, who, nth}] = p
			}
		}
	}
	for start := range days {
		s.begin(drawStolenTerminals, start, 0)
		terminals := s.distinct(2, len(w.terminals))
		for k, p := range world {
			if k.day >= start && k.day < start+28 && slices.Contains(terminals, int(p.terminal)) {
				p.scenario = StolenTerminal
				world[k] = p
			}
		}
	}
	for start := range days {
		s.begin(drawStolenCards, start, 0)
		for _, who := range s.distinct(3, len(w.customers)) {
			var bought []key
			for day := start; day < start+14; day++ {
				for nth := range 100 {
					if _, ok := world[key{day, who, nth}]; ok {
						bought = append(bought, key{day, who, nth})
					}
				}
			}
			s.begin(drawStolenPurchases, start, who)
			for _, i := range s.distinct(len(bought)/3, len(bought)) {
				p := world[bought[i]]
				p.cents, p.scenario = p.cents*5, StolenCard
				world[bought[i]] = p
			}
		}
	}
	type fact struct {
		at                 orrery.Instant
		customer, terminal int
		cents              int64
		scenario           Scenario
	}
	left := map[fact]int{}
	for k, p := range world {
		if k.day < days {
			at := w.start(k.day).Add(orrery.Duration(p.second) * orrery.Second)
			left[fact{at, k.who, int(p.terminal), p.cents, p.scenario}]++
		}
	}
	from, to := w.Bounds()
	for x := range w.Transactions(from, to) {
		f := fact{x.At, x.Customer, x.Terminal, x.AmountCents, x.Scenario}
		if left[f]--; left[f] < 0 {
			t.Fatalf("%+v is not in the slow telling", f)
		}
		if left[f] == 0 {
			delete(left, f)
		}
	}
	if len(left) > 0 {
		t.Errorf("%d transactions of the slow telling are missing", len(left))
	}
}
