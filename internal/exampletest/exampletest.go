// Package exampletest stands in for the testing.T that an Example does not
// have.
package exampletest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
)

// T is a testing.TB that panics where a test fails. Make one with [New]. Of the
// methods of a TB it has those that helpers use.
type T struct {
	testing.TB

	ctx      context.Context
	cancel   context.CancelFunc
	cleanups []func()
}

// New returns a T, which the Example has to end.
func New() *T {
	ctx, cancel := context.WithCancel(context.Background())
	return &T{ctx: ctx, cancel: cancel}
}

// End does what the end of a test does.
func (t *T) End() {
	t.cancel()
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// Helper does nothing: no line of a failure is reported.
func (t *T) Helper() {}

// Cleanup has f called by End.
func (t *T) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Context ends just before what Cleanup was given is called.
func (t *T) Context() context.Context { return t.ctx }

// Output discards what is written.
func (t *T) Output() io.Writer { return io.Discard }

// Errorf panics.
func (t *T) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Fatalf panics.
func (t *T) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Fatal panics.
func (t *T) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
