package burst_test

import (
	"context"
	"errors"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/house"
)

// The server fails after a guess was counted. That gives it back to nobody.
func TestAbuse_C05_failureAfterTheCount(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("the connection broke") },
		"a panic":  func() error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, 1, nil, func(h *house.House) {
				email := house.Person()
				right := h.Mailed(email)
				redeemed := h.Watcher.Redeemed
				for i := range 5 {
					want := string(auth.ReasonBusy)
					if h.Watcher.Redeemed = fail; i%2 == 0 {
						h.Watcher.Redeemed, want = redeemed, codeRefused
					}
					if a := h.Call(house.Guess(email, house.Wrong(right, i))); house.Code(h, a) != want {
						h.Errorf("guess %d: %d %s", i+1, a.Status, a.Body)
					}
				}
				h.Watcher.Redeemed = redeemed
				if n := h.Failures(); n != 5 {
					h.Errorf("%d guesses were counted, want 5", n)
				}
				h.Refused(house.Guess(email, right), auth.ReasonCode, "the right code afterwards")
			})
		})
	}
}

// A login that fails for another reason than the code gives no guess back, and
// costs none.
func TestAbuse_C05_failingLogin(t *testing.T) {
	broken := false
	onEachStore(t, 1, func(c *auth.Config) {
		c.OnLogin = func(context.Context, auth.Identity) error {
			if broken {
				return errors.New("the app's database is down")
			}
			return nil
		}
	}, func(h *house.House) {
		email := house.Person()
		right := h.Mailed(email)
		broken = true
		for i := range 4 {
			h.Call(house.Guess(email, house.Wrong(right, i)))
			h.Refused(house.Guess(email, right), auth.ReasonBusy, "the right code")
		}
		broken = false
		h.Call(house.Guess(email, house.Wrong(right, 4)))
		h.Refused(house.Guess(email, right), auth.ReasonCode, "the right code after five wrong ones")
	})
}
