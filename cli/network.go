package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/spec"
	"orrery.dev/train"
)

// openNetwork reads the files of the spec's network, which stand beside the
// spec's own.
func openNetwork(s *spec.Spec) (*train.ONNX, error) {
	params := train.Params(s.Model.Params)
	network := train.ONNXOf(params)
	var err error
	if network.Files.Network, err = readBeside(s, "file", model.MaxONNXBytes); err != nil {
		return nil, err
	}
	if network.Files.Tokenizer, err = readBeside(s, "tokenizer", model.MaxTokenizerBytes); err != nil {
		return nil, err
	}
	return &network, nil
}

// readBeside reads the file that a key of the spec's model names.
func readBeside(s *spec.Spec, key string, most int64) ([]byte, error) {
	name := train.Params(s.Model.Params).String(key)
	path := filepath.Join(filepath.Dir(s.Path), filepath.FromSlash(name))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, orrery.Errorf(orrery.NotFound, "model_file_not_found", "model.%s names %s, and there is no file %s", key, name, path).
			WithField(key).WithNext("put it there, or change model.%s", key)
	case err == nil && !info.Mode().IsRegular():
		return nil, orrery.Errorf(orrery.Invalid, "model_file_unreadable", "model.%s names %s, which is no regular file", key, path).WithField(key)
	case err == nil && info.Size() > most:
		return nil, orrery.Errorf(orrery.TooLarge, "model_file_too_large", "model.%s names %s of %d bytes; at most %d are taken", key, path, info.Size(), most).
			WithField(key).WithNext("export a smaller network, or quantise it to int8")
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "model_file_unreadable", "model.%s names %s, which cannot be read", key, path).
			Because(err).WithField(key).WithNext("check that you may read it")
	}
	return content, nil
}

// readyNetwork makes the network of the spec's files ready, if it has one. A release
// of the same files finds it so, as long as what is given is held. It is nil where
// that cannot be done: whoever needs the network is told why.
func readyNetwork(s *spec.Spec) model.Encoder {
	if s.Model == nil || s.Model.Head == nil && !s.Model.Whole {
		return nil
	}
	network, err := openNetwork(s)
	if err != nil {
		return nil
	}
	encoder, err := model.NewEncoder(network.Files)
	if err != nil || encoder.Ready() != nil {
		return nil
	}
	return encoder
}
