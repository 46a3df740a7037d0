// Package api is the JSON API's operations, each registered beside its handler:
// it reads what was asked, calls an action, and says the outcome in JSON. How
// operations are described, guarded, repeated and paged is in package openapi.
package api
