package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	u.Generation++
	if !at.IsZero() {
		for _, row := range s.sessionsByUser[id] {
			row.ended = true
		}
	}
	return true, nil
}

// ListUsers implements [storage.Users].
func (s *Store) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	list := []storage.User{}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		if id > after && len(list) < limit {
			list = append(list, *s.users[id])
		}
	}
	return list, nil
}

// ChangeEmail implements [storage.Users].
func (s *Store) ChangeEmail(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	u := s.users[id]
	if u == nil {
		return false, nil
	}
	if other := s.usersByEmail[email]; other != nil && other != u {
		return false, fmt.Errorf("change the address: another user has it: %w", storage.ErrConflict)
	}
	delete(s.usersByEmail, u.Email)
	u.Email, u.MailTo = email, mailTo
	s.usersByEmail[email] = u
	s.leaveAddress(leave)
	return true, nil
}

// DeleteUser implements [storage.Users].
func (s *Store) DeleteUser(ctx context.Context, id string, leave storage.LeftAddress) (ok bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()

	u := s.users[id]
	if u == nil {
		return false, nil
	}
	for _, row := range s.sessionsByUser[id] {
		delete(s.sessions, row.TokenHash)
	}
	delete(s.sessionsByUser, id)
	delete(s.usersByEmail, u.Email)
	delete(s.users, id)
	s.leaveAddress(leave)
	return true, nil
}
