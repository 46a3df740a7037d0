// Package templates holds the HTML templates of the dashboard; package view renders them.
package templates

import "embed"

// FS has the pages, and what they share in partials/.
//
//go:embed *.html partials/*.html
var FS embed.FS
