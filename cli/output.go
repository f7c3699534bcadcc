package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"orrery.dev/cli/progress"
)

func (a *app) printJSON(value any) {
	encoder := json.NewEncoder(a.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fmt.Fprintf(a.err, "orrery: cannot write the result: %v\n", err)
	}
}

// print writes a value: as JSON when asked for, otherwise as text writes it.
func (a *app) print(value any, text func(io.Writer)) {
	if a.json {
		a.printJSON(value)
		return
	}
	text(a.out)
}

// table prints rows in aligned columns.
func table(w io.Writer, rows ...[]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cell)
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
}

// bar shows the progress of long work on standard error.
func (a *app) bar(title, unit string, total int64) *progress.Bar {
	w := a.err
	if a.quiet {
		w = io.Discard
	}
	file, ok := a.err.(*os.File)
	return progress.New(w, ok && progress.IsTerminal(file), title, unit, total)
}
