package storage

import (
	"context"
	"time"
)

// Ticket is the permission to have one code mailed, given for a solved
// captcha: the captcha_token of the wire.
type Ticket struct {
	ID        []byte    // hash of the token that the client holds
	Binding   []byte    // hash of whom it was given to and for which address
	ExpiresAt time.Time // from then on it is worth nothing
}

// Tickets keeps tickets until they are spent.
type Tickets interface {
	// PutTicket stores t.
	PutTicket(ctx context.Context, t Ticket) error

	// TakeTicket spends the ticket, whatever the binding, and reports whether
	// it was alive and bound to binding. Of parallel calls at most one is
	// told true.
	TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (ok bool, err error)
}
