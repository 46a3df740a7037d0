// Package wire is what people and programs send, as forms and as JSON, and what
// rooms, invites, tokens, settings and entries of the audit log look like in
// JSON; and the addresses that pages and API give away. Names are snake_case,
// times RFC 3339 and ids strings.
package wire
