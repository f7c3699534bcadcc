//go:build !cgo

package onnx

import "orrery.dev"

func available() error {
	return orrery.Errorf(orrery.Unavailable, "onnx_not_built", "this binary was built without cgo, and cannot run ONNX models").
		WithNext("build it with CGO_ENABLED=1 and a C compiler, or use a model of another kind")
}

func version() string { return "" }

func openSession([]byte, signature, int) (session, error) { return nil, available() }
