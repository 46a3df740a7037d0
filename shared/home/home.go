// Package home says where Snug will be published. It's the one place that does; `.ci/home` changes it, and moves the Go
// module there.
package home

// Module is the module's future path: https:// and it is the repository, and go install takes it with /cmd/snug.
// Until then the module is called snug, and the repository isn't there yet.
const Module = "github.com/snug-rooms/snug"
