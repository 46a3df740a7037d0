// Package page holds the simulator's own page: a small client in the browser
// in which one acts as any member. The files are served as they are; what they
// may ask the server is written in PROTOCOL.md.
//
// The page is ES modules without a build step. js/main.js puts it together:
// store.js holds the world as the person sees it, live.js keeps it fresh,
// api.js acts, and the other modules each draw one part of the page anew when
// the store says that something they show has changed.
//
// The simulator alone imports it. FS is read only and safe for concurrent use.
package page

import "embed"

// FS holds the page's files, index.html at its root.
//
//go:embed index.html PROTOCOL.md mark.svg css js
var FS embed.FS
