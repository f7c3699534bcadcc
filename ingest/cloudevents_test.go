package ingest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"orrery.dev"
)

func fraudCloudEvents(only string) CloudEvents {
	return CloudEvents{Only: only, Decoders: map[string]*Decoder{"transaction": NewDecoder(transactionType()), "fraud_report": NewDecoder(reportType()), "sample": NewDecoder(everyType())}}
}

const payment1 = `{"transaction_id":"t1","at":"2018-07-18T09:30:00Z","customer":"596","terminal":"3156","amount":57.16}`

// enveloped puts data into an envelope of type transaction; changes replace
// members, an empty one removes it.
func enveloped(data string, changes ...string) string {
	members := [][2]string{{"specversion", `"1.0"`}, {"type", `"transaction"`}, {"source", `"/till/7"`}, {"id", `"t1"`}, {"time", `"2018-07-18T09:30:00Z"`}, {"data", data}}
	var out []string
	for _, m := range members {
		for i := 0; i+1 < len(changes); i += 2 {
			if changes[i] == m[0] {
				m[1] = changes[i+1]
			}
		}
		if m[1] != "" {
			out = append(out, fmt.Sprintf("%q:%s", m[0], m[1]))
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains("specversion type source id time data", changes[i]) {
			out = append(out, fmt.Sprintf("%q: %s", changes[i], changes[i+1]))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func TestCloudEventsTaken(t *testing.T) {
	without := func(fields ...string) string {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(payment1), &members); err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			delete(members, f)
		}
		out, _ := json.Marshal(members)
		return string(out)
	}
	encoded := `"` + base64.StdEncoding.EncodeToString([]byte(payment1)) + `"`
	for name, text := range map[string]string{
		"both":             enveloped(payment1),
		"id of envelope":   enveloped(without("transaction_id")),
		"time of envelope": enveloped(without("at")),
		"null is absent":   enveloped(strings.Replace(payment1, `"t1"`, "null", 1)),
		"neither in data":  enveloped(without("at", "transaction_id")),
		"no time outside":  enveloped(payment1, "time", ""),
		"another zone":     enveloped(payment1, "time", `"2018-07-18T11:30:00.0000009+02:00"`),
		"extensions":       enveloped(payment1, "traceparent", `"00-1"`, "sampled", "true", "dataschema", `"urn:x"`, "odd", `{"a":[1]}`),
		"content type":     enveloped(payment1, "datacontenttype", `"application/vnd.till+json; charset=utf-8"`),
		"base64":           enveloped("", "data_base64", encoded),
		"null data":        enveloped("null", "data_base64", encoded),
		"null attribute":   enveloped(payment1, "time", "null", "datacontenttype", "null"),
	} {
		for _, only := range []string{"", "transaction"} {
			e, err := fraudCloudEvents(only).Decode([]byte(" " + text + "\n"))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := string(AppendJSON(nil, &e)); got != payment1 || e.ID != "t1" || e.Received != e.Time {
				t.Errorf("%s: got %s", name, got)
			}
		}
	}
	// An int id, from the envelope and compared as a number.
	for _, data := range []string{`{"at":"2018-07-18T09:30:00Z"}`, `{"id":7,"at":"2018-07-18T09:30:00Z"}`} {
		e, err := fraudCloudEvents("").Decode([]byte(enveloped(data, "type", `"sample"`, "id", `"7"`)))
		if err != nil || e.ID != "7" || e.Values[0] != orrery.IntValue(7) {
			t.Errorf("%s: %v, %v", data, e, err)
		}
	}
}

func TestCloudEventsRefused(t *testing.T) {
	for _, c := range []struct{ text, code, faults string }{
		{enveloped(payment1, "specversion", `"0.3"`), "cloudevent_specversion", `cloudevent_specversion: the CloudEvent is of specversion 0.3; 1.0 is understood; send specversion 1.0`},
		{enveloped(payment1, "specversion", ""), "cloudevent_attribute_missing", "cloudevent_attribute_missing: the CloudEvent lacks the attribute `specversion`"},
		{enveloped(payment1, "specversion", "1.0"), "cloudevent_attribute_invalid", "`specversion` is a number, not a string"},
		{enveloped(payment1, "source", "", "id", `""`), "cloudevent_attribute_missing", "`source`; a CloudEvent has `specversion`, `type`, `source`, `id`|cloudevent_attribute_missing: the CloudEvent lacks the attribute `id`"},
		{enveloped(payment1, "type", `"transactoin"`), "cloudevent_type_unknown", "no event of type \"transactoin\"; did you mean `transaction`?"},
		{enveloped(payment1, "type", `"com.example.something"`), "cloudevent_type_unknown", "the types are `fraud_report`, `sample`, `transaction`"},
		{enveloped(payment1, "type", `"fraud_report"`), "cloudevent_type_other", `a CloudEvent of type "fraud_report" came where "transaction" is taken; send it to the address of fraud_report events`},
		{enveloped(payment1, "id", `"t2"`), "cloudevent_id_differs", "the CloudEvent's id is \"t2\", its data's `transaction_id` \"t1\""},
		{enveloped(payment1, "time", `"2018-07-18T09:30:00.000001Z"`), "cloudevent_time_differs", "its data's `at` \"2018-07-18T09:30:00Z\""},
		{enveloped(payment1, "time", `"yesterday"`), "cloudevent_time_invalid", "the CloudEvent's time cannot be that of a transaction: `at` is \"yesterday\", which is no timestamp"},
		{enveloped(payment1, "datacontenttype", `"text/xml"`), "cloudevent_datacontenttype", `the CloudEvent's data is "text/xml", not JSON`},
		{enveloped(""), "cloudevent_data_missing", "the CloudEvent has no data"},
		{enveloped("null"), "cloudevent_data_missing", "the CloudEvent has no data"},
		{enveloped(payment1, "data_base64", `"e30="`), "cloudevent_data_invalid", "the CloudEvent has both data and data_base64"},
		{enveloped("", "data_base64", `"%"`), "cloudevent_data_invalid", "data_base64 is not Base64"},
		{enveloped("", "data_base64", `12`), "cloudevent_attribute_invalid", "`data_base64` is a number, not a string"},
		{enveloped(payment1, "datacontenttype", `"application/json"`, "datacontenttype", `"application/json"`), "cloudevent_attribute_duplicate", "the CloudEvent has `datacontenttype` twice"},
		{enveloped(`{"amount":1.234}`, "time", ""), "event_invalid", "decimal_digits: |field_missing: the required field `at` is missing|`customer` is missing|`terminal` is missing"},
		{enveloped(`"text"`), "event_invalid", "json_not_object: the event is not a JSON object but a string"},
		{enveloped(payment1) + "{}", "event_invalid", "json_trailing: after the CloudEvent comes \"{}\""},
		{"[" + enveloped(payment1) + "]", "event_invalid", "json_not_object: the CloudEvent is not a JSON object but an array"},
		{enveloped(payment1, "id", `"\ud800"`), "event_invalid", "utf8_invalid"},
		{`{"specversion":"1.0"`, "event_invalid", "json_invalid"},
		{"", "event_invalid", "the end of the text"},
		{"{}", "cloudevent_attribute_missing", "`specversion`|`type`|`source`|`id`|cloudevent_data_missing"},
	} {
		_, err := fraudCloudEvents("transaction").Decode([]byte(c.text))
		var e *EventError
		if !errors.As(err, &e) || orrery.CodeOf(err) != c.code || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s\n%s: %v, want %s", c.text, orrery.CodeOf(err), err, c.code)
			continue
		}
		said := ""
		for _, f := range e.Faults {
			said += f.Code + ": " + f.String() + "\n"
		}
		for _, want := range strings.Split(c.faults, "|") {
			if !strings.Contains(said, want) {
				t.Errorf("%s\nsays\n%swant %s", c.text, said, want)
			}
		}
		if strings.Count(said, "\n") != max(1, strings.Count(c.faults, "|")+1) {
			t.Errorf("%s\nsays too much or too little:\n%s", c.text, said)
		}
	}
}

// TestCloudEventOffsets places a fault of the data in the whole text.
func TestCloudEventOffsets(t *testing.T) {
	text := enveloped(strings.Replace(payment1, "57.16", "57.165", 1))
	_, err := fraudCloudEvents("").Decode([]byte(text))
	var e *EventError
	if !errors.As(err, &e) || !strings.HasPrefix(text[e.Faults[0].Offset:], "57.165") || e.Event != "transaction" {
		t.Errorf("got %v", err)
	}
}

func TestCloudEventsBinary(t *testing.T) {
	base := map[string]string{"Ce-Specversion": "1.0", "Ce-Type": "transaction", "Ce-Source": "/till/7", "Ce-Id": "t1", "Ce-Time": "2018-07-18T09:30:00Z", "Content-Type": "application/json"}
	for _, c := range []struct {
		name, header, value, body, code string
	}{
		{"plain", "", "", payment1, ""},
		{"attributes only", "", "", `{"customer":"596","terminal":"3156","amount":57.16}`, ""},
		{"percent", "Ce-Id", "%741", payment1, ""},
		{"quoted", "Ce-Id", `"t1"`, payment1, ""},
		{"extension", "Ce-Traceparent", "%%%", payment1, ""},
		{"no content type", "Content-Type", "", payment1, ""},
		{"bad percent", "Ce-Id", "t%1", payment1, "cloudevent_attribute_invalid"},
		{"not UTF-8", "Ce-Id", "t%ff", payment1, "cloudevent_attribute_invalid"},
		{"version", "Ce-Specversion", "0.3", payment1, "cloudevent_specversion"},
		{"no version", "Ce-Specversion", "", payment1, "cloudevent_attribute_missing"},
		{"no source", "Ce-Source", "", payment1, "cloudevent_attribute_missing"},
		{"another type", "Ce-Type", "refund", payment1, "cloudevent_type_unknown"},
		{"another id", "Ce-Id", "t2", payment1, "cloudevent_id_differs"},
		{"XML", "Content-Type", "text/xml", "<a/>", "cloudevent_datacontenttype"},
		{"no body", "", "", "", "cloudevent_data_missing"},
		{"bad data", "", "", `{"amount":-1}`, "event_invalid"},
	} {
		header := http.Header{}
		for name, value := range base {
			header.Set(name, value)
		}
		if header.Set(c.header, c.value); c.value == "" {
			header.Del(c.header)
		}
		e, err := fraudCloudEvents("transaction").DecodeBinary(header.Values, []byte(c.body))
		switch {
		case c.code != "":
			if orrery.CodeOf(err) != c.code {
				t.Errorf("%s: %v", c.name, err)
			}
		case err != nil || string(AppendJSON(nil, &e)) != payment1:
			t.Errorf("%s: %s, %v", c.name, AppendJSON(nil, &e), err)
		}
	}
	header := http.Header{"Ce-Id": {"t1", "t2"}}
	if _, err := fraudCloudEvents("").DecodeBinary(header.Values, []byte(payment1)); !strings.Contains(err.Error(), "the header ce-id is there twice") {
		t.Error(err)
	}
}

// FuzzCloudEvents holds what is taken against encoding/json: it must be an
// object with the attributes, and its data must decode by itself.
func FuzzCloudEvents(f *testing.F) {
	f.Add(enveloped(payment1))
	f.Add(enveloped("", "data_base64", `"e30="`))
	f.Add(enveloped(`{"customer":1,"terminal":2,"amount":"3"}`, "x", `[{"a":[null]}]`))
	f.Add(`{"specversion":"1.0","data":{`)
	events := fraudCloudEvents("")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := events.Decode([]byte(text))
		if err != nil {
			var known *EventError
			if !errors.As(err, &known) || len(known.Faults) == 0 {
				t.Fatal(err)
			}
			return
		}
		var members struct {
			Specversion, Type, ID string
			Data                  json.RawMessage
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			if strings.Contains(text, "NaN") || strings.Contains(text, "Infinity") {
				return // Passed over in an extension.
			}
			t.Fatalf("%q: %v", text, err)
		}
		for name, to := range map[string]*string{"specversion": &members.Specversion, "type": &members.Type, "id": &members.ID} {
			if err := json.Unmarshal(all[name], to); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if members.Specversion != "1.0" || e.Type.Name != members.Type || e.Type.Name != "sample" && e.ID != members.ID {
			t.Fatalf("%q gives %v", text, e)
		}
		if _, err := NewDecoder(e.Type).Decode(AppendJSON(nil, &e)); err != nil {
			t.Fatal(err)
		}
	})
}
