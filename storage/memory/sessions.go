package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// session stays until it would have expired, so that one that was ended cannot
// be made again.
type session struct {
	storage.Session
	ended        bool
	previousHash string // the token before this one, and
	rotatedAt    time.Time
}

// liveSession returns the session with the token hash if it is live, else nil.
func (s *Store) liveSession(tokenHash string, now time.Time) *session {
	row := s.sessions[tokenHash]
	if row == nil || row.ended || past(row.ExpiresAt, now) {
		return nil
	}
	return row
}

// logIn stores the session of a right guess, and its user if there was none.
func (s *Store) logIn(u *storage.User, g storage.Guess, now time.Time) (newUser bool) {
	newUser = s.users[u.ID] == nil
	s.users[u.ID], s.usersByEmail[u.Email] = u, u
	u.LastLoginAt = now

	if g.Session.TokenHash == "" {
		return newUser
	}
	row := &session{Session: g.Session}
	row.Data = bytes.Clone(row.Data)
	row.CreatedAt, row.LastSeenAt, row.ExpiresAt = ms(row.CreatedAt), ms(row.LastSeenAt), ms(row.ExpiresAt)

	var others []*session // live ones at this client
	for _, o := range s.sessionsByUser[u.ID] {
		if o.ClientID == row.ClientID && s.liveSession(o.TokenHash, now) != nil {
			others = append(others, o)
		}
	}
	slices.SortStableFunc(others, func(a, b *session) int { return a.CreatedAt.Compare(b.CreatedAt) })
	room := max(0, g.MaxSessions-1)
	for _, old := range others[:max(0, len(others)-room)] {
		old.ended = true
	}

	s.sessions[row.TokenHash] = row
	s.sessionsByUser[u.ID] = append(s.sessionsByUser[u.ID], row)
	return newUser
}

// FindSession implements [storage.Sessions].
func (s *Store) FindSession(ctx context.Context, tokenHash string, now time.Time) (found storage.LiveSession, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return found, false, err
	}
	defer s.mu.Unlock()

	row := s.liveSession(tokenHash, now)
	if row == nil || !s.users[row.UserID].DisabledAt.IsZero() {
		return found, false, nil
	}
	return storage.LiveSession{
		TokenHash: row.TokenHash, ID: row.ID, UserID: row.UserID, Email: s.users[row.UserID].Email, ClientID: row.ClientID,
		Data: bytes.Clone(row.Data), CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt, ExpiresAt: row.ExpiresAt,
	}, true, nil
}

// SaveSessionData implements [storage.Sessions].
func (s *Store) SaveSessionData(ctx context.Context, tokenHash string, data []byte, now time.Time) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	row := s.liveSession(tokenHash, now)
	if row == nil {
		return false, nil
	}
	row.Data = bytes.Clone(data)
	return true, nil
}

// EndSession implements [storage.Sessions].
func (s *Store) EndSession(ctx context.Context, tokenHash string, now time.Time) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	row := s.liveSession(tokenHash, now)
	if row == nil {
		return false, nil
	}
	row.ended = true
	return true, nil
}

// EndSessions implements [storage.Sessions].
func (s *Store) EndSessions(ctx context.Context, which storage.SessionFilter, now time.Time) (n int, err error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()

	for hash, row := range s.sessions {
		if s.liveSession(hash, now) != nil && row.ID != which.ExceptID &&
			(which.UserID == "" || which.UserID == row.UserID) && (which.ID == "" || which.ID == row.ID) {
			row.ended = true
			n++
		}
	}
	return n, nil
}

// ListSessions implements [storage.Sessions].
func (s *Store) ListSessions(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	list := []storage.Session{}
	for _, row := range s.sessionsByUser[userID] {
		if s.liveSession(row.TokenHash, now) != nil {
			found := row.Session
			found.Data = bytes.Clone(found.Data)
			list = append(list, found)
		}
	}
	slices.SortFunc(list, func(a, b storage.Session) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// TouchSession implements [storage.Sessions].
func (s *Store) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()

	if row := s.liveSession(tokenHash, now); row != nil && row.LastSeenAt.Before(ms(now)) {
		row.LastSeenAt = ms(now)
	}
	return nil
}

// RotateSession implements [storage.Sessions].
func (s *Store) RotateSession(ctx context.Context, old, next string, grace time.Duration, now time.Time) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	if row := s.liveSession(old, now); row != nil {
		if s.sessions[next] != nil {
			return false, fmt.Errorf("rotate: a second session with one token: %w", storage.ErrConflict)
		}
		delete(s.sessions, old)
		row.TokenHash, row.previousHash, row.rotatedAt = next, old, ms(now)
		s.sessions[next] = row
		return true, nil
	}
	row := s.liveSession(next, now)
	return row != nil && row.previousHash == old && row.rotatedAt.After(ms(now.Add(-grace))), nil
}
