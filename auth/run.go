package auth

import (
	"context"
	"sync"
	"time"
)

const (
	sweepInterval = time.Minute
	sweepBatch    = 500
)

// Run works in the background until ctx ends: it delivers mails, removes what
// has expired, rotates the signing keys and tells other instances that mails
// are delivered. It returns
// nil when ctx ended and what was being delivered came to its end, after 10
// seconds at most.
//
// At least one process that uses the store must run it, or no code is mailed;
// all of them may. Faults are logged and retried, they do not end it.
func (a *Auth) Run(ctx context.Context) error {
	a.delivery.running.Add(1)
	defer a.delivery.running.Add(-1)
	var work sync.WaitGroup
	work.Go(func() { a.deliver(ctx) })
	work.Go(func() { every(ctx, beatInterval, a.beat) })
	work.Go(func() { every(ctx, sweepInterval, a.sweep) })
	work.Go(func() { every(ctx, keysChecked, a.tendKeys) })
	work.Wait()
	return nil
}

// every calls f now and then at each interval.
func every(ctx context.Context, interval time.Duration, f func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// beat tells the other processes that this one can deliver mails.
func (a *Auth) beat(ctx context.Context) {
	now := time.Now()
	if a.delivery.circuitWait(now) > 0 {
		return
	}
	if err := a.config.Store.Beat(ctx, now); err != nil && ctx.Err() == nil {
		a.config.Logger.Error("the sign of life was not stored", "cause", err)
	}
}

// sweep removes what has expired, a little at a time.
func (a *Auth) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		removed, err := a.config.Store.Sweep(ctx, time.Now(), sweepBatch)
		if err != nil && ctx.Err() == nil {
			a.config.Logger.Error("expired rows were not removed", "cause", err)
		}
		if err != nil || removed == 0 {
			return
		}
	}
}
