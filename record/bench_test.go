package record

import (
	"testing"

	"orrery.dev"
)

// wide gives a decision with 24 features, as many of them whole as not.
func wide() *orrery.Decision {
	d := decision()
	for len(d.Vector) < 24 {
		d.Vector = append(d.Vector, float64(len(d.Vector))*1.1, float64(len(d.Vector)))
	}
	d.Vector = d.Vector[:24]
	return d
}

func BenchmarkAppendEvent(b *testing.B) {
	e, buffer := transaction(), make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buffer = AppendEvent(buffer[:0], fingerprint, e)
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

func BenchmarkDecodeEvent(b *testing.B) {
	data := AppendEvent(nil, fingerprint, transaction())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEvent(data, contracts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEventInto(b *testing.B) {
	data, e := AppendEvent(nil, fingerprint, transaction()), orrery.Event{}
	b.ReportAllocs()
	for b.Loop() {
		if err := DecodeEventInto(&e, data, contracts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDecision(b *testing.B) {
	d, buffer := wide(), make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buffer = AppendDecision(buffer[:0], fingerprint, 5, d)
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

func BenchmarkDecodeDecision(b *testing.B) {
	data := AppendDecision(nil, fingerprint, 5, wide())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeDecision(data, 7, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeDecisionInto(b *testing.B) {
	data, d := AppendDecision(nil, fingerprint, 5, wide()), orrery.Decision{}
	b.ReportAllocs()
	for b.Loop() {
		if err := DecodeDecisionInto(&d, data, 7, nil); err != nil {
			b.Fatal(err)
		}
	}
}
