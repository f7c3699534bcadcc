package train

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// team runs tasks on several cores. Who runs a task and when is left open, so a
// task must write only what is its own.
type team struct{ size int }

func newTeam() *team { return &team{runtime.GOMAXPROCS(0)} }

// each runs task for i in [0, n); worker < size is not shared by tasks that run
// at the same time.
func (t *team) each(n int, task func(worker, i int)) {
	if t.size == 1 || n <= 1 {
		for i := range n {
			task(0, i)
		}
		return
	}
	var next atomic.Int64
	work := func(worker int) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			task(worker, i)
		}
	}
	var all sync.WaitGroup
	for w := 1; w < min(t.size, n); w++ {
		all.Go(func() { work(w) })
	}
	work(0)
	all.Wait()
}

// blocks runs task for each block of n things, which are cut the same way on any
// number of cores.
func (t *team) blocks(n, size int, task func(block, from, to int)) {
	t.each((n+size-1)/size, func(_, b int) { task(b, b*size, min((b+1)*size, n)) })
}
