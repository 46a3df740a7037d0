// Package dashboard is Snug on the web: pages, the JSON API, signing in, and
// what watches over every request, put together and mounted.
//
// Arrows point down and never in a circle; web and api do not know each other:
//
//	dashboard          mounts
//	web  api           pages and forms; JSON operations (api/openapi: how they are described)
//	request  actions   what all requests share; what Snug does, without HTTP
//	view  wire         templates; JSON
//	live  session  lastknown
//
// cmd makes one Server with New, serves its Handler, and runs Run beside it.
// A Server is safe for concurrent use.
package dashboard
