// Package hub is the shared event hub: NATS with JetStream, either embedded in
// the process or an existing cluster. It offers typed buckets, followed tables,
// calls between bot and dashboard, notices, and the audit stream. No other
// package uses NATS. Bot and dashboard communicate only through the hub, even
// in a single process, so one process and twenty run the same code.
//
// Guarantees:
//   - A write that returned without an error is on disk (or, in a memory
//     bucket, in the server's memory) and survives kill -9. If the answer to a
//     write did not arrive, the error wraps ErrUnknownOutcome: the write may
//     have happened, so writes must be safe to repeat.
//   - One key is one transaction. Put data that must change together into one
//     value; Edit changes it with compare-and-set.
//   - Follow delivers a bucket's contents and then every change in order, even
//     across reconnects. If a bucket's contents were lost, its epoch changes
//     and the follower's Reset is called before it gets the new contents.
//
// Every method of Hub, Bucket, Publisher, Table, Calls and Audit is safe for
// concurrent use. The callbacks of one follower, publisher or listener run one
// after the other; those of different ones run at the same time. Hub.Close ends
// everything started with the Hub and waits for it.
package hub
