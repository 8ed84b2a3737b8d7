package abuse

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// Captchas that nobody solves are bounded, those of a peer and all of them, the
// oldest going first, and gone when their time is up, whether or not there are
// others.
func TestAbuse_A14_neverSolved(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		const mine, perPeer = 25, 20
		var tokens, answers [mine]string
		for i := range mine {
			tokens[i], answers[i] = house.Solve(h, h.Do(by("192.0.2.1", house.Puzzle())))
		}
		if got := count(h, "captchas"); got != perPeer {
			h.Errorf("%d captchas of one peer, want %d", got, perPeer)
		}
		for i := range mine {
			email := house.Person()
			if i < mine-perPeer {
				h.Refused(house.Verify(tokens[i], answers[i], email), auth.ReasonCaptcha, "an old captcha")
			} else {
				h.Do(house.Verify(tokens[i], answers[i], email))
			}
		}

		const parts, atOnceN = 10, 8
		n, most := torture.Rounds(1000, 400_000), torture.Rounds(80, 20_000)
		s, err := captcha.New(captcha.Config{Store: h.Store, Engines: []captcha.Engine{captcha.ProofOfWork(1)}, MaxTotal: most})
		if err != nil {
			h.Fatal(err)
		}
		var peers atomic.Int64
		issue := func() error {
			for {
				_, err := s.Issue(h.Context(), "", fmt.Append(nil, "peer ", peers.Add(1)))
				if !errors.Is(err, captcha.ErrBusy) {
					return err
				}
			}
		}
		for range parts {
			atOnce(atOnceN, func(int) {
				for range n / parts / atOnceN {
					if err := issue(); err != nil {
						h.Error(err)
						return
					}
				}
			})
			if got := count(h, "captchas"); got < most || got > most+most/100 {
				h.Errorf("%d captchas of %d are kept, want %d and at most a hundredth more", got, peers.Load(), most)
			}
		}
		sweepAll(h, time.Now().Add(2*time.Minute))
		if got := count(h, "captchas"); got != 0 {
			h.Errorf("%d captchas are left when their time is up", got)
		}
	})
}

// Whoever makes addresses up, those of people and their own, leaves counts behind
// that are gone soon, and no trace of the people. Who is limited stays so,
// however many come after.
func TestAbuse_J12_randomAddresses(t *testing.T) {
	t.Parallel()
	slowly := func(c *auth.Config) { c.Limits.Login = auth.Rate{Count: 30, Per: 30 * time.Hour} }
	house.OnEachDatabase(t, 1, slowly, func(h *house.House) {
		h.SignedIn(house.Person())
		before := rows(h)
		const hot = "192.0.2.1"
		for range 30 {
			h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonCode, "a guess")
		}
		h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonLimit, "a guess too many")

		n := torture.Rounds(100, 20_000)
		const atOnceN, counts = 4, 14 // of host and network for each request, and of the device
		atOnce(atOnceN, func(int) {
			for range n / atOnceN {
				for _, r := range []burst.Request{house.Puzzle(), house.Verify("x", "x", house.Person()), house.Send(house.Person(), "x"), house.Guess(house.Person(), "123456")} {
					if a := h.Call(r); a.Status >= 500 {
						h.Errorf("%s: %d %s", r.Path, a.Status, a.Body)
					}
				}
			}
		})
		after := rows(h)
		if got := after["limits"] - before["limits"]; got > counts*n+100 {
			h.Errorf("%d people left %d counts", n, got)
		}
		if got := after["captchas"] - before["captchas"]; got > min(n, 20_000) {
			h.Errorf("%d people left %d captchas", n, got)
		}
		wantRows(h, before, "limits", "captchas", "failure_hours")
		sweepAll(h, time.Now())
		h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonLimit, "who was limited before all the others")
		sweepAll(h, time.Now().Add(31*time.Hour))
		if got := count(h, "limits") + count(h, "captchas"); got != 0 {
			h.Errorf("%d counts and captchas are left when the time of all is up", got)
		}
	})
}
