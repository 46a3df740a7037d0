// Package request is what pages and API have in common as answers to HTTP
// requests: who asks (a session's cookie or an API token), in which language,
// how often; reading forms and JSON; what every answer's headers say; and the
// one place that turns errors into answers, as a page for people or as a
// problem (RFC 9457) for programs.
//
// It lies below packages web and api and knows nothing of rooms.
package request
