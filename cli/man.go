package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man --out DIR",
		Short: "Write the manual pages",
		Long: `Man writes a page in section 1 of the manual for each command, made from what
--help says. Pages of the same names are replaced.`,
		Example: "  orrery man --out /usr/local/share/man/man1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usagef("man needs --out; see orrery man --help")
			}
			return a.man(cmd.Root(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "the folder to write to, made if it is not there")
	return cmd
}

func (a *app) man(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	pages := 0
	var write func(*cobra.Command) error
	write = func(cmd *cobra.Command) error {
		path := filepath.Join(dir, manName(cmd)+".1")
		if err := os.WriteFile(path, []byte(manPage(cmd)), 0o644); err != nil {
			return unwritable(path, err)
		}
		pages++
		for _, sub := range manChildren(cmd) {
			if err := write(sub); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write(root); err != nil {
		return err
	}
	if !a.quiet {
		fmt.Fprintf(a.err, "%d pages in %s\n", pages, dir)
	}
	return nil
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func manChildren(cmd *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			out = append(out, sub)
		}
	}
	return out
}

// manPage writes a command's page in the man macros of roff, as man(7) has them.
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	// No date: the page is made of the program, and the same program makes the same.
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"orrery\" \"Orrery\"\n", roff(strings.ToUpper(manName(cmd))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	if text := cmd.Long; text != "" {
		b.WriteString(".SH DESCRIPTION\n")
		for i, paragraph := range strings.Split(text, "\n\n") {
			if i > 0 {
				b.WriteString(".PP\n")
			}
			manParagraph(&b, paragraph)
		}
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n.EX\n")
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			fmt.Fprintf(&b, "%s\n", roff(strings.TrimPrefix(line, "  ")))
		}
		b.WriteString(".EE\n")
	}
	var also []string
	if parent := cmd.Parent(); parent != nil {
		also = append(also, manName(parent))
	}
	for _, sub := range manChildren(cmd) {
		also = append(also, manName(sub))
	}
	for i, name := range also {
		if i == 0 {
			b.WriteString(".SH SEE ALSO\n")
		}
		comma := ","
		if i == len(also)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, ".BR %s (1)%s\n", roff(name), comma)
	}
	return b.String()
}

// manParagraph writes a paragraph; one with indented lines stays as it is laid out.
func manParagraph(b *strings.Builder, text string) {
	asIs := strings.Contains("\n"+text, "\n  ")
	if asIs {
		b.WriteString(".EX\n")
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(b, "%s\n", roff(line))
	}
	if asIs {
		b.WriteString(".EE\n")
	}
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, ".TP\n.B %s", roff(name))
		if kind != "" {
			fmt.Fprintf(b, " %s", roff(kind))
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	})
}

// roff escapes text for a line of roff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
