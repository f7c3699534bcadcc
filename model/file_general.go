package model

import "slices"

// Format 3 holds what formats 1 and 2 cannot: features with categories, and
// several classes. A model that they can hold is never written so.
//
//	payload     kind string, features list of string, classes list of string,
//	            empty for a model of one positive class, then a body for each
//	            class, or one, and calibrators uint32, 0 or as many as bodies, for
//	            each: kind string and parameters as in format 2
//	body        categories [features], each a list of float64, then as in format
//	            1, but for each tree behind missing left: for each split on a
//	            feature with categories its set, uint64
//	            [(categories+1+63)/64]; of logistic, behind the bias, for each
//	            feature with categories: weights float64 [categories+2]
const formatGeneral = 3

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *Multiclass) AppendBinary(b []byte) ([]byte, error) {
	parts := make([]Model, len(m.parts))
	for i, p := range m.parts {
		parts[i] = p
	}
	return appendGeneral(b, m.classes, parts, m.calibrators)
}

func appendGeneral(b []byte, classes []string, parts []Model, calibrators []Calibrator) ([]byte, error) {
	return sealAs(b, formatGeneral, func(b []byte) []byte {
		b = appendStrings(appendString(b, parts[0].Kind()), parts[0].Features())
		b = appendStrings(b, classes)
		for _, p := range parts {
			switch p := p.(type) {
			case *Trees:
				b = p.appendBody(b)
			case *Linear:
				b = p.appendBody(b)
			}
		}
		b = appendUint32(b, len(calibrators))
		for _, c := range calibrators {
			b = c.append(appendString(b, c.Kind()))
		}
		return b
	})
}

// general says whether only format 3 can hold a model.
func general(m Model) bool {
	switch m := m.(type) {
	case *Trees:
		return m.categories != nil
	case *Linear:
		return m.categories != nil
	}
	return false
}

func (m *Trees) appendBody(b []byte) []byte {
	for f := range m.features {
		b = appendList(b, m.list(f))
	}
	b = appendFloats(b, []float64{m.base})
	b = appendUint32(b, len(m.trees))
	for i := range m.trees {
		t := &m.trees[i]
		b = t.appendSplits(b)
		for _, set := range t.Sets {
			b = appendWords(b, set)
		}
		b = appendFloats(appendFloats(b, t.Value), t.Cover)
	}
	return b
}

// list gives the categories of a feature, empty where it is a number.
func (m *Trees) list(feature int) []float64 {
	if m.categories == nil {
		return nil
	}
	return m.categories[feature]
}

func (m *Linear) appendBody(b []byte) []byte {
	for f := range m.features {
		b = appendList(b, m.category(f).Values)
	}
	b = appendFloats(appendFloats(appendFloats(b, m.means), m.scales), m.weights)
	b = appendFloats(b, []float64{m.bias})
	for f := range m.features {
		if c := m.category(f); len(c.Values) > 0 {
			b = appendFloats(b, c.Weights)
		}
	}
	return b
}

func (m *Linear) category(feature int) CategoryWeights {
	if m.categories == nil {
		return CategoryWeights{}
	}
	return m.categories[feature]
}

// general reads the payload of format 3. What it gives means nothing when the
// reader is short.
func (r *reader) general() (Model, error) {
	kind, features, classes := r.string(), r.strings(), r.strings()
	bodies := max(len(classes), 1)
	if bodies > MaxClasses {
		return nil, invalid("model_classes", "there are %d classes", bodies)
	}
	parts := make([]Part, bodies)
	for i := range parts {
		p, err := r.body(kind, features)
		if err != nil || r.short {
			return nil, err
		}
		parts[i] = p
	}
	calibrators, err := r.calibrators(bodies)
	if err != nil || r.short {
		return nil, err
	}
	if len(classes) > 0 {
		return r.multiclass(classes, parts, calibrators)
	}
	if !general(parts[0]) {
		return nil, invalid("model_kind", "format %d holds what format %d can hold", formatGeneral, formatPlain)
	}
	if len(calibrators) == 0 {
		return parts[0], nil
	}
	return asModel(NewCalibrated(parts[0], calibrators[0]))
}

// calibrators reads one for each of so many models, or none.
func (r *reader) calibrators(models int) ([]Calibrator, error) {
	n := r.count(4)
	if n == 0 {
		return nil, nil
	}
	if n != models {
		return nil, invalid("model_calibration", "%d models have %d calibrators", models, n)
	}
	out := make([]Calibrator, n)
	for i := range out {
		var err error
		if out[i], err = r.calibrator(r.string()); err != nil || r.short {
			return nil, err
		}
	}
	return out, nil
}

func (r *reader) multiclass(classes []string, parts []Part, calibrators []Calibrator) (Model, error) {
	m, err := NewMulticlass(classes, parts)
	if err == nil && len(calibrators) > 0 {
		m, err = m.Calibrated(calibrators)
	}
	return asModel(m, err)
}

// body reads the model of one class.
func (r *reader) body(kind string, features []string) (Part, error) {
	lists := make([][]float64, len(features))
	for f := range lists {
		lists[f] = r.floats(r.count(8))
	}
	if kind == Logistic {
		return r.linearBody(features, lists)
	}
	base := r.float()
	trees := make([]Tree, r.count(minTreeBytes))
	hasSets := slices.ContainsFunc(lists, func(list []float64) bool { return len(list) > 0 })
	for i := range trees {
		t := &trees[i]
		if err := r.splits(t); err != nil {
			return nil, err
		}
		if hasSets && len(t.Feature) > 0 {
			t.Sets = r.sets(t, lists)
		}
		t.Value, t.Cover = r.floats(len(t.Feature)+1), r.floats(len(t.Feature)+1)
	}
	if r.short {
		return nil, nil
	}
	m, err := NewCategoryTrees(kind, features, lists, base, trees)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// sets reads the set of each split on a feature with categories, and gives nil
// where there is none.
func (r *reader) sets(t *Tree, lists [][]float64) [][]uint64 {
	var out [][]uint64
	for i, f := range t.Feature {
		if f < 0 || int(f) >= len(lists) || len(lists[f]) == 0 {
			continue
		}
		if out == nil {
			out = make([][]uint64, len(t.Feature))
		}
		out[i] = r.words(setWords(lists[f]))
	}
	return out
}

func (r *reader) linearBody(features []string, lists [][]float64) (Part, error) {
	n := len(features)
	means, scales, weights := r.floats(n), r.floats(n), r.floats(n)
	bias := r.float()
	categories := make([]CategoryWeights, n)
	for f, list := range lists {
		if len(list) > 0 {
			categories[f] = CategoryWeights{Values: list, Weights: r.floats(len(list) + 2)}
		}
	}
	if r.short {
		return nil, nil
	}
	m, err := NewCategoryLinear(features, means, scales, weights, bias, categories)
	if err != nil {
		return nil, err
	}
	return m, nil
}
