package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/spec"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt FILE|DIR",
		Short: "Rewrite a system's file in the canonical layout",
		Long: `Fmt rewrites a system's file in the canonical layout: indentation, spaces, blank
lines and the columns of comments. Comments, quotes, the order of keys and line
breaks inside brackets stay, and so does what the file says. It prints the path of
the file if that changed it.

With --check the file is left alone, and the status is 1 if it is not formatted.`,
		Example: "  orrery fmt my-system\n  orrery fmt --check my-system",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.format(args[0], check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "say whether the file is formatted, and leave it alone")
	return cmd
}

func (a *app) format(path string, check bool) error {
	path, text, err := spec.Read(path)
	if err != nil {
		return err
	}
	formatted, diagnostics, err := spec.Format(path, text)
	if err != nil {
		return err
	}
	if formatted == nil {
		if a.json {
			a.printJSON(map[string]any{"ok": false, "diagnostics": diagnostics})
		}
		_ = spec.Render(a.err, diagnostics, false)
		return errReported
	}
	changed := !bytes.Equal(text, formatted)
	if changed && !check {
		if err := replaceFile(path, formatted); err != nil {
			return orrery.Errorf(orrery.Invalid, "spec_unwritable", "%s cannot be written", path).Because(err).
				WithNext("check that you may write it")
		}
	}
	a.print(map[string]any{"ok": !check || !changed, "file": path, "changed": changed}, func(w io.Writer) {
		if changed {
			fmt.Fprintln(w, path)
		}
	})
	if check && changed {
		return errReported
	}
	return nil
}

// replaceFile puts a text in the place of a file's in one step: whatever happens,
// the file has the one or the other. A link stays one.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".orrery-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(text); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Chmod(info.Mode().Perm()); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Sync(); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
