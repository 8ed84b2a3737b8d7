package storagetest

import (
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

func (w *walk) user() call {
	email := w.somebody().email
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, ok, err := s.UserByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		same, found, err := s.UserByID(ctx, u.ID)
		return []any{u, ok, same, found}, err
	}
}

func (w *walk) setUserDisabled() call {
	email, when := w.somebody().email, time.Time{}
	if w.IntN(4) == 0 {
		when = at(w.now)
	}
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, _, err := s.UserByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		return s.SetUserDisabled(ctx, u.ID, when)
	}
}

func (w *walk) findSession() call {
	token, now := recent(w, w.tokens), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		found, ok, err := s.FindSession(ctx, token, now)
		return []any{found, ok}, err
	}
}

func (w *walk) saveSessionData() call {
	token, now, data := recent(w, w.tokens), at(w.now), key(w.step)
	return func(ctx context.Context, s storage.Store) (any, error) {
		return s.SaveSessionData(ctx, token, data, now)
	}
}

func (w *walk) endSession() call {
	token, now := recent(w, w.tokens), at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) { return s.EndSession(ctx, token, now) }
}

// endSessions ends one session of a user, or all but one.
func (w *walk) endSessions() call {
	email, but, now := w.somebody().email, w.IntN(2) == 0, at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, _, err := s.UserByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		list, err := s.ListSessions(ctx, u.ID, now)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		which := storage.SessionFilter{UserID: u.ID, ID: list[0].ID}
		if but {
			which = storage.SessionFilter{UserID: u.ID, ExceptID: list[0].ID}
		}
		return s.EndSessions(ctx, which, now)
	}
}

func (w *walk) listSessions() call {
	email, now := w.somebody().email, at(w.now)
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, _, err := s.UserByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		return s.ListSessions(ctx, u.ID, now)
	}
}

func (w *walk) touchSession() call {
	token, now := recent(w, w.tokens), at(w.now-pick(w, 0, 5*second))
	return func(ctx context.Context, s storage.Store) (any, error) { return nil, s.TouchSession(ctx, token, now) }
}

// rotateSession gives a session a token that there was not before, or the one
// that was meant for another rotation.
func (w *walk) rotateSession() call {
	old, next, now := recent(w, w.tokens), recent(w, w.tokens), at(w.now)
	if next == old || w.IntN(3) > 0 {
		next = fmt.Sprint("token ", w.step)
		w.tokens = append(w.tokens, next)
	}
	return func(ctx context.Context, s storage.Store) (any, error) {
		return s.RotateSession(ctx, old, next, shortLease, now)
	}
}

func (w *walk) listUsers() call {
	after, limit := fmt.Sprint("user ", w.IntN(w.step+1)), 1+w.IntN(4)
	return func(ctx context.Context, s storage.Store) (any, error) { return s.ListUsers(ctx, after, limit) }
}

func (w *walk) changeEmail() call {
	from, to, next := w.somebody(), w.somebody().email, fmt.Sprint("user ", w.step)
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, _, err := s.UserByEmail(ctx, from.email)
		if err != nil {
			return nil, err
		}
		return s.ChangeEmail(ctx, u.ID, to, to, storage.LeftAddress{Address: from.address(), NextUserID: next})
	}
}

func (w *walk) deleteUser() call {
	v, next := w.somebody(), fmt.Sprint("user ", w.step)
	return func(ctx context.Context, s storage.Store) (any, error) {
		u, _, err := s.UserByEmail(ctx, v.email)
		if err != nil {
			return nil, err
		}
		return s.DeleteUser(ctx, u.ID, storage.LeftAddress{Address: v.address(), NextUserID: next})
	}
}
