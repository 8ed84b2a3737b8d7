package auth

import (
	"context"
	"time"
)

// Identity is who is calling.
type Identity struct {
	UserID    string    // random, stable, never given to anybody else: the key for the app's own tables
	Email     string    // in lower case; may change, and may belong to somebody else one day
	SessionID string    // public, not the token
	ClientID  string    // the registered client that logged in
	LoginAt   time.Time // when the code was redeemed
	ByCookie  bool      // the session came by cookie: guard against cross-site requests
}

type identityKey struct{}

// NewContext returns a context that carries id. The middleware uses it; an app
// needs it in tests of its own handlers at most.
func NewContext(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// FromContext returns who is calling; ok is false when nobody is signed in.
func FromContext(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(identityKey{}).(Identity)
	return id, ok
}
