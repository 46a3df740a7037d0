// Package web is Snug's pages and what their forms do. A handler reads what was
// asked, calls an action, and answers with a page of package view or leads to
// one; the scripts of pages call package api.
package web
