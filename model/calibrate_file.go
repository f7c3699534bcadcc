package model

import "encoding/binary"

// A calibrated model's file has the format 2: the payload of the model's own
// file, in format 1, and one section behind it. The file of a model that is not
// calibrated stays in format 1, byte for byte.
//
//	section  name string "calibration", version uint32 1, kind string, then
//	beta     a, b, c, floor float64
//	isotonic corners uint32, scores float64 [corners],
//	         probabilities float64 [corners]
const (
	calibrationSection = "calibration"
	calibrationVersion = 1
)

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *Calibrated) AppendBinary(b []byte) ([]byte, error) {
	if general(m.inner) {
		return appendGeneral(b, nil, []Model{m.inner}, []Calibrator{m.calibrator})
	}
	file, err := m.inner.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	payload, version, err := unseal(file)
	if err != nil {
		return nil, err
	}
	if version != formatPlain {
		return nil, invalid("model_calibration", "a model whose file has format %d cannot be calibrated", version)
	}
	return sealAs(b, formatCalibrated, func(b []byte) []byte {
		b = appendString(append(b, payload...), calibrationSection)
		b = appendUint32(b, calibrationVersion)
		return m.calibrator.append(appendString(b, m.calibrator.Kind()))
	})
}

// calibrated reads the section behind a model and puts the two together.
func (r *reader) calibrated(inner Model) (Model, error) {
	name, version, kind := r.string(), r.take(1, 4), r.string()
	if r.short {
		return nil, nil
	}
	if name != calibrationSection {
		return nil, invalid("model_calibration", "there is no section %q", name)
	}
	if v := binary.LittleEndian.Uint32(version); v != calibrationVersion {
		return nil, invalid("model_calibration", "the section %s has version %d, and this program reads version %d", name, v, calibrationVersion)
	}
	calibrator, err := r.calibrator(kind)
	if r.short || err != nil {
		return nil, err
	}
	return asModel(NewCalibrated(inner, calibrator))
}

// calibrator reads the parameters of a kind. What it gives means nothing when
// the reader is short.
func (r *reader) calibrator(kind string) (Calibrator, error) {
	switch kind {
	case BetaKind:
		c, err := NewBeta(r.float(), r.float(), r.float(), r.float())
		if err != nil {
			return nil, err
		}
		return c, nil
	case IsotonicKind:
		n := r.count(2 * 8)
		scores, probabilities := r.floats(n), r.floats(n)
		if r.short {
			return nil, nil
		}
		c, err := NewIsotonic(scores, probabilities)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	return nil, invalid("model_calibration", "there is no calibrator of kind %q", kind)
}
