package sqlstore

import (
	"bytes"
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/storage"
)

//go:embed queries/ticket_put.sql
var ticketPut string

//go:embed queries/ticket_take.sql
var ticketTake string

type ticketRow struct {
	Binding   []byte
	ExpiresAt int64 `db:"expires_at"`
}

// PutTicket implements [storage.Tickets].
func (s *Store) PutTicket(ctx context.Context, t storage.Ticket) error {
	return exec(s.db.WriteSoon(ctx), ticketPut, t.ID, t.Binding, t.ExpiresAt.UnixMilli())
}

// TakeTicket implements [storage.Tickets].
func (s *Store) TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (ok bool, err error) {
	row, ok, err := get[ticketRow](s.db.Write(ctx), ticketTake, id)
	return ok && bytes.Equal(row.Binding, binding) && now.UnixMilli() < row.ExpiresAt, err
}
