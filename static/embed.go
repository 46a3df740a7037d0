// Package static holds what browsers load beside the pages: styles, scripts, pictures. Package view serves it.
package static

import "embed"

// FS has the files by their paths, as in "css/snug.css".
//
//go:embed css js img
var FS embed.FS
