package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

type modelSession struct {
	storage.Session
	ended     bool
	previous  string // token hash
	rotatedAt time.Time
}

func (m *model) user(is func(*storage.User) bool) *storage.User {
	if i := slices.IndexFunc(m.users, is); i >= 0 {
		return m.users[i]
	}
	return nil
}

func (m *model) byID(id string) *storage.User {
	return m.user(func(u *storage.User) bool { return u.ID == id })
}

func (m *model) byEmail(email string) *storage.User {
	return m.user(func(u *storage.User) bool { return u.Email == email })
}

// live returns the sessions that are alive, the newest first.
func (m *model) live(is func(*modelSession) bool, now time.Time) (list []*modelSession) {
	for _, s := range m.sessions {
		if !s.ended && now.Before(s.ExpiresAt) && is(s) {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *modelSession) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (m *model) session(token string, now time.Time) *modelSession {
	list := m.live(func(s *modelSession) bool { return s.TokenHash == token }, now)
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (m *model) tokenTaken(token string) bool {
	return slices.ContainsFunc(m.sessions, func(s *modelSession) bool { return s.TokenHash == token })
}

func (m *model) logIn(g storage.Guess, newUserID string, now time.Time) (done storage.Redeemed, err error) {
	u, id := m.byEmail(g.Email), g.Session.UserID
	switch {
	case g.Refuse:
		return storage.Redeemed{Result: storage.GuessRefused}, nil
	case u == nil && !g.Register:
		return storage.Redeemed{Result: storage.GuessNoUser}, nil
	case u == nil && (id != newUserID || m.byID(id) != nil), u != nil && u.ID != id:
		return done, storage.ErrConflict
	case u != nil && !u.DisabledAt.IsZero():
		return storage.Redeemed{Result: storage.GuessDisabled}, nil
	case m.tokenTaken(g.Session.TokenHash):
		return done, storage.ErrConflict
	}
	if u == nil {
		u = &storage.User{ID: id, Email: g.Email, MailTo: g.MailTo, CreatedAt: now}
		m.users = append(m.users, u)
		done.NewUser = true
	}
	u.LastLoginAt = now
	if s := g.Session; s.TokenHash != "" {
		here := m.live(func(o *modelSession) bool { return o.UserID == id && o.ClientID == s.ClientID }, now)
		for _, old := range here[min(len(here), max(0, g.MaxSessions-1)):] {
			old.ended = true
		}
		s.CreatedAt, s.LastSeenAt, s.ExpiresAt = stored(s.CreatedAt), stored(s.LastSeenAt), stored(s.ExpiresAt)
		m.sessions = append(m.sessions, &modelSession{Session: s})
	}
	done.Result, done.User = storage.GuessLoggedIn, *u
	return done, nil
}

func foundUser(u *storage.User) (storage.User, bool, error) {
	if u == nil {
		return storage.User{}, false, nil
	}
	return *u, true, nil
}

func (m *model) UserByID(_ context.Context, id string) (storage.User, bool, error) {
	return foundUser(m.byID(id))
}

func (m *model) UserByEmail(_ context.Context, email string) (storage.User, bool, error) {
	return foundUser(m.byEmail(email))
}

func (m *model) SetUserDisabled(_ context.Context, id string, at time.Time) (bool, error) {
	u := m.byID(id)
	if u == nil {
		return false, nil
	}
	u.DisabledAt = stored(at)
	u.Generation++
	for _, s := range m.sessions {
		s.ended = s.ended || s.UserID == id && !at.IsZero()
	}
	return true, nil
}

func (m *model) ListUsers(_ context.Context, after string, limit int) (list []storage.User, err error) {
	for _, u := range m.users {
		if u.ID > after {
			list = append(list, *u)
		}
	}
	slices.SortFunc(list, func(a, b storage.User) int { return cmp.Compare(a.ID, b.ID) })
	return list[:min(limit, len(list))], nil
}

// leave makes the address nobody's.
func (m *model) leave(leave storage.LeftAddress) {
	for d := range m.devices {
		if d[0] == string(leave.Address) {
			delete(m.devices, d)
		}
	}
	m.challenges = slices.DeleteFunc(m.challenges, func(c *modelChallenge) bool { return bytes.Equal(c.address, leave.Address) })
	if a := m.addresses[string(leave.Address)]; a != nil && a.UserID != "" { // it was heard of
		a.UserID = leave.NextUserID
	}
}

func (m *model) ChangeEmail(_ context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
	u := m.byID(id)
	if u == nil {
		return false, nil
	}
	if other := m.byEmail(email); other != nil && other != u {
		return false, storage.ErrConflict
	}
	u.Email, u.MailTo = email, mailTo
	m.leave(leave)
	return true, nil
}

func (m *model) DeleteUser(_ context.Context, id string, leave storage.LeftAddress) (bool, error) {
	u := m.byID(id)
	if u == nil {
		return false, nil
	}
	m.users = slices.DeleteFunc(m.users, func(other *storage.User) bool { return other == u })
	m.sessions = slices.DeleteFunc(m.sessions, func(s *modelSession) bool { return s.UserID == id })
	m.leave(leave)
	return true, nil
}

func (m *model) FindSession(_ context.Context, token string, now time.Time) (found storage.LiveSession, ok bool, err error) {
	s := m.session(token, now)
	if s == nil || !m.byID(s.UserID).DisabledAt.IsZero() {
		return found, false, nil
	}
	return live(s.Session, *m.byID(s.UserID)), true, nil
}

func (m *model) SaveSessionData(_ context.Context, token string, data []byte, now time.Time) (bool, error) {
	s := m.session(token, now)
	if s == nil {
		return false, nil
	}
	s.Data = data
	return true, nil
}

func (m *model) EndSession(_ context.Context, token string, now time.Time) (bool, error) {
	s := m.session(token, now)
	if s == nil {
		return false, nil
	}
	s.ended = true
	return true, nil
}

func (m *model) EndSessions(_ context.Context, which storage.SessionFilter, now time.Time) (int, error) {
	list := m.live(func(s *modelSession) bool {
		return (which.UserID == "" || which.UserID == s.UserID) && (which.ID == "" || which.ID == s.ID) && which.ExceptID != s.ID
	}, now)
	for _, s := range list {
		s.ended = true
	}
	return len(list), nil
}

func (m *model) ListSessions(_ context.Context, userID string, now time.Time) (list []storage.Session, err error) {
	for _, s := range m.live(func(s *modelSession) bool { return s.UserID == userID }, now) {
		list = append(list, s.Session)
	}
	return list, nil
}

func (m *model) TouchSession(_ context.Context, token string, now time.Time) error {
	if s := m.session(token, now); s != nil && s.LastSeenAt.Before(stored(now)) {
		s.LastSeenAt = stored(now)
	}
	return nil
}

func (m *model) RotateSession(_ context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
	if s := m.session(old, now); s != nil {
		if m.tokenTaken(next) {
			return false, storage.ErrConflict
		}
		s.TokenHash, s.previous, s.rotatedAt = next, old, stored(now)
		return true, nil
	}
	s := m.session(next, now)
	return s != nil && s.previous == old && s.rotatedAt.Add(grace).After(stored(now)), nil
}
