//go:build !cgo

package onnx_test

import (
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model/onnx"
)

func TestBuiltWithoutCgo(t *testing.T) {
	err := onnx.Available()
	if orrery.CodeOf(err) != "onnx_not_built" || orrery.KindOf(err) != orrery.Unavailable || !strings.Contains(err.Error(), "built without cgo") {
		t.Errorf("%v (%s)", err, orrery.CodeOf(err))
	}
}
