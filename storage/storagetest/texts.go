package storagetest

import (
	"cmp"
	"context"
	"errors"

	"example.com/mailkey/storage"
)

var texts = []check{
	{"are kept whole or refused", "a text that a store cannot keep is an error, neither ErrBusy nor ErrConflict, that changes nothing", textsKept},
	{"find nobody", "a text that a store cannot keep finds nothing", textsFound},
}

// strange are texts that not every database takes.
var strange = []string{"a\x00b", "a\xffb", "\xed\xa0\x80"}

// refused checks the error for a text that the store cannot keep.
func refused(err error) error {
	if errors.Is(err, storage.ErrBusy) || errors.Is(err, storage.ErrConflict) {
		return errors.Join(errors.New("trying again, or another text, would not help"), err)
	}
	return nil
}

func textsKept(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	return repeat(len(strange), func(i int) error {
		v := nth(i)
		g := v.guess(true, 0)
		g.Session.Agent = strange[i]
		if err := w.asks(v); err != nil {
			return err
		}
		if _, err := s.Redeem(ctx, g, w.limits, start); err != nil {
			return cmp.Or(
				refused(err),
				lookup(s.UserByEmail(ctx, v.email)).none(),
				w.right(v, 0, storage.GuessLoggedIn),
			)
		}
		return value(s.ListSessions(ctx, v.userID(), start)).is([]storage.Session{g.Session})
	})
}

func textsFound(ctx context.Context, s storage.Store) error {
	w := play(ctx, s)
	v := visitor{email: "a"}
	if err := w.logsIn(v); err != nil {
		return err
	}
	return repeat(len(strange), func(i int) error {
		_, byEmail, err := s.UserByEmail(ctx, strange[i])
		_, byID, errID := s.UserByID(ctx, v.userID()+strange[i][1:])
		return cmp.Or(
			refused(err),
			refused(errID),
			value(byEmail, nil).is(false),
			value(byID, nil).is(false),
		)
	})
}
