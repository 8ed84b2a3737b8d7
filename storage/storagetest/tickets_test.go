package storagetest

import (
	"bytes"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var brokenTickets = []broken{
	{"leaves a ticket that was spent", by("tickets/are spent once"), ownTickets(func(t *storage.Ticket, binding []byte, now time.Time) bool {
		return bytes.Equal(t.Binding, binding) && now.Before(t.ExpiresAt)
	})},
	{"does not look at a ticket's binding", by("tickets/are bound"), ownTickets(func(t *storage.Ticket, _ []byte, now time.Time) bool {
		defer func() { t.ExpiresAt = time.Time{} }()
		return now.Before(t.ExpiresAt)
	})},
	{"leaves a ticket that was presented with another binding", by("tickets/are bound"), ownTickets(func(t *storage.Ticket, binding []byte, now time.Time) bool {
		ok := bytes.Equal(t.Binding, binding) && now.Before(t.ExpiresAt)
		if ok {
			t.ExpiresAt = time.Time{}
		}
		return ok
	})},
	{"accepts any ticket", by("tickets/are not invented"), func(s *tampered) {
		s.takeTicket = func(context.Context, []byte, []byte, time.Time) (bool, error) { return true, nil }
	}},
	{"takes a ticket when it expires", by("tickets/expire"), takeTicketAt(-tick)},
	{"lets a ticket expire early", by("tickets/expire"), takeTicketAt(+tick)},
	{"looks before it takes a ticket", by("tickets/have one taker"), func(s *tampered) {
		take, meet := s.takeTicket, meeting()
		taken := make(map[string]bool)
		s.takeTicket = func(ctx context.Context, id, binding []byte, now time.Time) (bool, error) {
			var gone bool
			s.locked(func() { gone = taken[string(id)] })
			meet()
			s.locked(func() { taken[string(id)] = true })
			_, err := take(ctx, id, binding, now)
			return !gone, err
		}
	}},
	{"shares a ticket's binding", by("tickets/are not shared"), ownTickets(func(t *storage.Ticket, binding []byte, now time.Time) bool {
		defer func() { t.ExpiresAt = time.Time{} }()
		return bytes.Equal(t.Binding, binding) && now.Before(t.ExpiresAt)
	})},
}

// ownTickets keeps tickets as they are passed in, and takes them with take.
func ownTickets(take func(t *storage.Ticket, binding []byte, now time.Time) bool) func(*tampered) {
	return func(s *tampered) {
		tickets := make(map[string]*storage.Ticket)
		s.putTicket = func(_ context.Context, t storage.Ticket) error {
			s.locked(func() { tickets[string(t.ID)] = &t })
			return nil
		}
		s.takeTicket = func(_ context.Context, id, binding []byte, now time.Time) (ok bool, err error) {
			s.locked(func() {
				if t := tickets[string(id)]; t != nil {
					ok = take(t, binding, now)
				}
			})
			return ok, nil
		}
	}
}

func takeTicketAt(shift time.Duration) func(*tampered) {
	return func(s *tampered) {
		take := s.takeTicket
		s.takeTicket = func(ctx context.Context, id, binding []byte, now time.Time) (bool, error) {
			return take(ctx, id, binding, now.Add(shift))
		}
	}
}
