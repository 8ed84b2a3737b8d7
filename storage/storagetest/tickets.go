package storagetest

import (
	"cmp"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var tickets = []check{
	{"are spent once", "TakeTicket spends the ticket", ticketOnce},
	{"are bound", "a ticket presented with another binding is refused, and spent", ticketBound},
	{"are not invented", "TakeTicket is false when there is no such ticket", ticketUnknown},
	{"expire", "what expires at t is dead when it is t, and alive a millisecond before", ticketExpires},
	{"have one taker", "of parallel calls of TakeTicket at most one is told true", ticketOneTaker},
	{"are not shared", "slices passed in are not kept", ticketAliases},
}

func ticket(name any, life time.Duration) storage.Ticket {
	return storage.Ticket{ID: key("ticket", name), Binding: key("owner", name), ExpiresAt: at(life)}
}

func ticketOnce(ctx context.Context, s storage.Store) error {
	t, other := ticket(1, minute), ticket(2, minute)
	return cmp.Or(
		s.PutTicket(ctx, t),
		s.PutTicket(ctx, other),
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(true),
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(false),
		value(s.TakeTicket(ctx, other.ID, other.Binding, start)).is(true),
	)
}

func ticketBound(ctx context.Context, s storage.Store) error {
	t, other := ticket(1, minute), ticket(2, minute)
	return cmp.Or(
		s.PutTicket(ctx, t),
		s.PutTicket(ctx, other),
		value(s.TakeTicket(ctx, t.ID, other.Binding, start)).is(false),
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(false),
		value(s.TakeTicket(ctx, other.ID, nil, start)).is(false),
		value(s.TakeTicket(ctx, other.ID, other.Binding, start)).is(false),
	)
}

func ticketUnknown(ctx context.Context, s storage.Store) error {
	t := ticket(1, minute)
	return cmp.Or(
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(false),
		s.PutTicket(ctx, t),
		value(s.TakeTicket(ctx, key("another"), t.Binding, start)).is(false),
		value(s.TakeTicket(ctx, nil, t.Binding, start)).is(false),
		value(s.TakeTicket(ctx, t.ID, t.Binding, start)).is(true),
	)
}

func ticketExpires(ctx context.Context, s storage.Store) error {
	a, b := ticket("a", minute), ticket("b", minute)
	return cmp.Or(
		s.PutTicket(ctx, a),
		s.PutTicket(ctx, b),
		value(s.TakeTicket(ctx, a.ID, a.Binding, at(minute-tick))).is(true),
		value(s.TakeTicket(ctx, b.ID, b.Binding, at(minute))).is(false),
	)
}

func ticketOneTaker(ctx context.Context, s storage.Store) error {
	return repeat(5, func(round int) error {
		var taken counter
		t := ticket(round, minute)
		return cmp.Or(
			s.PutTicket(ctx, t),
			parallel(8, func(int) error {
				ok, err := s.TakeTicket(ctx, t.ID, t.Binding, start)
				return taken.count(ok, err)
			}),
			taken.is(1),
		)
	})
}

func ticketAliases(ctx context.Context, s storage.Store) error {
	t, want := ticket(1, minute), ticket(1, minute)
	if err := s.PutTicket(ctx, t); err != nil {
		return err
	}
	scribble(t.ID, t.Binding)
	return value(s.TakeTicket(ctx, want.ID, want.Binding, start)).is(true)
}
