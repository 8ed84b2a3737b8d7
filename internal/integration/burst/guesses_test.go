package burst_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// wrong returns another code for each n below 10.
func wrong(code string, n int) string {
	last := int(code[len(code)-1] - '0')
	return code[:len(code)-1] + fmt.Sprint((last+1+n%9)%10)
}

// failures is how many wrong guesses there ever were, as the database has it.
func (h *house) failures() (sum int) {
	h.Helper()
	hours, err := h.store.FailuresByHour(h.Context(), 24, time.Now())
	if err != nil {
		h.Fatal(err)
	}
	for _, n := range hours {
		sum += n
	}
	return sum
}

// Of 30 wrong guesses at once five are counted, at one instance and at three.
func TestAbuse_C03_C04_wrongGuessesAtOnce(t *testing.T) {
	for name, instances := range map[string]int{"one instance": 1, "three instances": 3} {
		t.Run(name, func(t *testing.T) {
			siege(t, instances, nil, func(h *house) {
				h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
					email := person()
					right := h.mailed(email)
					before := h.failures()
					h.watcher.take()
					answers, ok := h.fire(way, 30, func(i int) burst.Request { return guess(email, wrong(right, i)) })
					if !ok {
						return false
					}
					if got := tally(h, answers); got[codeRefused] != 30 {
						h.Errorf("30 wrong guesses: %v", got)
					}
					counted, _ := h.watcher.take()
					stored := h.failures() - before
					if counted[storage.GuessWrong] != 5 || counted[storage.GuessGone] != 25 || stored != 5 {
						h.Errorf("of 30 wrong guesses %d were counted, %d came too late, %d are stored; want 5, 25, 5",
							counted[storage.GuessWrong], counted[storage.GuessGone], stored)
					}
					if a := h.call(guess(email, right)); code(h, a) != codeRefused {
						h.Errorf("the right code afterwards: %d %s", a.Status, a.Body)
					}
					return true
				})
			})
		})
	}
}

// 200 guesses at once with the right code among them: five count, and whoever
// sends the right one is let in if it is among these.
func TestAbuse_C02_rightCodeAmongMany(t *testing.T) {
	guesses := torture.Rounds(60, 200)
	siege(t, 1, nil, func(h *house) {
		in, rounds := 0, 0
		h.eachWay(torture.Rounds(1, 100), func(h *house, way burst.Way) bool {
			email := person()
			right := h.mailed(email)
			h.watcher.take()
			place := rand.N(6) // so that it is in time now and then
			answers, ok := h.fire(way, guesses, func(i int) burst.Request {
				if i == place {
					return guess(email, right)
				}
				return guess(email, wrong(right, i))
			})
			if !ok {
				return false
			}
			rounds++
			got := tally(h, answers)
			counted, _ := h.watcher.take()
			compared := counted[storage.GuessWrong] + counted[storage.GuessLoggedIn]
			switch {
			case got["200"]+got[codeRefused] != guesses, got["200"] != counted[storage.GuessLoggedIn], got["200"] > 1:
				h.Errorf("%v, counted %v", got, counted)
			case compared > 5, got["200"] == 0 && compared < 5:
				h.Errorf("%d guesses were counted, %d let in", compared, got["200"])
			case got["200"] == 1 && answers[place].Status != 200:
				h.Error("somebody was let in with a wrong code")
			}
			if a := h.call(guess(email, right)); code(h, a) != codeRefused {
				h.Errorf("the right code afterwards: %d %s", a.Status, a.Body)
			}
			in += got["200"]
			return true
		})
		h.Logf("in %d of %d rounds the right code was among the first five", in, rounds)
	})
}

// One code, sent twice or thirty times at once, is one session.
func TestAbuse_C16_sameCodeTwice(t *testing.T) {
	for _, row := range []struct{ copies, rounds, instances int }{
		{2, torture.Rounds(5, 500), 1},
		{2, torture.Rounds(5, 500), 3},
		{30, torture.Rounds(2, 100), 1},
	} {
		t.Run(fmt.Sprint(row.copies, " times, instances ", row.instances), func(t *testing.T) {
			siege(t, row.instances, nil, func(h *house) {
				h.eachWay(row.rounds, func(h *house, way burst.Way) bool {
					email := person()
					right := h.mailed(email)
					answers, ok := h.fire(way, row.copies, func(int) burst.Request { return guess(email, right) })
					if !ok {
						return false
					}
					if got := tally(h, answers); got["200"] != 1 || got[codeRefused] != row.copies-1 {
						h.Errorf("%v, want one login and the others refused", got)
					}
					user, _, err := h.store.UserByEmail(h.Context(), email)
					if err != nil {
						h.Fatal(err)
					}
					sessions, err := h.store.ListSessions(h.Context(), user.ID, time.Now())
					if err != nil || len(sessions) != 1 {
						h.Errorf("%d sessions, %v; want one", len(sessions), err)
					}
					return true
				})
			})
		})
	}
}
