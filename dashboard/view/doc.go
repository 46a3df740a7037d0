// Package view makes the dashboard's pages: typed page structs, and an engine
// that renders them with html/template.
//
// A handler fills a page struct and hands it to Engine.Render; nothing else of
// the dashboard knows a template by name. The package does no I/O of its own
// and reads no clock: times come in with the page (Layout.Now). An Engine is
// safe for concurrent use; page structs are read while rendering and never
// changed.
package view
