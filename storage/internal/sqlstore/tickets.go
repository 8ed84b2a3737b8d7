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
	return s.db.WriteSoon(ctx, func(tx Conn) error {
		return exec(tx, ticketPut, t.ID, t.Binding, t.ExpiresAt.UnixMilli())
	})
}

// TakeTicket implements [storage.Tickets].
func (s *Store) TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (ok bool, err error) {
	err = s.db.Write(ctx, func(tx Conn) error {
		row, found, err := get[ticketRow](tx, ticketTake, id)
		ok = found && bytes.Equal(row.Binding, binding) && now.UnixMilli() < row.ExpiresAt
		return err
	})
	return ok && err == nil, err
}
