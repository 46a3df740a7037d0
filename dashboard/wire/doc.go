// Package wire is what rooms, invites, tokens, settings and entries of the audit
// log look like in JSON, in answers of the API and of pages' forms alike, and
// the addresses that both give away.
package wire
