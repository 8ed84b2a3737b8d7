package auth

import (
	"context"
	"errors"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// Stores are told the time, so an instance whose clock is wrong would let codes
// and sessions live too long, or remove what others still need. Where the store
// has a clock that all instances share, Run compares the two.
const (
	clockInterval  = 5 * time.Second
	clockTolerance = 30 * time.Second
	clockSkew      = 2 * clockTolerance // how far the clocks of two instances may be apart
)

var errClockWrong = errors.New("the clock of this instance differs from the database's by more than 30 seconds: it serves nobody until that is mended")

// checkClock takes the instance out of service, and back into it.
func (a *Auth) checkClock(ctx context.Context) {
	store, ok := a.config.Store.(storage.Clock)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestDeadline)
	defer cancel()
	asked := failpoint.Now()
	theirs, err := store.Clock(ctx)
	answered := failpoint.Now()
	if err != nil {
		return // others say that the store does not answer
	}
	// It was read somewhere between the two.
	wrong := theirs.Before(asked.Add(-clockTolerance)) || theirs.After(answered.Add(clockTolerance))
	if a.clockWrong.Swap(wrong) != wrong {
		if wrong {
			a.config.Logger.Error("out of service", "cause", errClockWrong, "database", theirs.UTC(), "here", answered.UTC())
		} else {
			a.config.Logger.Info("in service again: the clock is right")
		}
	}
}

// InService returns nil, or why this instance refuses everybody for now: its
// clock is wrong. It is for the app's answer to a load balancer that asks
// whether to send requests here.
func (a *Auth) InService() error {
	if a.clockWrong.Load() {
		return errClockWrong
	}
	return nil
}

// inService refuses everything while the clock is wrong.
func (a *Auth) inService() error {
	if a.InService() != nil {
		return &failure{reason: ReasonBusy, wait: clockTolerance}
	}
	return nil
}
