//go:build cgo

package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"orrery.dev"
)

// libraryVariable names the library's file, or the folder that it is in.
const libraryVariable = "ORRERY_ONNXRUNTIME"

// The library's environment is one for the process.
var environment struct {
	sync.Mutex
	version string
}

func version() string {
	environment.Lock()
	defer environment.Unlock()
	return environment.version
}

func available() error {
	environment.Lock()
	defer environment.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	paths := libraries()
	var faults []string
	for _, path := range paths {
		ort.SetSharedLibraryPath(path)
		err := ort.InitializeEnvironment()
		if err == nil {
			environment.version = ort.GetVersion()
			return nil
		}
		faults = append(faults, fault(path, err))
	}
	return unavailable("ONNX Runtime is not there: %s", strings.Join(faults, "; ")).
		WithNext("install ONNX Runtime 1.24 or later, and set %s to its shared library", libraryVariable)
}

// fault puts into words why a library was not loaded.
func fault(path string, err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "Error setting ORT API base"):
		return path + " is older than 1.24"
	case strings.Contains(text, "Error looking up OrtGetApiBase"):
		return path + " is another library"
	}
	if _, why, found := strings.Cut(text, fmt.Sprintf("%q: ", path)); found {
		text = why
	}
	if strings.HasPrefix(text, path) {
		return text
	}
	return path + ": " + text
}

// libraries gives the files to try: what the variable names and nothing else, or
// what the system's loader finds by the usual names.
func libraries() []string {
	if path := os.Getenv(libraryVariable); path != "" {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			return []string{path}
		}
		found, _ := filepath.Glob(filepath.Join(path, pattern()))
		if len(found) == 0 {
			return []string{filepath.Join(path, names()[0])}
		}
		slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) }) // what has no version in its name first
		return found
	}
	return names()
}

func names() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"libonnxruntime.dylib"}
	case "windows":
		return []string{"onnxruntime.dll"}
	}
	return []string{"libonnxruntime.so", "libonnxruntime.so.1"}
}

func pattern() string {
	switch runtime.GOOS {
	case "darwin":
		return "libonnxruntime*.dylib"
	case "windows":
		return "onnxruntime.dll"
	}
	return "libonnxruntime.so*"
}

// runtimeSession is a session of the library, which is safe for concurrent use.
type runtimeSession struct {
	session *ort.DynamicAdvancedSession
	inputs  []input
}

func openSession(model []byte, s signature, threads int) (_ session, err error) {
	if err := available(); err != nil {
		return nil, err
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, internal(err)
	}
	defer options.Destroy()
	for _, set := range []func() error{
		func() error { return options.SetIntraOpNumThreads(threads) },
		func() error { return options.SetInterOpNumThreads(1) },
		// Patterns are kept for each shape that comes, and shapes differ with lengths.
		func() error { return options.SetMemPattern(false) },
		// Threads that wait leave the processor to others.
		func() error { return options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		// What the library says is in the error that it gives.
		func() error { return options.SetLogSeverityLevel(ort.LoggingLevelFatal) },
	} {
		if err := set(); err != nil {
			return nil, internal(err)
		}
	}
	var names []string
	for _, in := range s.inputs {
		names = append(names, in.name)
	}
	opened, err := ort.NewDynamicAdvancedSessionWithONNXData(model, names, []string{s.output.name}, options)
	if err != nil {
		return nil, unfit("ONNX Runtime %s cannot load it", ort.GetVersion()).Because(sentence(err))
	}
	return &runtimeSession{opened, s.inputs}, nil
}

func (s *runtimeSession) run(b *batch) (out values, err error) {
	shape := ort.NewShape(int64(b.texts), int64(b.tokens))
	inputs := make([]ort.Value, len(s.inputs))
	defer func() {
		for _, in := range inputs {
			if in != nil {
				in.Destroy()
			}
		}
	}()
	for i, in := range s.inputs {
		if inputs[i], err = tensor(shape, in, b.of(in.name)); err != nil {
			return values{}, err
		}
	}
	outputs := []ort.Value{nil}
	if err := s.session.Run(inputs, outputs); err != nil {
		return values{}, sentence(err)
	}
	free := func() { outputs[0].Destroy() }
	switch t := outputs[0].(type) {
	case *ort.Tensor[float32]:
		return values{shape: t.GetShape(), single: t.GetData(), free: free}, nil
	case *ort.Tensor[float64]:
		return values{shape: t.GetShape(), double: t.GetData(), free: free}, nil
	}
	free()
	return values{}, fmt.Errorf("the output is of another type than float and double")
}

// sentence gives what the library itself says.
func sentence(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

func tensor(shape ort.Shape, in input, data []int64) (ort.Value, error) {
	if in.element == elementInt64 {
		return ort.NewTensor(shape, data)
	}
	narrow := make([]int32, len(data))
	for i, v := range data {
		narrow[i] = int32(v)
	}
	return ort.NewTensor(shape, narrow)
}

func (s *runtimeSession) close() { s.session.Destroy() }

func internal(err error) error {
	return orrery.Errorf(orrery.Internal, "onnx_runtime", "ONNX Runtime").Because(err)
}
