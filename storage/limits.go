package storage

import (
	"context"
	"time"
)

// Limit allows Count takings at once and refills evenly, Count in each
// Window: the generic cell rate algorithm.
type Limit struct {
	Key     []byte        // whom it limits, and in what
	Count   int           // at least 1
	Window  time.Duration // at least Count milliseconds
	Look    bool          // only look whether a taking would be allowed
	Durable bool          // a taking outlives a power failure, which counts need not
}

// Limits counts how often something was done.
type Limits interface {
	// TakeLimits takes one from each of the limits, or, when one of them is
	// used up, from none. It returns how long to wait until all of them would
	// allow it; 0 means taken. A refusal changes nothing.
	TakeLimits(ctx context.Context, now time.Time, limits ...Limit) (wait time.Duration, err error)
}

// Take is the arithmetic of a limit, for stores that cannot leave it to a
// query. tat, the theoretical arrival time, is all that is stored of a limit,
// in Unix milliseconds and 0 when there is none. When wait is 0 the taking is
// allowed and next is to be stored.
func (l Limit) Take(tat int64, now time.Time) (next int64, wait time.Duration) {
	at := now.UnixMilli()
	next = max(tat, at) + l.Step()
	if over := next - at - l.Step()*int64(l.Count); over > 0 {
		return tat, time.Duration(over) * time.Millisecond
	}
	return next, 0
}

// Step is the time in milliseconds after which one taking is refilled.
func (l Limit) Step() int64 {
	return l.Window.Milliseconds() / int64(l.Count)
}
