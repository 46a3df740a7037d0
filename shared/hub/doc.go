// Package hub is the shared event hub: NATS with JetStream, embedded in the
// process or an existing cluster, behind typed buckets, followed tables, calls
// between bot and dashboard, notices, and the audit stream. It is the only
// package that knows NATS. Bot and dashboard meet here and nowhere else, also
// when both run in one process, so one process and twenty run the same code.
//
// What it promises:
//   - A write that returned without an error is on disk (or, in a memory
//     bucket, in the server's memory) and survives kill -9. A write whose
//     answer did not arrive gives an error that wraps ErrUnknownOutcome: it may
//     have happened, so writes must be fit to be repeated.
//   - One key is one transaction. What must change together lives in one value;
//     Edit changes it under compare-and-set.
//   - Follow delivers what a bucket holds and then every change in order, also
//     across reconnects. When a bucket started anew its epoch is another one
//     and the follower is told by Reset before it gets the new contents.
//
// Every method of Hub, Bucket, Publisher, Table, Calls and Audit may be called
// from any number of goroutines. Callbacks of one follower, one publisher or
// one listener run one after the other; those of several run at the same time.
// Everything started with a Hub ends, and is waited for, in Hub.Close.
package hub
