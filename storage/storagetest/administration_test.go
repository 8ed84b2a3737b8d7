package storagetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

// lists changes what ListSessions answers.
func lists(change func(list []storage.Session) []storage.Session) func(*tampered) {
	return func(s *tampered) {
		list := s.listSessions
		s.listSessions = func(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
			found, err := list(ctx, userID, now)
			return change(found), err
		}
	}
}

// ends changes which sessions EndSessions ends.
func ends(change func(which *storage.SessionFilter, now *time.Time)) func(*tampered) {
	return func(s *tampered) {
		end := s.endSessions
		s.endSessions = func(ctx context.Context, which storage.SessionFilter, now time.Time) (int, error) {
			change(&which, &now)
			return end(ctx, which, now)
		}
	}
}

// leaves changes how an address is left.
func leaves(change func(*storage.LeftAddress)) func(*tampered) {
	return func(s *tampered) {
		changeEmail, deleteUser := s.changeEmail, s.deleteUser
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			change(&leave)
			return changeEmail(ctx, id, email, mailTo, leave)
		}
		s.deleteUser = func(ctx context.Context, id string, leave storage.LeftAddress) (bool, error) {
			change(&leave)
			return deleteUser(ctx, id, leave)
		}
	}
}

var brokenAdministration = []broken{
	{"lists the oldest session first", by("administration/lists the user's sessions"), lists(func(list []storage.Session) []storage.Session {
		slices.Reverse(list)
		return list
	})},
	{"lists no data", by("administration/lists the user's sessions"), lists(func(list []storage.Session) []storage.Session {
		for i := range list {
			list[i].Data = nil
		}
		return list
	})},
	{"lists sessions that expired", by("administration/lists the user's sessions"), func(s *tampered) {
		list := s.listSessions
		s.listSessions = func(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
			return list(ctx, userID, now.Add(-tick))
		}
	}},
	{"ends another user's session", by("administration/ends the sessions that it names"), ends(func(which *storage.SessionFilter, _ *time.Time) {
		if which.ID != "" {
			which.UserID = ""
		}
	})},
	{"ends all sessions of the user", by("administration/ends the sessions that it names"), ends(func(which *storage.SessionFilter, _ *time.Time) { which.ExceptID = "" })},
	{"ends sessions that expired", by("administration/ends the sessions that it names"), ends(func(_ *storage.SessionFilter, now *time.Time) { *now = now.Add(-tick) })},
	{"ends nobody's sessions", by("administration/ends the sessions that it names"), ends(func(which *storage.SessionFilter, _ *time.Time) {
		if which.UserID == "" {
			which.UserID = "nobody"
		}
	})},
	{"lists users without regard to case", by("administration/lists users"), func(s *tampered) {
		list := s.listUsers
		s.listUsers = func(ctx context.Context, after string, limit int) ([]storage.User, error) {
			users, err := list(ctx, after, everything)
			slices.SortFunc(users, func(a, b storage.User) int {
				return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
			})
			return users[:min(limit, len(users))], err
		}
	}},
	{"lists the last user again", by("administration/lists users"), func(s *tampered) {
		list := s.listUsers
		s.listUsers = func(ctx context.Context, after string, limit int) ([]storage.User, error) {
			if after != "" {
				after = after[:len(after)-1]
			}
			return list(ctx, after, limit)
		}
	}},
	{"leaves the address that is only respelt", by("administration/respells an address"), leaves(func(leave *storage.LeftAddress) {
		if len(leave.Address) == 0 {
			leave.Address = anna.address()
		}
	})},
	{"ends sessions when the address changes", by("administration/changes an address"), func(s *tampered) {
		change := s.changeEmail
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			_, _ = s.EndSessions(ctx, storage.SessionFilter{UserID: id}, start)
			return change(ctx, id, email, mailTo, leave)
		}
	}},
	{"refuses an address that is taken with a value", by("administration/gives nobody another's address"), func(s *tampered) {
		change := s.changeEmail
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			ok, err := change(ctx, id, email, mailTo, leave)
			if errors.Is(err, storage.ErrConflict) {
				err = nil
			}
			return ok, err
		}
	}},
	{"leaves the address before the new one is known to be free", by("administration/gives nobody another's address"), func(s *tampered) {
		change := s.changeEmail
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			_, _ = change(ctx, id, "free@example.com", "", leave)
			return change(ctx, id, email, mailTo, leave)
		}
	}},
	{"only disables a user that is deleted", by("administration/deletes users"), func(s *tampered) {
		s.deleteUser = func(ctx context.Context, id string, _ storage.LeftAddress) (bool, error) {
			return s.SetUserDisabled(ctx, id, start)
		}
	}},
	{"knows devices at an address that was left", by("administration/frees an address that was left"), leaves(func(leave *storage.LeftAddress) {
		leave.Address = key("another")
	})},
	{"gives an address that was left its user's id", by("administration/frees an address that was left"), leaves(func(leave *storage.LeftAddress) {
		leave.NextUserID = anna.userID()
	})},
	{"looks for the user before the login", by("administration/deletes users who log in"), func(s *tampered) {
		meet := meeting()
		lives := s.tallies()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			_, ok, _ := s.UserByEmail(context.Background(), g.Email)
			if meet(); ok {
				lives.set([]byte(g.Session.TokenHash), 1)
			}
			return try(g)
		})(s)
		find := s.findSession
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			return found, ok || lives.get([]byte(hash)) > 0, err
		}
	}},
}
