package fraud

import (
	"math"
	"slices"

	"orrery.dev"
)

const (
	stolenTerminalsDaily = 2
	stolenTerminalDays   = 28
	stolenCardsDaily     = 3
	stolenCardDays       = 14
	stolenCardFactor     = 5
	largeAmountCents     = 220_00
)

// purchase is a transaction while its day is being made.
type purchase struct {
	second             int32
	customer, terminal int32
	cents              int64
	scenario           Scenario
}

// purchases appends what one customer buys on one day, as it would be were
// there no fraud, in the order that it is drawn.
func (w *World) purchases(s *stream, day, who int, found []purchase) []purchase {
	c := &w.customers[who]
	if len(c.reach) == 0 {
		return found
	}
	s.begin(drawPurchases, day, who)
	for range s.poisson(c.daily) {
		second := int32(s.normal(43200, 20000))
		if second <= 0 || second >= 86400 {
			continue
		}
		amount := s.normal(c.amount, c.amount/2)
		if amount < 0 {
			amount = s.uniform(0, 2*c.amount)
		}
		found = append(found, purchase{
			second:   second,
			customer: int32(who),
			terminal: c.reach[s.IntN(len(c.reach))],
			cents:    int64(math.RoundToEven(amount * 100)),
		})
	}
	return found
}

// theft is one purchase made with a stolen card: the nth of its customer's day.
type theft struct{ day, customer, nth int }

// walk makes one day after another. It has one user.
type walk struct {
	w   *World
	s   *stream
	day int
	// thefts has those of the episodes that began on each of the last days, at
	// day modulo stolenCardDays.
	thefts    [stolenCardDays][]theft
	purchases []purchase
	// first is where each customer's purchases begin.
	first  []int32
	stolen []bool
	order  []uint64
	made   []Transaction
}

// walk starts at a day of the world.
func (w *World) walk(day int) *walk {
	k := &walk{w: w, s: newStream(w.options.Seed), day: day,
		first: make([]int32, len(w.customers)), stolen: make([]bool, len(w.terminals))}
	for d := max(0, day-stolenCardDays+1); d < day; d++ {
		k.steal(d)
	}
	return k
}

// next gives the transactions of the day in time order, and moves on to the
// day after. The slice is used again by the next call.
func (k *walk) next() []Transaction {
	k.purchases = k.purchases[:0]
	for who := range k.w.customers {
		k.first[who] = int32(len(k.purchases))
		k.purchases = k.w.purchases(k.s, k.day, who, k.purchases)
	}
	k.defraud()
	k.order = k.order[:0]
	for i, p := range k.purchases {
		k.order = append(k.order, uint64(p.second)<<32|uint64(i))
	}
	slices.Sort(k.order)
	k.made = k.made[:0]
	id, dawn := k.w.firstID(k.day, len(k.purchases)), k.w.start(k.day)
	for i, o := range k.order {
		p := k.purchases[uint32(o)]
		k.made = append(k.made, Transaction{ID: id + int64(i), At: dawn.Add(orrery.Duration(p.second) * orrery.Second),
			Customer: int(p.customer), Terminal: int(p.terminal), AmountCents: p.cents, Scenario: p.scenario})
	}
	k.day++
	return k.made
}

// defraud lays the scenarios over the day's purchases in the order they are
// published: a later one takes the place of an earlier.
func (k *walk) defraud() {
	clear(k.stolen)
	for d := max(0, k.day-stolenTerminalDays+1); d <= k.day; d++ {
		k.s.begin(drawStolenTerminals, d, 0)
		for _, t := range k.s.distinct(stolenTerminalsDaily, len(k.stolen)) {
			k.stolen[t] = true
		}
	}
	for i := range k.purchases {
		p := &k.purchases[i]
		if p.cents > largeAmountCents {
			p.scenario = LargeAmount
		}
		if k.stolen[p.terminal] {
			p.scenario = StolenTerminal
		}
	}
	k.steal(k.day)
	for d := max(0, k.day-stolenCardDays+1); d <= k.day; d++ {
		for _, t := range k.thefts[d%stolenCardDays] {
			if t.day == k.day {
				p := &k.purchases[int(k.first[t.customer])+t.nth]
				p.cents *= stolenCardFactor
				p.scenario = StolenCard
			}
		}
	}
}

// steal draws the customers whose cards are stolen on a day, looks ahead at
// what each buys from then on, and picks a third of it.
func (k *walk) steal(day int) {
	k.s.begin(drawStolenCards, day, 0)
	picked := k.thefts[day%stolenCardDays][:0]
	for _, who := range k.s.distinct(stolenCardsDaily, len(k.w.customers)) {
		var candidates []theft
		var bought []purchase
		for d := day; d < day+stolenCardDays; d++ {
			bought = k.w.purchases(k.s, d, who, bought[:0])
			for nth := range bought {
				candidates = append(candidates, theft{day: d, customer: who, nth: nth})
			}
		}
		k.s.begin(drawStolenPurchases, day, who)
		for _, i := range k.s.distinct(len(candidates)/3, len(candidates)) {
			picked = append(picked, candidates[i])
		}
	}
	k.thefts[day%stolenCardDays] = picked
}

// firstID gives the id of a day's first transaction, given how many that day
// has. Days that nobody has asked about yet are counted.
func (w *World) firstID(day, size int) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s *stream
	var found []purchase
	for d := len(w.before) - 1; d < day; d++ {
		if s == nil {
			s = newStream(w.options.Seed)
		}
		n := 0
		for who := range w.customers {
			found = w.purchases(s, d, who, found[:0])
			n += len(found)
		}
		w.before = append(w.before, w.before[d]+int64(n))
	}
	if len(w.before) == day+1 {
		w.before = append(w.before, w.before[day]+int64(size))
	}
	return w.before[day]
}
