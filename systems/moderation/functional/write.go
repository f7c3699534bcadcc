package functional

import (
	"encoding/csv"
	"io"
)

// WriteMessages writes cases as a CSV file of labelled messages, with the columns
// that the moderation system reads, message_id, text and label, and after these
// functionality and group. The label is the case's class.
func WriteMessages(w io.Writer, cases []Case) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"message_id", "text", "label", "functionality", "group"}}
	for _, c := range cases {
		rows = append(rows, []string{c.ID, c.Text, c.Class, c.Functionality, c.Group})
	}
	return out.WriteAll(rows)
}
