package burst_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// Of 30 wrong guesses at once five are counted, at one instance and at three.
func TestAbuse_C03_C04_wrongGuessesAtOnce(t *testing.T) {
	for name, n := range instances {
		t.Run(name, siege{
			instances: n, rounds: torture.Rounds(2, 100),
			round: func(h *house.House, way burst.Way) bool {
				email := house.Person()
				right := h.Mailed(email)
				before := h.Failures()
				h.Watcher.Take()
				answers, ok := fire(h, way, 30, func(i int) burst.Request { return house.Guess(email, house.Wrong(right, i)) })
				if !ok {
					return false
				}
				if got := tally(h, answers); got[codeRefused] != 30 {
					h.Errorf("30 wrong guesses: %v", got)
				}
				results, _ := h.Watcher.Take()
				counted, gone, stored := results[storage.GuessWrong], results[storage.GuessGone], h.Failures()-before
				if counted != 5 || gone != 25 || stored != 5 {
					h.Errorf("of 30 wrong guesses %d were counted, %d came too late, %d are stored; want 5, 25, 5", counted, gone, stored)
				}
				h.Refused(house.Guess(email, right), auth.ReasonCode, "the right code afterwards")
				return true
			},
		}.lay)
	}
}

// 200 guesses at once with the right code among them: five count, and whoever
// sends the right one is let in if it is among these.
func TestAbuse_C02_rightCodeAmongMany(t *testing.T) {
	n := torture.Rounds(60, 200)
	in, rounds := 0, 0
	siege{
		rounds: torture.Rounds(1, 100),
		round: func(h *house.House, way burst.Way) bool {
			email := house.Person()
			right := h.Mailed(email)
			h.Watcher.Take()
			place := rand.N(6) // so that it is in time now and then
			answers, ok := fire(h, way, n, func(i int) burst.Request {
				if i == place {
					return house.Guess(email, right)
				}
				return house.Guess(email, house.Wrong(right, i))
			})
			if !ok {
				return false
			}
			got := tally(h, answers)
			results, _ := h.Watcher.Take()
			wrong, let := results[storage.GuessWrong], results[storage.GuessLoggedIn]
			switch {
			case got[house.OK]+got[codeRefused] != n, got[house.OK] != let, let > 1:
				h.Errorf("answers %v, results %v", got, results)
			case wrong+let > 5, let == 0 && wrong < 5:
				h.Errorf("%d guesses were counted, and %d let in", wrong, let)
			case let == 1 && house.Code(h, answers[place]) != house.OK:
				h.Error("somebody was let in with a wrong code")
			}
			h.Refused(house.Guess(email, right), auth.ReasonCode, "the right code afterwards")
			in += let
			rounds++
			return true
		},
	}.lay(t)
	t.Logf("in %d of %d rounds the right code was among the first five", in, rounds)
}

// One code, sent twice or thirty times at once, is one session.
func TestAbuse_C16_sameCodeTwice(t *testing.T) {
	for _, row := range []struct{ copies, rounds, instances int }{
		{2, torture.Rounds(5, 500), 1},
		{2, torture.Rounds(5, 500), 3},
		{30, torture.Rounds(2, 100), 1},
	} {
		t.Run(fmt.Sprint(row.copies, " times at ", row.instances), siege{
			instances: row.instances, rounds: row.rounds,
			round: func(h *house.House, way burst.Way) bool {
				email := house.Person()
				right := h.Mailed(email)
				answers, ok := fire(h, way, row.copies, func(int) burst.Request { return house.Guess(email, right) })
				if !ok {
					return false
				}
				if got := tally(h, answers); got[house.OK] != 1 || got[codeRefused] != row.copies-1 {
					h.Errorf("%v, want one login and the others refused", got)
				}
				user, _, err := h.Store.UserByEmail(h.Context(), email)
				if err != nil {
					h.Fatal(err)
				}
				sessions, err := h.Store.ListSessions(h.Context(), user.ID, time.Now())
				if err != nil || len(sessions) != 1 {
					h.Errorf("%d sessions, %v; want one", len(sessions), err)
				}
				return true
			},
		}.lay)
	}
}
