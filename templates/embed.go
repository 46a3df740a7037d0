// Package templates holds the HTML templates of the dashboard; package view renders them.
//
// Each line break and the indentation after it are taken out when the templates
// are read, so what is indented by structure is served without. A break between
// two words or within a tag is a space; beside a tag or an action it is
// nothing: where a space has to be there at a line's end, write {{" "}}.
package templates

import "embed"

// FS has the pages, and what they share in partials/.
//
//go:embed *.html partials/*.html
var FS embed.FS
