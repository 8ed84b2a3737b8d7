package auth

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"example.com/mailkey/internal/failpoint"
)

const (
	sweepInterval = time.Minute
	sweepBatch    = 25 // of each kind: on SQLite nobody else can write meanwhile
	sweepRest     = 4  // times as long as a batch took, until the next
)

// Run works in the background until ctx ends: it delivers mails, removes what
// has expired, rotates the signing keys, tells other instances that mails are
// delivered, and compares the clock with the database's, if that has one: an
// instance that is more than 30 seconds off answers everybody with ReasonBusy
// until it is right again. It returns nil when ctx ended and what was being
// delivered came to its end, which takes half a minute at most.
//
// At least one process that uses the store must run it, or no code is mailed;
// all of them may. End it after the server, which accepts mails until its end.
// Faults are logged and retried, they do not end it.
func (a *Auth) Run(ctx context.Context) error {
	a.delivery.running.Add(1)
	defer a.delivery.running.Add(-1)
	var work sync.WaitGroup
	a.checkClock(ctx) // before anything is done by it
	work.Go(func() { a.every(ctx, clockInterval, a.checkClock) })
	work.Go(func() { a.deliver(ctx) })
	work.Go(func() { a.everyInService(ctx, beatInterval, a.beat) })
	work.Go(func() { a.everyInService(ctx, sweepInterval, a.sweep) })
	work.Go(func() { a.everyInService(ctx, keysChecked, a.tendKeys) })
	work.Wait()
	return nil
}

// every calls f now and then at each interval.
func (a *Auth) every(ctx context.Context, interval time.Duration, f func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		func() {
			defer a.contain()
			f(ctx)
		}()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// contain keeps a panic from ending the process. What it interrupted is done at
// its next turn.
func (a *Auth) contain() {
	if v := recover(); v != nil {
		a.config.Logger.Error("panic in the background", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
}

// everyInService is every, but for the time that the instance is out of service.
func (a *Auth) everyInService(ctx context.Context, interval time.Duration, f func(context.Context)) {
	a.every(ctx, interval, func(ctx context.Context) {
		if a.inService() == nil {
			f(ctx)
		}
	})
}

// beat tells the other processes that this one can deliver mails.
func (a *Auth) beat(ctx context.Context) {
	now := failpoint.Now()
	if a.delivery.circuitWait(now) > 0 {
		return
	}
	if err := a.config.Store.Beat(ctx, now); err != nil && ctx.Err() == nil {
		a.config.Logger.Error("the sign of life was not stored", "cause", err)
	}
}

// sweep removes what has expired, a little at a time, and leaves the database
// to those who log in for most of the time, however much there is to remove.
func (a *Auth) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		start := time.Now()
		// By the clocks of others it may not have expired yet.
		removed, err := a.config.Store.Sweep(ctx, failpoint.Now().Add(-clockSkew), sweepBatch)
		if err != nil && ctx.Err() == nil {
			a.config.Logger.Error("expired rows were not removed", "cause", err)
		}
		if err != nil || removed == 0 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(sweepRest * time.Since(start)):
		}
	}
}
