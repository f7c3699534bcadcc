// Command exploration shows what it costs to learn from a log in which blocks
// hide their own outcomes, and what letting a share of them through gives back.
// Each arm serves the same worlds, retrains on its own log every week for ten
// weeks, and is measured on the truth about all transactions of the week after.
//
//	go run ./bench/exploration [-customers N] [-terminals N] [-seeds N] [-rounds N] [-drift=false]
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
)

var arms = []Arm{
	{Name: "every outcome seen (impossible)", Omniscient: true},
	{Name: "blocks hide outcomes, 20% explored", Share: 0.2},
	{Name: "blocks hide outcomes, 10% explored", Share: 0.1},
	{Name: "blocks hide outcomes, 5% explored", Share: 0.05},
	{Name: "blocks hide outcomes, 2% explored", Share: 0.02},
	{Name: "blocks hide outcomes, none explored"},
	{Name: "none explored, without unknown_when", Naive: true},
	{Name: "10% explored, features told all (impossible)", Share: 0.1, Told: true},
}

func main() {
	var scale Scale
	flag.IntVar(&scale.Customers, "customers", 1500, "customers of the world")
	flag.IntVar(&scale.Terminals, "terminals", 3000, "terminals of the world")
	flag.IntVar(&scale.Rounds, "rounds", 10, "weeks, each with a new model")
	flag.BoolVar(&scale.Drift, "drift", true, "whether new kinds of fraud come up")
	seeds := flag.Int("seeds", 5, "worlds")
	flag.Parse()
	if err := run(scale, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "exploration:", err)
		os.Exit(1)
	}
}

func run(scale Scale, seeds int) error {
	lives := make([][]life, len(arms))
	for i, arm := range arms {
		for seed := range seeds {
			precisions, err := Simulate(context.Background(), arm, scale, uint64(seed+1))
			if err != nil {
				return fmt.Errorf("%s: %w", arm.Name, err)
			}
			lives[i] = append(lives[i], life(precisions))
		}
		fmt.Fprintln(os.Stderr, arm.Name)
	}
	show(scale, lives)
	return nil
}

// life is the average precision of each round, the first before any block.
type life []float64

// kept is the mean over the rounds that learned from a log with blocks.
func (l life) kept() float64 { return mean(l[1:]) }

func show(scale Scale, lives [][]life) {
	fmt.Print("| arm | mean of the rounds | between worlds | of what seeing all gives, worst world |")
	for round := range scale.Rounds + 1 {
		fmt.Printf(" %d |", round)
	}
	fmt.Print("\n|---|---|---|---|", strings.Repeat("---|", scale.Rounds+1), "\n")
	for i, arm := range arms {
		var means []float64
		perRound := make([]float64, scale.Rounds+1)
		worst := math.Inf(1)
		for seed, l := range lives[i] {
			means = append(means, l.kept())
			worst = min(worst, l.kept()/lives[0][seed].kept())
			for round, p := range l {
				perRound[round] += p / float64(len(lives[i]))
			}
		}
		fmt.Printf("| %s | %.3f | ± %.3f | %.0f %% |", arm.Name, mean(means), deviation(means), 100*worst)
		for _, p := range perRound {
			fmt.Printf(" %.2f |", p)
		}
		fmt.Println()
	}
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// deviation gives the standard deviation between worlds.
func deviation(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += float64((v - m) * (v - m))
	}
	return math.Sqrt(sum / float64(max(1, len(x)-1)))
}
