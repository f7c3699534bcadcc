package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/spec"
	"orrery.dev/text/tokenizer"
)

//go:generate go run orrery.dev/cmd/orrery reference --out ../docs/reference

func (a *app) referenceCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "reference --out DIR",
		Short: "Write the reference of system.yaml as Markdown pages",
		Long: `Reference writes the reference pages: the keys of system.yaml, the kinds of
feature and of model with their parameters, what of a tokenizer.json is read, and
the codes of diagnostics. They are made from the declarations that check uses. Pages of the same names are replaced.`,
		Example: "  orrery reference --out docs/reference",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return usagef("reference needs --out; see orrery reference --help")
			}
			return a.reference(dir)
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "the folder to write to, made if it is not there")
	return cmd
}

// ReferencePages gives the pages of docs/reference.
func ReferencePages() []spec.Page {
	pages := spec.Reference(builtin.Registry(), ServerDeclaration())
	return append(pages, spec.Page{Name: "tokenizers.md", Text: tokenizer.Reference()})
}

func (a *app) reference(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	pages := ReferencePages()
	for _, page := range pages {
		path := filepath.Join(dir, page.Name)
		if err := os.WriteFile(path, []byte(page.Text), 0o644); err != nil {
			return unwritable(path, err)
		}
	}
	if !a.quiet {
		fmt.Fprintf(a.err, "%d pages in %s\n", len(pages), dir)
	}
	return nil
}

func unwritable(path string, err error) error {
	return orrery.Errorf(orrery.Invalid, "unwritable", "%s cannot be written", path).Because(err).
		WithNext("name a folder that you may write to")
}
