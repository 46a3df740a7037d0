// Package page holds the stand-in's own page: a small client in the browser
// in which one acts as any member. The files are served as they are; what they
// may ask the server is written in PROTOCOL.md.
//
// The stand-in alone imports it. FS is read only and safe for concurrent use.
package page

import "embed"

// FS holds the page's files, index.html at its root.
//
//go:embed *.html *.md
var FS embed.FS
