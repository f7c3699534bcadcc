package moderation

import "embed"

// Files has README.md and the spec, system.yaml, as they stand in this folder, so
// that the demo runs without the source tree.
//
//go:embed *.[my]*
var Files embed.FS
