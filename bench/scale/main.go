// Command scale records many events about many entities, and prints, a row for
// each step on the way, how fast decisions were, how much memory the process
// took, and at the end how long it took to start again.
//
//	go run ./bench/scale -events 20000000 -entities 10000000
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store/pebble"
	"orrery.dev/systems/fraud"
)

var (
	events   = flag.Int("events", 20_000_000, "how many events to record")
	entities = flag.Int("entities", 10_000_000, "how many customers there are; of terminals there are twice as many")
	step     = flag.Int("step", 1_000_000, "how many events there are to a row")
	batch    = flag.Int("batch", 64, "how many events are decided on together")
	clients  = flag.Int("clients", 16, "how many batches are under way at once")
	memory   = flag.Int64("memory", 1<<30, "the ceiling on memory, bytes")
	profile  = flag.String("profile", "", "a file for a profile of the processor's time")
	dir      = flag.String("dir", ".", "a folder on the disk to use; what is made in it is removed")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if *profile != "" {
		file, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	path, err := os.MkdirTemp(*dir, ".orrery-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(path)
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		return err
	}
	s, diagnostics := spec.Check("systems/fraud/system.yaml", source, builtin.Registry())
	if s == nil {
		spec.Render(os.Stderr, diagnostics, false)
		return fmt.Errorf("the spec does not check")
	}
	sc := &scale{spec: s, path: filepath.Join(path, "data")}
	fmt.Println("| events | decisions/s | processor time, µs a decision | 99% of batches within, ms | resident MiB |")
	fmt.Println("|---|---|---|---|---|")
	if err := sc.fill(ctx); err != nil {
		return err
	}
	return sc.restart(ctx)
}

type scale struct {
	spec *spec.Spec
	path string
	sent int
}

func (sc *scale) open(ctx context.Context, f func(*serve.Engine) error) error {
	shares := pebble.ForMemory(*memory)
	debug.SetMemoryLimit(*memory - *memory/16 - shares.OutsideHeap())
	debug.SetGCPercent(200)
	st, err := pebble.Open(sc.path, shares)
	if err != nil {
		return err
	}
	defer st.Close()
	engine, err := serve.Open(ctx, st, sc.spec, serve.Options{Registry: builtin.Registry(), StateBytes: serve.StateShare(*memory)})
	if err != nil {
		return err
	}
	if err := f(engine); err != nil {
		return err
	}
	return engine.Close()
}

func (sc *scale) fill(ctx context.Context) error {
	return sc.open(ctx, func(engine *serve.Engine) error {
		for sc.sent < *events {
			begun, used := time.Now(), processorTime()
			latencies, err := sc.decide(ctx, engine)
			if err != nil {
				return err
			}
			slices.Sort(latencies)
			fmt.Printf("| %d | %.0f | %.1f | %.1f | %d |\n", sc.sent, float64(*step)/time.Since(begun).Seconds(),
				float64((processorTime()-used).Microseconds())/float64(*step),
				latencies[len(latencies)*99/100].Seconds()*1000, residentMiB())
		}
		return nil
	})
}

// decide sends one step's events, from several goroutines.
func (sc *scale) decide(ctx context.Context, engine *serve.Engine) ([]time.Duration, error) {
	var mutex sync.Mutex
	var latencies []time.Duration
	var failure error
	var group sync.WaitGroup
	begin, now := sc.sent, orrery.InstantOf(time.Now())
	for c := range *clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(begin), uint64(c)))
			var own []time.Duration
			var err error
			for i := begin + c**batch; i < begin+*step && err == nil; i += *clients * *batch {
				list := make([]orrery.Event, min(*batch, begin+*step-i))
				for j := range list {
					list[j] = sc.event(random, i+j, now)
				}
				started := time.Now()
				var results []serve.Result
				results, err = engine.Decide(ctx, list, 0)
				own = append(own, time.Since(started))
				for _, r := range results {
					if r.Err != nil {
						err = r.Err
					}
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			latencies = append(latencies, own...)
			if err != nil {
				failure = err
			}
		})
	}
	group.Wait()
	sc.sent += *step
	return latencies, failure
}

func (sc *scale) event(random *rand.Rand, n int, now orrery.Instant) orrery.Event {
	t := sc.spec.DecideOn
	e := orrery.Event{Type: t, ID: strconv.Itoa(n), Time: now, Values: make([]orrery.Value, len(t.Fields))}
	for i := range t.Fields {
		switch t.Fields[i].Name {
		case "transaction_id":
			e.Values[i] = orrery.StringValue(e.ID)
		case "at":
			e.Values[i] = orrery.TimestampValue(now)
		case "customer":
			e.Values[i] = orrery.EntityValue(strconv.Itoa(random.IntN(*entities)))
		case "terminal":
			e.Values[i] = orrery.EntityValue(strconv.Itoa(random.IntN(2 * *entities)))
		case "amount":
			e.Values[i] = orrery.DecimalValue(random.Int64N(20_000))
		}
	}
	return e
}

// restart starts again from what the stop left behind.
func (sc *scale) restart(ctx context.Context) error {
	begun := time.Now()
	return sc.open(ctx, func(*serve.Engine) error {
		fmt.Printf("\nstarted again after %d events in %.2f s\n", sc.sent, time.Since(begun).Seconds())
		return nil
	})
}

// processorTime gives what the process has used of the processors, which other
// work on the machine changes little.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// residentMiB gives the memory that the process has, 0 where the system does not
// tell.
func residentMiB() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kib >> 10
		}
	}
	return 0
}
