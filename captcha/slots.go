package captcha

import (
	"context"
	"fmt"
	"time"
)

// slots bounds how many puzzles are drawn or spoken at a time, one for each
// element that fits, so that a flood of them leaves processors to the rest of
// the app.
type slots chan struct{}

const maxSlotWait = 50 * time.Millisecond

// do returns what f returns, or ErrBusy, or the context's error, when no slot
// gets free.
func (s slots) do(ctx context.Context, f func() error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer func() { <-s }()
	return f()
}

func (s slots) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(maxSlotWait)
	defer timer.Stop()
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrBusy
	}
}

// contain, deferred, makes an error of an engine's panic.
func contain(err *error) {
	if v := recover(); v != nil {
		// The value may tell the answer: "index out of range [7]".
		*err = fmt.Errorf("panic of type %T", v)
	}
}
