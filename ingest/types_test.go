package ingest

import "orrery.dev"

func transactionType() *orrery.EventType {
	return &orrery.EventType{Name: "transaction", IDField: 0, TimeField: 1, Fields: []orrery.Field{
		{Name: "transaction_id", Type: orrery.String},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "customer", Type: orrery.Entity, Entity: "customer"},
		{Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
		{Name: "amount", Type: orrery.Decimal, Scale: 2, Unit: "USD", Min: orrery.DecimalValue(0)},
	}}
}

func reportType() *orrery.EventType {
	return &orrery.EventType{Name: "fraud_report", Index: 1, IDField: 0, TimeField: 1, Fields: []orrery.Field{
		{Name: "report_id", Type: orrery.String},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "transaction_id", Type: orrery.String},
		{Name: "customer", Type: orrery.Entity, Entity: "customer"},
		{Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
		{Name: "fraud", Type: orrery.Bool},
	}}
}

// everyType has a field of each type, all but the id and the time optional.
func everyType() *orrery.EventType {
	return &orrery.EventType{Name: "sample", IDField: 0, TimeField: 1, Fields: []orrery.Field{
		{Name: "id", Type: orrery.Int},
		{Name: "at", Type: orrery.Timestamp},
		{Name: "who", Type: orrery.Entity, Entity: "member", Optional: true},
		{Name: "note", Type: orrery.String, Optional: true},
		{Name: "count", Type: orrery.Int, Optional: true, Min: orrery.IntValue(-5), Max: orrery.IntValue(5)},
		{Name: "price", Type: orrery.Decimal, Scale: 2, Optional: true, Min: orrery.DecimalValue(0), Max: orrery.DecimalValue(100_000)},
		{Name: "free", Type: orrery.Decimal, Scale: 3, Optional: true},
		{Name: "ratio", Type: orrery.Float, Optional: true, Min: orrery.FloatValue(-1), Max: orrery.FloatValue(1)},
		{Name: "wide", Type: orrery.Float, Optional: true},
		{Name: "big", Type: orrery.Int, Optional: true},
		{Name: "ok", Type: orrery.Bool, Optional: true},
		{Name: "seen", Type: orrery.Timestamp, Optional: true},
	}}
}
