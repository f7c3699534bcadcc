//go:build unix

// Command crash kills a server under load as often as it is told to, and prints the
// tally; see package orrerytest/crash for what is checked. It ends with status 1
// at the first thing that is wrong, and leaves the data directory to look at.
//
//	go run ./bench/crash -rounds 2000
//
// With -upgrades it kills nothing: the server hands over to another process as
// often as it is told to, and what the clients saw of that is printed.
//
//	go run ./bench/crash -upgrades 50
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"orrery.dev/cli"
	"orrery.dev/orrerytest/crash"
)

// childVariable has this program be the server.
const childVariable = "ORRERY_CRASH_CHILD"

func main() {
	if os.Getenv(childVariable) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	rounds := flag.Int("rounds", 200, "how many servers to kill")
	clients := flag.Int("clients", 4, "how many clients send requests")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed of what is random")
	system := flag.String("system", "systems/fraud", "the fraud system's folder")
	life := flag.Duration("life", 300*time.Millisecond, "how long a server lives at most")
	upgrades := flag.Int("upgrades", 0, "how many times to hand over, instead of killing")
	flag.Parse()
	o := crash.Options{Rounds: *rounds, Clients: *clients, Seed: *seed, LongestLife: *life}
	if *upgrades > 0 {
		o.Rounds = *upgrades
	}
	if err := run(o, *system, *upgrades > 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o crash.Options, system string, upgrade bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Setenv(childVariable, "1"); err != nil {
		return err
	}
	parent, err := os.MkdirTemp("", "orrery-crash-")
	if err != nil {
		return err
	}
	o.Dir = filepath.Join(parent, "data")
	o.Command = func(dir string) *exec.Cmd {
		return exec.Command(self, "up", system, "--data", dir, "--addr", "127.0.0.1:0")
	}
	fmt.Printf("seed %d, data in %s\n", o.Seed, o.Dir)
	if upgrade {
		handovers, err := crash.Upgrade(o)
		fmt.Println(handovers)
		if err == nil && handovers.Failed > 0 {
			err = fmt.Errorf("%d requests failed", handovers.Failed)
		}
		return errors.Join(err, os.RemoveAll(parent))
	}
	o.RebuildEvery, o.Upgrades = 100, true
	o.Report = func(t crash.Tally) {
		if t.Rounds%50 == 0 {
			fmt.Println(t)
		}
	}
	tally, err := crash.Run(o)
	fmt.Println(tally)
	if err != nil {
		return err
	}
	fmt.Println("nothing lost, nothing twice, nothing altered; state equals its rebuild; no decision differs")
	return os.RemoveAll(parent)
}
