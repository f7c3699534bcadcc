// Package fraud makes the fraud system's own sample data: card transactions
// and the reports of fraud that follow a week later.
//
// The process is the one published as the simulator in chapter 3 of
// "Reproducible Machine Learning for Credit Card Fraud Detection" (Le Borgne,
// Siblini, Lebichot and Bontempi, 2022). Customers and terminals lie on a
// square; a customer buys at terminals nearby, with habits of their own; and
// three kinds of fraud are laid over it (see Scenario). The process is the
// same, the random numbers are not.
//
// A World is a pure function of its Options: the same seed gives the same
// transactions on any machine, a longer history begins with the shorter one,
// and any stretch of time can be asked for by itself.
package fraud

import (
	"strconv"
	"time"

	"orrery.dev"
)

// The published process, where Options leave it open or as it always is.
const (
	DefaultCustomers = 5000
	DefaultTerminals = 10000
	DefaultDays      = 183

	side   = 100.0 // of the square that all live on
	radius = 5.0   // within which a customer uses terminals

	// ReportDelay is the time from a fraudulent transaction to its report.
	ReportDelay = 7 * orrery.Day
)

// maxEntities and maxDays keep what a caller can ask for within memory.
const (
	maxEntities = 100_000
	maxDays     = 100_000
)

// Options say which world to make. The zero Options are those of the
// published data set, with seed 0.
type Options struct {
	// Customers and Terminals are how many there are, up to 100,000 each; 0
	// means 5,000 customers, 10,000 terminals.
	Customers, Terminals int
	// Start is any moment of the first day. Days are those of UTC. The zero
	// Time means 2018-04-01.
	Start time.Time
	// Days is the length of the history, which the world goes on beyond; 0
	// means 183.
	Days int
	Seed uint64
}

func (o Options) complete() (Options, error) {
	if o.Customers == 0 {
		o.Customers = DefaultCustomers
	}
	if o.Terminals == 0 {
		o.Terminals = DefaultTerminals
	}
	if o.Days == 0 {
		o.Days = DefaultDays
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)
	}
	for _, c := range []struct {
		field string
		value int
		most  int
	}{{"customers", o.Customers, maxEntities}, {"terminals", o.Terminals, maxEntities}, {"days", o.Days, maxDays}} {
		if c.value < 1 || c.value > c.most {
			return o, orrery.Errorf(orrery.Invalid, "sample_option", "the sample data cannot have %d %s", c.value, c.field).
				WithField(c.field).WithNext("give a number from 1 to %d", c.most)
		}
	}
	if year := o.Start.UTC().Year(); year < 1 || year > 9000 {
		return o, orrery.Errorf(orrery.Invalid, "sample_option", "the sample data cannot start in the year %d", year).
			WithField("start").WithNext("give a year from 1 to 9000")
	}
	return o, nil
}

// Scenario is the way that a transaction is fraudulent.
type Scenario uint8

// The scenarios, as they are published. Where several apply to a transaction,
// it has the highest.
const (
	// Genuine: no fraud.
	Genuine Scenario = 0
	// LargeAmount: every amount over 220 is fraud.
	LargeAmount Scenario = 1
	// StolenTerminal: two terminals a day are compromised, and all their
	// transactions for 28 days are fraud.
	StolenTerminal Scenario = 2
	// StolenCard: three customers a day are compromised; for 14 days a random
	// third of their transactions have five times the amount, and are fraud.
	StolenCard Scenario = 3
)

// Transaction is one purchase, with the truth about it.
type Transaction struct {
	// ID counts from 0 at the world's start, in time order.
	ID int64
	// At is a whole second of the world's time.
	At                 orrery.Instant
	Customer, Terminal int
	// AmountCents is the amount in hundredths of a US dollar.
	AmountCents int64
	Scenario    Scenario
}

// Fraud reports whether the transaction is fraudulent.
func (t Transaction) Fraud() bool { return t.Scenario != Genuine }

// The names of the event types in the system's spec.
const (
	TransactionType = "transaction"
	ReportType      = "fraud_report"
)

// Event is a transaction, or the report that one was fraud.
type Event struct {
	// Type is TransactionType or ReportType.
	Type string
	// At is when the event happened: for a report, seven days after its
	// transaction.
	At orrery.Instant
	// Transaction is the one that was made, or that is reported.
	Transaction Transaction
}

// ID is the event's id: that of its transaction, for a report with "r" before.
func (e Event) ID() string {
	id := strconv.FormatInt(e.Transaction.ID, 10)
	if e.Type == ReportType {
		return "r" + id
	}
	return id
}

// Restamped gives the event as if it had happened at another time: for live
// traffic that runs faster than the world does, see World.Live.
func (e Event) Restamped(at orrery.Instant) Event {
	e.At = at
	if e.Type == TransactionType {
		e.Transaction.At = at
	}
	return e
}
