package fraud

import (
	"math/rand/v2"
	"sync"

	"orrery.dev"
)

// World is everything that stays the same while days pass: who lives where,
// and with which habits. It is safe for concurrent use.
type World struct {
	options Options
	// dawn is the first instant of day 0.
	dawn      orrery.Instant
	customers []customer
	terminals []place

	mu sync.Mutex
	// before[d] is how many transactions the days before d have, for the days
	// that have been asked about: the ids of day d begin there.
	before []int64
}

// place is a point of the square.
type place struct{ x, y float64 }

func (p place) near(q place) bool {
	dx, dy := p.x-q.x, p.y-q.y
	return float64(dx*dx)+float64(dy*dy) < radius*radius
}

type customer struct {
	place
	// amount is the mean of the amounts in dollars, daily that of the number of
	// transactions a day.
	amount, daily float64
	// reach lists the terminals within the radius, in their order.
	reach []int32
}

// New makes a world. The error is of kind Invalid and names the option that is
// out of range.
func New(o Options) (*World, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	dawn := orrery.InstantOf(o.Start).Add(-sinceMidnight(orrery.InstantOf(o.Start)))
	w := &World{options: o, dawn: dawn, before: []int64{0}}
	s := newStream(o.Seed)
	w.terminals = make([]place, o.Terminals)
	s.begin(drawTerminals, 0, 0)
	for i := range w.terminals {
		w.terminals[i] = s.place()
	}
	w.customers = make([]customer, o.Customers)
	for i := range w.customers {
		s.begin(drawProfile, i, 0)
		w.customers[i] = customer{place: s.place(), amount: s.uniform(5, 100), daily: s.uniform(0, 4)}
	}
	w.connect()
	return w, nil
}

// Bounds gives the history that the options ask for: from the first instant of
// the first day to that of the day after the last.
func (w *World) Bounds() (from, to orrery.Instant) {
	return w.dawn, w.start(w.options.Days)
}

func (w *World) start(day int) orrery.Instant { return w.dawn.Add(orrery.Duration(day) * orrery.Day) }

// dayOf gives the day that an instant is in, 0 for all before the world's start.
func (w *World) dayOf(t orrery.Instant) int {
	return int(max(0, orrery.Duration(t-w.dawn)) / orrery.Day)
}

func sinceMidnight(t orrery.Instant) orrery.Duration {
	d := orrery.Duration(t) % orrery.Day
	if d < 0 {
		d += orrery.Day
	}
	return d
}

// connect finds the terminals that each customer reaches. Those of a cell as
// wide as the radius are in the cells around it.
func (w *World) connect() {
	const cells = int(side / radius)
	var grid [cells][cells][]int32
	cell := func(v float64) int { return min(int(v/radius), cells-1) }
	for i, t := range w.terminals {
		g := &grid[cell(t.x)][cell(t.y)]
		*g = append(*g, int32(i))
	}
	for i := range w.customers {
		c := &w.customers[i]
		cx, cy := cell(c.x), cell(c.y)
		for x := max(0, cx-1); x <= min(cells-1, cx+1); x++ {
			for y := max(0, cy-1); y <= min(cells-1, cy+1); y++ {
				for _, t := range grid[x][y] {
					if c.near(w.terminals[t]) {
						c.reach = append(c.reach, t)
					}
				}
			}
		}
	}
}

// stream is a source of random numbers for one thing at a time. What is drawn
// for one thing does not depend on what was drawn for another, so any day of
// any customer can be made by itself.
type stream struct {
	seed uint64
	pcg  rand.PCG
	*rand.Rand
}

// What a stream is drawn for. The numbers decide the data of a seed.
const (
	drawTerminals = iota + 1
	drawProfile
	drawPurchases
	drawStolenTerminals
	drawStolenCards
	drawStolenPurchases
)

func newStream(seed uint64) *stream {
	s := &stream{seed: seed}
	s.Rand = rand.New(&s.pcg)
	return s
}

// begin starts the numbers for one purpose, of one day and one entity.
func (s *stream) begin(purpose, a, b int) {
	h := mix(s.seed + uint64(purpose))
	h = mix(h + uint64(a))
	h = mix(h + uint64(b))
	s.pcg.Seed(h, mix(h))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *stream) uniform(from, to float64) float64 {
	return float64((to-from)*s.Float64()) + from
}

func (s *stream) normal(mean, deviation float64) float64 {
	return float64(deviation*s.NormFloat64()) + mean
}

func (s *stream) place() place { return place{x: s.uniform(0, side), y: s.uniform(0, side)} }

// poisson counts the arrivals within one unit of time, at the mean rate given.
func (s *stream) poisson(mean float64) int {
	n := 0
	for t := s.ExpFloat64(); t < mean; t += s.ExpFloat64() {
		n++
	}
	return n
}

// distinct draws k of the numbers below n, each at most once, in random order.
func (s *stream) distinct(k, n int) []int {
	k = min(k, n)
	found := make([]int, 0, k)
	moved := make(map[int]int, 2*k)
	at := func(i int) int {
		if v, ok := moved[i]; ok {
			return v
		}
		return i
	}
	for i := range k {
		j := i + s.IntN(n-i)
		found = append(found, at(j))
		moved[j] = at(i)
	}
	return found
}
