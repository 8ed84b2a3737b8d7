package memory

import (
	"context"
	"time"

	"example.com/mailkey/storage"
)

// UserByID implements [storage.Users].
func (s *Store) UserByID(ctx context.Context, id string) (u storage.User, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return u, false, err
	}
	defer s.mu.Unlock()
	return found(s.users[id])
}

// UserByEmail implements [storage.Users].
func (s *Store) UserByEmail(ctx context.Context, email string) (u storage.User, ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return u, false, err
	}
	defer s.mu.Unlock()
	return found(s.usersByEmail[email])
}

func found(u *storage.User) (storage.User, bool, error) {
	if u == nil {
		return storage.User{}, false, nil
	}
	return *u, true, nil
}

// SetUserDisabled implements [storage.Users].
func (s *Store) SetUserDisabled(ctx context.Context, id string, at time.Time) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	u := s.users[id]
	if u == nil {
		return false, nil
	}
	u.DisabledAt = ms(at)
	if !at.IsZero() {
		for _, row := range s.sessionsByUser[id] {
			row.ended = true
		}
	}
	return true, nil
}
