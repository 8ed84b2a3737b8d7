package storagetest

import (
	"context"
	"errors"
	"time"

	"example.com/mailkey/storage"
)

// deleting is what DeleteUser does.
type deleting func(ctx context.Context, id string, leave storage.LeftAddress) (bool, error)

func deletes(change func(s *tampered, del deleting) deleting) func(*tampered) {
	return func(s *tampered) { s.deleteUser = change(s, s.deleteUser) }
}

var brokenAddressRaces = []broken{
	{"looks whether an address is free before it gives it", by("address races/give an address to one user"), func(s *tampered) {
		change, meet := s.changeEmail, meeting()
		tries(func(*guessing) { meet() })(s)
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			_, taken, _ := s.UserByEmail(ctx, email)
			meet()
			ok, err := change(ctx, id, email, mailTo, leave)
			if errors.Is(err, storage.ErrConflict) && !taken {
				return true, nil
			}
			return ok, err
		}
	}},
	{"reads an address before it leaves it", by("address races/count while it is left"), func(s *tampered) {
		leaving, guesses := s.tallies(), s.tallies()
		tries(func(g *guessing) {
			guesses.add(nil, 1)
			patient(func() bool { return leaving.get(nil) > 0 })
			if leaving.get(nil) > 0 && !g.Right {
				g.Address = key("lost")
			}
		})(s)
		change := s.changeEmail
		s.changeEmail = func(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
			leaving.set(nil, 1)
			defer leaving.set(nil, 0)
			before := guesses.get(nil)
			patient(func() bool { return guesses.get(nil) > before })
			return change(ctx, id, email, mailTo, leave)
		}
	}},
	{"reads an address before it is left", by("address races/ask while it is left"), func(s *tampered) {
		meet, before := meeting(), make(map[string]string) // who would log in to each binding
		asks(func(a *asking) {
			u, _, _ := s.UserByEmail(context.Background(), a.r.MailTo[len("To."):])
			meet()
			s.locked(func() { before[string(a.r.Binding)] = u.ID })
		})(s)
		deletes(func(_ *tampered, del deleting) deleting {
			return func(ctx context.Context, id string, leave storage.LeftAddress) (bool, error) {
				meet()
				return del(ctx, id, leave)
			}
		})(s)
		finds(func(*[]byte, *time.Time) {}, func(c *storage.Challenge) {
			s.locked(func() { c.UserID = before[string(c.Binding)] })
		})(s)
	}},
	{"looks for a user before it deletes it", by("address races/delete once"), deletes(func(s *tampered, del deleting) deleting {
		meet := meeting()
		return func(ctx context.Context, id string, leave storage.LeftAddress) (bool, error) {
			_, ok, _ := s.UserByID(ctx, id)
			meet()
			_, err := del(ctx, id, leave)
			return ok, err
		}
	})},
}
