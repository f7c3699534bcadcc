package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		v := version()
		a.print(v, func(w io.Writer) { fmt.Fprintf(w, "orrery %s\n", v) })
		return nil
	}}
}

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func (v versionInfo) String() string { return fmt.Sprintf("%s (%s, %s)", v.Version, v.Revision, v.Go) }

// released is the version of a binary that was built for publication, set by
// the linker; empty for any other.
var released string

// version reads what the build recorded of itself.
func version() versionInfo {
	v := versionInfo{Version: "development", Revision: "unknown revision", Go: runtime.Version()}
	if released != "" {
		v.Version, v.Revision = released, "released"
		return v
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified {
		v.Revision += " with changes"
	}
	return v
}
