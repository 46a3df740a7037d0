// Package schema holds the limits of what people may set, as data and checks:
// names, statuses and seats. It does no I/O; its values are plain data.
package schema
