// Package dashboard is Snug on the web: pages, the JSON API, signing in, and
// what watches over every request.
//
// A handler reads what was asked, calls the guild's keeper through the hub,
// and answers with a page or with JSON: one handler serves both, and one place
// (errors.go) turns errors into answers. It decides nothing about rooms: who
// may see, enter and control one is the keeper's to say, and who is in one is
// known from dashboard/live.
//
// cmd makes one Server with New, serves its Handler, and runs Run beside it.
// A Server is safe for concurrent use.
package dashboard
