package cli

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/cases"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
	"orrery.dev/systems/moderation"
)

//go:embed templates
var templates embed.FS

// start is what a new system begins with: a folder's spec and, where it has them,
// its cases.
type start struct {
	files fs.ReadFileFS
	dir   string
}

// starts are the systems that a new one can start from.
var starts = map[string]start{
	"":           {templates, "templates"},
	"fraud":      {fraud.Files, "."},
	"moderation": {moderation.Files, "."},
}

// startNames lists them, but for the one that is taken where none is named.
func startNames() []string { return slices.Sorted(maps.Keys(starts))[1:] }

// read gives the files of a new system of that name.
func (s start) read(name string) (map[string][]byte, error) {
	text, err := s.files.ReadFile(path.Join(s.dir, spec.FileName))
	if err != nil {
		return nil, err
	}
	text = systemLine.ReplaceAll(text, []byte("system: "+name))
	checked, diagnostics := spec.Check(spec.FileName, text, builtin.Registry())
	if checked == nil {
		return nil, diagnostics.Err()
	}
	readme, err := newReadme(checked)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{spec.FileName: text, "README.md": readme}
	switch b, err := s.files.ReadFile(path.Join(s.dir, cases.FileName)); {
	case err == nil:
		files[cases.FileName] = b
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return files, nil
}

func (a *app) initCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Start a new system from a template",
		Long: `Init makes a folder of the name, with a system.yaml that is fine as it is and says
in comments what each part does, and a README with the commands to go on with; one
that starts from a system of Orrery's has its cases for orrery test too.
The name is the system's too: lower-case letters, digits and _. Nothing that is
there already is overwritten.`,
		Example: "  orrery init orders\n  orrery init cards --from fraud\n  orrery init chat --from moderation",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.init(args[0], from) },
	}
	cmd.Flags().StringVar(&from, "from", "", "start from a system that comes with Orrery: "+strings.Join(startNames(), " or "))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(startNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) init(dir, from string) error {
	name := filepath.Base(filepath.Clean(dir))
	if !spec.IsName(name) {
		return usagef("a system cannot be named %q: a name is lower-case letters, digits and _, and begins with a letter", name)
	}
	start, known := starts[from]
	if !known {
		return usagef("there is no system %q to start from; there are %s", from, strings.Join(startNames(), " and "))
	}
	files, err := start.read(name)
	if err != nil {
		return err
	}
	if err := makeSystem(dir, files); err != nil {
		return err
	}
	file := filepath.Join(dir, spec.FileName)
	a.print(map[string]string{"system": name, "file": file}, func(w io.Writer) {
		fmt.Fprintf(w, "%s is a new system: change it, and see with orrery check %s whether it is right\n", file, dir)
	})
	return nil
}

var systemLine = regexp.MustCompile(`(?m)^system: .*$`)

// makeSystem writes the files of a new system into a folder that is new too, or
// empty.
func makeSystem(dir string, files map[string][]byte) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return orrery.Errorf(orrery.Conflict, "exists", "%s is there already", dir).WithNext("choose another name, or remove it")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return unwritable(path, err)
		}
		_, err = file.Write(text)
		if err := errors.Join(err, file.Close()); err != nil {
			return unwritable(path, err)
		}
	}
	return nil
}

// newReadme gives the README of a new system, made from its spec.
func newReadme(s *spec.Spec) ([]byte, error) {
	source, err := templates.ReadFile("templates/README.md")
	if err != nil {
		return nil, err
	}
	page, err := template.New("README.md").Parse(string(source))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	err = page.Execute(&b, map[string]any{"Name": s.System, "About": s.About, "Events": s.Contract.Events, "Example": exampleEvent(s.DecideOn)})
	return []byte(b.String()), err
}

// exampleEvent gives a valid event of a type as JSON, its optional fields left
// out.
func exampleEvent(t *orrery.EventType) string {
	values := map[orrery.FieldType]string{
		orrery.Timestamp: `"2026-01-31T12:00:00Z"`, orrery.Int: "1", orrery.Decimal: "57", orrery.Float: "0.5", orrery.Bool: "true",
	}
	var members []string
	for i, f := range t.Fields {
		value, known := values[f.Type]
		switch {
		case f.Optional || !f.Default.IsMissing():
			continue
		case !known:
			text, err := json.Marshal(fmt.Sprintf("%s-%d", f.Name, i+1))
			if err != nil {
				continue
			}
			value = string(text)
		}
		members = append(members, fmt.Sprintf("%q: %s", f.Name, value))
	}
	return "{" + strings.Join(members, ", ") + "}"
}
