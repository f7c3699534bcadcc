package onnx_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"orrery.dev/model/onnx"
)

// TestAlone holds that with batches of one a row is a function of its text: the same
// bits whatever order, call or crowd it comes in.
func TestAlone(t *testing.T) {
	library(t)
	list := texts(60)
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprintf("int8 %v", whole), func(t *testing.T) {
			s := onnx.Settings{Pool: onnx.Mean, MaxTokens: 64}
			want := run(t, open(t, transformer(0, whole).Model(), s), list)
			m := open(t, transformer(0, whole).Model(), s)
			var group sync.WaitGroup
			for caller := range 8 {
				group.Go(func() {
					for i := caller; i < len(list); i += 1 + caller {
						of := list[i:min(i+1+caller, len(list))]
						columns := len(want[0])
						rows := make([]float64, len(of)*columns)
						if err := m.Run(of, rows); err != nil {
							t.Error(err)
							return
						}
						for j := range of {
							if !slices.Equal(rows[j*columns:(j+1)*columns], want[i+j]) {
								t.Errorf("%q has another row", of[j])
							}
						}
					}
				})
			}
			group.Wait()
		})
	}
}
