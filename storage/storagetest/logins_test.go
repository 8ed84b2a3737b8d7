package storagetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

var brokenLogins = []broken{
	{"takes new users for old ones", by("logins/create the user", "logins/make one user"), changes(func(_ guessing, done *storage.Redeemed) { done.NewUser = false })},
	{"does not note when the login was", by("logins/find the user"), changes(func(_ guessing, done *storage.Redeemed) { done.User.LastLoginAt = done.User.CreatedAt })},
	{"cuts long agents", by("logins/store the session whole"), tries(func(g *guessing) { g.Session.Agent = g.Session.Agent[:min(255, len(g.Session.Agent))] })},
	{"takes the zero time for a time", by("logins/store the session whole"), tries(func(g *guessing) {
		if g.Session.LastSeenAt.IsZero() {
			g.Session.LastSeenAt = time.UnixMilli(0)
		}
	})},
	{"folds addresses", by("logins/do not fold addresses"), func(s *tampered) {
		find := s.userByEmail
		s.userByEmail = func(ctx context.Context, email string) (storage.User, bool, error) {
			return find(ctx, strings.ToLower(email))
		}
		tries(func(g *guessing) { g.Email = strings.ToLower(g.Email) })(s)
	}},
	{"lets in who is refused", by("refusals/spend the code"), tries(func(g *guessing) { g.Refuse = false })},
	{"keeps the code of who is refused", by("refusals/spend the code"), judges(func(g guessing, try try) (storage.Redeemed, error) {
		if g.Right && g.Refuse {
			return storage.Redeemed{Result: storage.GuessRefused}, nil
		}
		return try(g)
	})},
	{"registers everybody", by("refusals/of nobody spend the code"), tries(func(g *guessing) { g.Register = true })},
	{"keeps the code of nobody", by("refusals/of nobody spend the code"), func(s *tampered) {
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			if _, ok, _ := s.UserByEmail(context.Background(), g.Email); g.Right && !ok && !g.Register {
				return storage.Redeemed{Result: storage.GuessNoUser}, nil
			}
			return try(g)
		})(s)
	}},
	{"lets in nobody without registration", by("refusals/are not for those who registered"), judges(func(g guessing, try try) (storage.Redeemed, error) {
		if g.Right && !g.Register {
			return storage.Redeemed{Result: storage.GuessNoUser}, nil
		}
		return try(g)
	})},
	{"lets in disabled users", by("refusals/of disabled users spend the code"), func(s *tampered) {
		tries(func(g *guessing) { _, _ = s.SetUserDisabled(context.Background(), g.Session.UserID, time.Time{}) })(s)
	}},
	{"keeps the code of a disabled user", by("refusals/of disabled users spend the code"), func(s *tampered) {
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			u, _, _ := s.UserByEmail(context.Background(), g.Email)
			if g.Right && !u.DisabledAt.IsZero() {
				return storage.Redeemed{Result: storage.GuessDisabled}, nil
			}
			return try(g)
		})(s)
	}},
	{"lets in whom it finds", by("refusals/of another user change nothing", "refusals/of another new user change nothing"), func(s *tampered) {
		tries(func(g *guessing) {
			c, _ := s.living(g.Binding, g.l, g.now)
			if g.Session.UserID = c.UserID; c.UserID == "" {
				g.Session.UserID = "user of " + g.Email
			}
		})(s)
	}},
	{"spends the code of a login that failed", by(
		"refusals/of another user change nothing",
		"refusals/of another new user change nothing",
		"refusals/of a session change nothing",
	), judges(func(g guessing, try try) (storage.Redeemed, error) {
		done, err := try(g)
		if g.Refuse = true; err != nil {
			_, _ = try(g)
		}
		return done, err
	})},
	{"creates the user of a login that failed", by("refusals/of a session change nothing"), judges(func(g guessing, try try) (storage.Redeemed, error) {
		done, err := try(g)
		if err != nil {
			g.Session.TokenHash += "'"
			_, _ = try(g)
		}
		return done, err
	})},
	{"looks for the user before it creates one", by("logins/make one user"), func(s *tampered) {
		meet := meeting()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			_, ok, _ := s.UserByEmail(context.Background(), g.Email)
			meet()
			done, err := try(g)
			done.NewUser = !ok
			return done, err
		})(s)
	}},
	{"leaves a session too many", by("session limits/end the oldest", "session limits/hold when logging in at once"), tries(func(g *guessing) { g.MaxSessions++ })},
	{"ends a session too many", by("session limits/end the oldest", "session limits/count live ones"), tries(func(g *guessing) { g.MaxSessions-- })},
	{"counts the sessions of all clients", by("session limits/end the oldest"), tries(func(g *guessing) { g.Session.ClientID = "" })},
	{"counts sessions that ended", by("session limits/count live ones"), func(s *tampered) {
		end, ended := s.endSession, 0
		s.endSession = func(ctx context.Context, hash string, now time.Time) (bool, error) {
			ended++
			return end(ctx, hash, now)
		}
		tries(func(g *guessing) { g.MaxSessions -= ended })(s)
	}},
	{"counts sessions before it logs in", by("session limits/hold when logging in at once"), func(s *tampered) {
		var live []string
		meet := meeting()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			var before []string
			s.locked(func() { before = slices.Clone(live) })
			meet()
			for _, hash := range before[:max(0, len(before)+1-g.MaxSessions)] {
				_, _ = s.EndSession(context.Background(), hash, g.now)
			}
			s.locked(func() { live = append(live, g.Session.TokenHash) })
			g.MaxSessions = everything
			return try(g)
		})(s)
	}},
	{"shares a session's data", by("logins/share no slices", "sessions/are not shared"), func(s *tampered) {
		data := make(map[string][]byte)
		save, find := s.saveSessionData, s.findSession
		tries(func(g *guessing) { s.locked(func() { data[g.Session.TokenHash] = g.Session.Data }) })(s)
		s.saveSessionData = func(ctx context.Context, hash string, d []byte, now time.Time) (bool, error) {
			s.locked(func() { data[hash] = d })
			return save(ctx, hash, d, now)
		}
		s.findSession = func(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
			found, ok, err := find(ctx, hash, now)
			s.locked(func() { found.Data = data[hash] })
			return found, ok, err
		}
	}},
}

// changes changes what Redeem answers.
func changes(change func(guessing, *storage.Redeemed)) func(*tampered) {
	return judges(func(g guessing, try try) (storage.Redeemed, error) {
		done, err := try(g)
		change(g, &done)
		return done, err
	})
}
