package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hookTimeout is how long a function of the host may take.
const hookTimeout = 2 * time.Second

// callHook keeps a login from being held up or brought down by a function of
// the host: it gets hookTimeout, and a panic is an error.
func callHook[T any](ctx context.Context, name string, hook func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	var none T
	select {
	case r := <-aside(func() (T, error) { return hook(ctx) }):
		if r.err != nil {
			return none, busy(name, r.err)
		}
		return r.value, nil
	case <-ctx.Done():
		return none, busy(name, errors.New("took too long"))
	}
}

// result is what a function returned.
type result[T any] struct {
	value T
	err   error
}

// aside calls a function of the host in a goroutine of its own, so that nobody
// has to wait for it. A panic is an error.
func aside[T any](f func() (T, error)) <-chan result[T] {
	done := make(chan result[T], 1)
	go func() {
		r := result[T]{err: errors.New("did not return")} // runtime.Goexit is no answer
		defer func() {
			if v := recover(); v != nil {
				r.err = fmt.Errorf("panic: %v", v)
			}
			done <- r
		}()
		r.value, r.err = f()
	}()
	return done
}

// mayRegister decides whether an address may get a user.
func (a *Auth) mayRegister(ctx context.Context, addr address, clientID string) (bool, error) {
	if a.config.Registration == RegistrationClosed {
		return false, nil
	}
	if a.config.AllowRegistration == nil {
		return true, nil
	}
	return callHook(ctx, "AllowRegistration", func(ctx context.Context) (bool, error) {
		return a.config.AllowRegistration(ctx, addr.folded, clientID)
	})
}

// callLoginHooks tells the host who is about to be let in, and asks it.
func (a *Auth) callLoginHooks(ctx context.Context, id Identity, first bool) error {
	type hook struct {
		name string
		call func(context.Context, Identity) error
	}
	hooks := []hook{{"OnLogin", a.config.OnLogin}}
	if first {
		hooks = []hook{{"OnFirstLogin", a.config.OnFirstLogin}, {"OnLogin", a.config.OnLogin}}
	}
	for _, h := range hooks {
		if h.call == nil {
			continue
		}
		_, err := callHook(ctx, h.name, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, h.call(ctx, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Auth) extraClaims(ctx context.Context, id Identity) (map[string]any, error) {
	if a.config.ExtraClaims == nil {
		return nil, nil
	}
	return callHook(ctx, "ExtraClaims", func(ctx context.Context) (map[string]any, error) {
		return a.config.ExtraClaims(ctx, id)
	})
}
