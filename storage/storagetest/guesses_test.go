package storagetest

import (
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

var brokenGuesses = []broken{
	{"takes a guess too many", by("guesses/run out", "races/count each wrong guess", "races/count each at the address"), tries(func(g *guessing) { g.l.GuessesPerCode++ })},
	{"takes a right guess too few", by("guesses/last to the last"), tries(func(g *guessing) {
		if g.Right {
			g.l.GuessesPerCode--
		}
	})},
	{"does not look which challenge is guessed", by("guesses/need their challenge"), func(s *tampered) {
		tries(func(g *guessing) {
			if c, ok := s.living(g.Binding, g.l, g.now); ok {
				g.ChallengeID = c.ID
			}
		})(s)
	}},
	{"does not look whose challenge is guessed", by("guesses/need their challenge"), func(s *tampered) {
		bindings := make(map[string][]byte)
		asks(func(a *asking) { s.locked(func() { bindings[string(a.r.ChallengeID)] = a.r.Binding }) })(s)
		tries(func(g *guessing) { s.locked(func() { g.Binding = bindings[string(g.ChallengeID)] }) })(s)
	}},
	{"takes a right guess again", by("guesses/end with a right one"), func(s *tampered) {
		used := make(map[string]storage.Redeemed)
		judges(func(g guessing, try try) (done storage.Redeemed, err error) {
			done, err = try(g)
			s.locked(func() {
				if before, ok := used[string(g.ChallengeID)]; ok && g.Right {
					done = before
				}
				if done.Result == storage.GuessLoggedIn {
					used[string(g.ChallengeID)] = done
				}
			})
			return done, err
		})(s)
	}},
	{"takes guesses at a code that became too short", by("guesses/end with longer codes"), tries(func(g *guessing) {
		g.l.Level1After, g.l.Level2After = everything, everything
	})},
	{"counts guesses at nothing", by("guesses/count nowhere when gone"), func(s *tampered) {
		n := s.tallies()
		learns(func(_ guessing, done storage.Redeemed) {
			if done.Result == storage.GuessGone {
				n.add(nil, 1)
			}
		})(s)
		ownFailures(s, func(last int) int { return last + n.get(nil) })
	}},
	{"looks before it counts a guess", by("races/count each wrong guess"), func(s *tampered) {
		wrong, meet := s.tallies(), meeting()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			n := wrong.get(g.Binding)
			if meet(); n >= g.l.GuessesPerCode {
				return storage.Redeemed{Result: storage.GuessGone}, nil
			}
			wrong.set(g.Binding, n+1)
			g.l.GuessesPerCode = everything
			return try(g)
		})(s)
	}},
	{"loses failures of one moment", by("races/count each at the address"), func(s *tampered) {
		wrong, meet := s.tallies(), meeting()
		learns(func(_ guessing, done storage.Redeemed) {
			n := wrong.get(nil)
			if meet(); done.Result == storage.GuessWrong {
				wrong.set(nil, n+1)
			}
		})(s)
		ownFailures(s, func(int) int { return wrong.get(nil) })
	}},
	{"looks before it takes a right guess", by("races/have one winner"), func(s *tampered) {
		meet := meeting()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			_, ok := s.living(g.Binding, g.l, g.now)
			meet()
			done, err := try(g)
			if ok && g.Right {
				done.Result = storage.GuessLoggedIn
			}
			return done, err
		})(s)
	}},
	{"takes a right guess after all others", by("guesses/run out", "races/count before a right one"), func(s *tampered) {
		wrong := s.tallies()
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			if g.Right {
				patient(func() bool { return wrong.get(g.ChallengeID) >= g.l.GuessesPerCode })
				g.l.GuessesPerCode = everything
			}
			done, err := try(g)
			if done.Result == storage.GuessWrong {
				wrong.add(g.ChallengeID, 1)
			}
			return done, err
		})(s)
	}},
	{"refunds the guesses before an error", by("guesses/are not refunded"), func(s *tampered) {
		wrong := ownGuesses(s)
		judges(func(g guessing, try try) (storage.Redeemed, error) {
			done, err := try(g)
			if err != nil {
				wrong.set(g.Binding, 0)
			}
			return done, err
		})(s)
	}},
	{"shows the present hour first", by("guesses/are counted by the hour"), func(s *tampered) {
		failures := s.failuresByHour
		s.failuresByHour = func(ctx context.Context, n int, now time.Time) ([]int, error) {
			counts, err := failures(ctx, n, now)
			slices.Reverse(counts)
			return counts, err
		}
	}},
	{"counts an hour from now on", by("guesses/are counted by the hour"), func(s *tampered) {
		failures := s.failuresByHour
		s.failuresByHour = func(ctx context.Context, n int, now time.Time) ([]int, error) {
			return failures(ctx, n, now.Add(hour-tick))
		}
	}},
	{"forgets the failures that it forgave", by("guesses/stay counted"), func(s *tampered) {
		wrong := s.tallies()
		learns(func(g guessing, done storage.Redeemed) {
			switch done.Result {
			case storage.GuessWrong:
				wrong.add(g.ChallengeID, 1)
			case storage.GuessLoggedIn:
				wrong.add(nil, wrong.get(g.ChallengeID))
			}
		})(s)
		ownFailures(s, func(last int) int { return last - wrong.get(nil) })
	}},
}

// ownFailures changes the failures of the present hour.
func ownFailures(s *tampered, change func(last int) int) {
	failures := s.failuresByHour
	s.failuresByHour = func(ctx context.Context, n int, now time.Time) ([]int, error) {
		counts, err := failures(ctx, n, now)
		if err == nil {
			counts[n-1] = change(counts[n-1])
		}
		return counts, err
	}
}
