// Package web is Snug's pages and what their forms do. A handler reads what was
// asked, calls an action, and answers with a page of package view; a form sent
// by a page's script is answered in JSON.
package web
