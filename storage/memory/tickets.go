package memory

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

// PutTicket implements [storage.Tickets].
func (s *Store) PutTicket(ctx context.Context, t storage.Ticket) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()

	if _, taken := s.tickets[string(t.ID)]; taken {
		return fmt.Errorf("put ticket: %w", storage.ErrConflict)
	}
	s.tickets[string(t.ID)] = storage.Ticket{Binding: bytes.Clone(t.Binding), ExpiresAt: ms(t.ExpiresAt)}
	return nil
}

// TakeTicket implements [storage.Tickets].
func (s *Store) TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	t, found := s.tickets[string(id)]
	delete(s.tickets, string(id))
	return found && bytes.Equal(t.Binding, binding) && !past(t.ExpiresAt, now), nil
}
