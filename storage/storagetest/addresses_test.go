package storagetest

import (
	"bytes"
	"context"
	"time"

	"example.com/mailkey/storage"
)

var brokenAddresses = []broken{
	{"allows a mail a millisecond early", by("addresses/rest between mails"), asks(func(a *asking) { a.l.Cooldown -= tick })},
	{"does not say when to ask again", by("addresses/rest between mails"), answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		done, err := ask(a)
		done.NextIn = 0
		return done, err
	})},
	{"mails although a limit refuses", by("addresses/are not changed by a refusal"), answers(func(a asking, ask ask) (storage.CodeRequested, error) {
		done, err := ask(a)
		if a.l = roomy; done.Wait > 0 {
			_, err = ask(a)
		}
		return done, err
	})},
	{"allows a mail an hour too many", by("addresses/get mails by the hour"), asks(func(a *asking) { a.l.PerHour++ })},
	{"keeps no hourly reserve", by("addresses/get mails by the hour"), asks(func(a *asking) { a.l.StrangersPerHour = a.l.PerHour })},
	{"allows a mail a day too many", by("addresses/get mails by the day"), asks(func(a *asking) { a.l.PerDay++ })},
	{"keeps no daily reserve", by("addresses/get mails by the day"), asks(func(a *asking) { a.l.StrangersPerDay = a.l.PerDay })},
	{"limits all addresses together", by("addresses/rest by themselves"), asks(func(a *asking) { a.r.Address = nil })},
	{"knows no device", by(
		"addresses/get mails by the hour",
		"addresses/have a lane for their devices",
		"addresses/know a device by its login",
		"failures/do not slow known devices down",
	), tries(func(g *guessing) { g.Device = key("somebody", g.now, g.Device) })},
	{"knows a device at all addresses", by("addresses/know a device by its login"), knowsAfter(storage.GuessLoggedIn)},
	{"knows a device that was refused", by("addresses/know a device by its login"), knowsAfter(storage.GuessRefused)},
	{"knows a device that guessed wrong", by("addresses/know a device by its login"), knowsAfter(storage.GuessWrong)},
	{"looks before it remembers a mail", by("addresses/hold when asked at once"), func(s *tampered) {
		asked, meet := s.tallies(), meeting()
		answers(func(a asking, ask ask) (storage.CodeRequested, error) {
			n := asked.get(a.r.Address)
			if meet(); n > 0 {
				return storage.CodeRequested{Wait: a.l.Cooldown}, nil
			}
			asked.set(a.r.Address, n+1)
			a.l.Cooldown = 0
			return ask(a)
		})(s)
	}},
	{"needs a failure more for longer codes", by("failures/make codes longer"), asks(func(a *asking) { a.l.Level1After++ })},
	{"needs a failure more for the longest codes", by("failures/make codes longer"), asks(func(a *asking) { a.l.Level2After++ })},
	{"counts failures by device", by("failures/make codes longer"), func(s *tampered) {
		asks(func(a *asking) { a.r.Address = key(a.r.Address, a.r.Device) })(s)
		tries(func(g *guessing) { g.Address = key(g.Address, g.Device) })(s)
	}},
	{"forgets failures a day early", by("failures/count for a year"), func(s *tampered) {
		var last time.Time
		learns(func(g guessing, _ storage.Redeemed) { s.locked(func() { last = g.now }) })(s)
		asks(func(a *asking) {
			if a.now.Sub(last) >= 364*day {
				a.l.Level1After = everything
			}
		})(s)
	}},
	{"forgets no failure", by("failures/count for a year", "failures/are forgiven by a login"), func(s *tampered) {
		wrong := s.tallies()
		learns(func(g guessing, done storage.Redeemed) {
			if done.Result == storage.GuessWrong {
				wrong.add(g.Address, 1)
			}
		})(s)
		asks(func(a *asking) {
			if wrong.get(a.r.Address) >= a.l.Level1After {
				a.r.MinLevel = 1
			}
		})(s)
	}},
	{"forgives everything at a login", by("failures/are forgiven by a login"), forgetsAfter(storage.GuessLoggedIn)},
	{"forgives at a right guess that is refused", by("failures/are forgiven by nothing else"), forgetsAfter(storage.GuessRefused)},
	{"forgives at a right guess of nobody", by("failures/are forgiven by nothing else"), forgetsAfter(storage.GuessNoUser)},
	{"forgives at a right guess of a disabled user", by("failures/are forgiven by nothing else"), forgetsAfter(storage.GuessDisabled)},
	{"allows strangers a guess too many", by("failures/slow strangers down"), tries(func(g *guessing) { g.l.StrangerGuessesPerDay++ })},
	{"does not double the wait", by("failures/slow strangers down"), tries(func(g *guessing) { g.l.LastWait = g.l.FirstWait })},
	{"doubles the wait without end", by("failures/slow strangers down"), tries(func(g *guessing) { g.l.LastWait = 1000 * hour })},
	{"never tells anybody to wait", by("failures/make a right guess of a device that has to wait spend the code"), func(s *tampered) {
		s.guessWait = func(context.Context, []byte, []byte, storage.AddressLimits, time.Time) (time.Duration, int, error) {
			return 0, 0, nil
		}
	}},
	{"takes any code for long enough", by("failures/make codes longer", "failures/count for a year"), func(s *tampered) {
		wait := s.guessWait
		s.guessWait = func(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (time.Duration, int, error) {
			d, _, err := wait(ctx, address, device, l, now)
			return d, 0, err
		}
	}},
	{"tells known devices to wait", by("failures/do not slow known devices down"), func(s *tampered) {
		wait := s.guessWait
		s.guessWait = func(ctx context.Context, address, _ []byte, l storage.AddressLimits, now time.Time) (time.Duration, int, error) {
			return wait(ctx, address, nil, l, now)
		}
	}},
	{"tells nobody to wait who is known elsewhere", by("failures/do not slow known devices down"), func(s *tampered) {
		wait := s.guessWait
		s.guessWait = func(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (time.Duration, int, error) {
			if bytes.Equal(device, anna.deviceKey()) && !bytes.Equal(address, anna.address()) {
				return 0, 0, nil
			}
			return wait(ctx, address, device, l, now)
		}
	}},
	{"keeps the code of a right guess that has to wait", by("failures/make a right guess of a device that has to wait spend the code"), func(s *tampered) {
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			if wait, _, _ := s.GuessWait(context.Background(), g.Address, g.Device, g.l, g.now); wait > 0 {
				g.Right = false
			}
			return try(g)
		})(s)
	}},
	{"drops the mail of whoever has to wait", by("failures/touch no other code while a device has to wait"), func(s *tampered) {
		learns(func(g guessing, done storage.Redeemed) {
			if done.Result != storage.GuessLimited {
				return
			}
			mails, _ := s.ClaimMails(context.Background(), everything, lease, 0, g.now)
			for _, m := range mails {
				_ = s.FinishMail(context.Background(), m, delivered, g.now)
			}
		})(s)
	}},
	{"counts a guess that has to wait", by("failures/do not come from guesses that have to wait"), judges(func(g guessing, try try) (storage.Redeemed, error) {
		done, err := try(g)
		if g.l = roomy; done.Result == storage.GuessLimited {
			_, err = try(g)
		}
		return done, err
	})},
	{"looks for the code before the wait", by("failures/do not come from guesses that have to wait"), func(s *tampered) {
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			if _, ok := s.living(g.Binding, g.l, g.now); !ok {
				return storage.Redeemed{}, nil
			}
			return try(g)
		})(s)
	}},
	{"takes all guesses for strangers'", by("failures/do not slow known devices down", "failures/of a stranger are forgiven by its login"), func(s *tampered) {
		n := s.tallies()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			if n.get(g.Address) >= g.l.StrangerGuessesPerDay {
				return storage.Redeemed{Result: storage.GuessLimited, Wait: g.l.FirstWait}, nil
			}
			done, err := try(g)
			if done.Result == storage.GuessWrong {
				n.add(g.Address, 1)
			}
			return done, err
		})(s)
	}},
	{"forgives all strangers when one logs in", by("failures/of a stranger are forgiven by its login"), forgetsAfter(storage.GuessLoggedIn)},
	{"gives each device a user id", by("addresses/have one user id"), func(s *tampered) {
		ids := make(map[string]string)
		asks(func(a *asking) { s.locked(func() { ids[string(a.r.Binding)] = a.r.UserID }) })(s)
		finds(func(*[]byte, *time.Time) {}, func(c *storage.Challenge) {
			s.locked(func() { c.UserID = ids[string(c.Binding)] })
		})(s)
	}},
}

// knowsAfter knows a device, at all addresses, that got the result once.
func knowsAfter(result storage.GuessResult) func(*tampered) {
	return func(s *tampered) {
		known := s.tallies()
		learns(func(g guessing, done storage.Redeemed) {
			if done.Result == result {
				known.set(g.Device, 1)
			}
		})(s)
		asks(func(a *asking) {
			if known.get(a.r.Device) > 0 {
				a.l.StrangersPerDay = everything
			}
		})(s)
	}
}

// forgetsAfter forgets everything about an address that got the result.
func forgetsAfter(result storage.GuessResult) func(*tampered) {
	return func(s *tampered) {
		forgotten := s.tallies()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			address := g.Address
			g.Address = key(address, forgotten.get(address))
			done, err := try(g)
			if done.Result == result && err == nil {
				forgotten.add(address, 1)
			}
			return done, err
		})(s)
		asks(func(a *asking) { a.r.Address = key(a.r.Address, forgotten.get(a.r.Address)) })(s)
	}
}
