// Package audit is the log of what happened in a server: one Entry for each thing, with
// who did it and from where. It does no I/O and reads no clock; its values are plain data.
package audit
