package cli

import (
	"github.com/spf13/cobra"

	"orrery.dev/builtin"
	"orrery.dev/spec"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of system.yaml, for editors",
		Long: `Schema prints the JSON Schema of system.yaml. An editor that has it completes
keys, shows what each one means and marks what does not fit as you type.

With yaml-language-server, which most editors use, make this the first line of
the file:

  # yaml-language-server: $schema=./system.schema.json

A schema knows the shape of a file and not what its names refer to; orrery check
knows both.`,
		Example: "  orrery schema > my-system/system.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(spec.Schema(builtin.Registry()))
			return err
		},
	}
}
