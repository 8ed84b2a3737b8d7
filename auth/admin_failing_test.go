package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// Faults of the store are told with what was being done, not as one of the
// errors that callers match.
func TestAdminOfAFailingStore(t *testing.T) {
	t.Parallel()
	down := errors.New("the disk is gone")
	a := newAuth(t, func(c *auth.Config) { c.Store = &downStore{c.Store, down} })
	_, byID := a.User(t.Context(), "x")
	_, users := a.Users(t.Context(), "", 1)
	_, sessions := a.Sessions(t.Context(), "x")
	for name, err := range map[string]error{
		"User": byID, "Users": users, "Sessions": sessions, "DisableUser": a.DisableUser(t.Context(), "x"), "DeleteUser": a.DeleteUser(t.Context(), "x"),
		"ChangeEmail": a.ChangeEmail(t.Context(), "x", "a@b.example"), "RevokeSessions": a.RevokeSessions(t.Context(), "x"),
	} {
		if !errors.Is(err, down) || errors.Is(err, auth.ErrUnknownUser) || !strings.HasSuffix(err.Error(), ": the disk is gone") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// downStore answers nothing about users and sessions.
type downStore struct {
	storage.Store
	err error
}

func (s *downStore) UserByID(context.Context, string) (storage.User, bool, error) {
	return storage.User{}, false, s.err
}

func (s *downStore) ListUsers(context.Context, string, int) ([]storage.User, error) {
	return nil, s.err
}

func (s *downStore) SetUserDisabled(context.Context, string, time.Time) (bool, error) {
	return false, s.err
}

func (s *downStore) ListSessions(context.Context, string, time.Time) ([]storage.Session, error) {
	return nil, s.err
}

func (s *downStore) EndSessions(context.Context, storage.SessionFilter, time.Time) (int, error) {
	return 0, s.err
}
