// Package page contains the simulator's page: a small browser client in which you can act as any
// member. The files are served unchanged; PROTOCOL.md describes the API they use.
//
// The page consists of ES modules without a build step. js/main.js is the entry point: store.js
// holds the world as the person sees it, live.js keeps it up to date, api.js sends actions, and
// each of the other modules redraws one part of the page when the store reports a change.
//
// Only the simulator imports it. FS is read-only and safe for concurrent use.
package page

import "embed"

// FS contains the page's files, with index.html at its root.
//
//go:embed index.html PROTOCOL.md mark.svg css js
var FS embed.FS
