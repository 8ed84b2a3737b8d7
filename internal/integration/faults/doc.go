// Package faults breaks what a login stands on - the process, the disk, the
// database, the connection to it, the clock - and looks whether it keeps its
// promises. The tests are named after the rows of the fault catalogue.
//
// Each test plays people at a server that runs as a process of its own
// (faults/server), breaks something, mends it, and leaves the judgement to
// Site.check of invariants_test.go, which knows all that was promised to
// anybody. MAILKEY_TORTURE=1 makes the rounds many.
package faults

// Secret is that of the server, a canary: no log may hold it.
const Secret = "correct horse battery staple 0123456789"

// State is what a server tells about its inside at /state.
type State struct {
	Goroutines  int
	Connections int // to the database that are in use
	Files       int // that are open
	Memory      int // bytes that are in use
}
