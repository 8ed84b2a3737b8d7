package burst_test

import (
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// alive reports whether the token opens the app.
func alive(h *house.House, token string) bool {
	h.Helper()
	a := h.Call(house.Page(token))
	code := house.Code(h, a)
	if code != house.OK && code != string(auth.ReasonNotSignedIn) {
		h.Errorf("the page: %d %s", a.Status, a.Body)
	}
	return code == house.OK
}

// Slow pages have loaded the session and are about to store it again when the
// logout comes. It stays dead.
func TestAbuse_F05_slowPagesAndLogout(t *testing.T) {
	for name, idle := range map[string]time.Duration{"without IdleTimeout": 0, "with IdleTimeout": time.Hour} {
		t.Run(name, siege{
			change: func(c *auth.Config) { c.IdleTimeout = idle },
			rounds: torture.Rounds(2, 100),
			round: func(h *house.House, way burst.Way) bool {
				token := h.SignedIn(house.Person())
				answers, ok := fire(h, way, 30, func(i int) burst.Request {
					switch i % 3 {
					case 0:
						return house.Logout(token)
					case 1:
						return house.Refresh(token)
					}
					return house.Page(token)
				})
				if !ok {
					return false
				}
				// All pages, one logout, and the refreshes that were before it.
				got := tally(h, answers)
				if n := got[house.OK]; n < 11 || n > 21 || n+got[tokenRefused] != 30 {
					h.Errorf("ten pages, logouts and refreshes: %v", got)
				}
				h.Refused(house.Refresh(token), auth.ReasonSessionInvalid, "a refresh after the logout")
				if alive(h, token) {
					h.Error("the session is alive after the logout")
				}
				return true
			},
		}.lay)
	}
}

// A token is changed and the session is ended at the same time. Of several
// changes all lead to the same token; and if the logout was told that it
// worked, none of them works any more.
func TestAbuse_F05_rotationAndLogout(t *testing.T) {
	ended, rounds := 0, 0
	siege{
		change: func(c *auth.Config) { c.RotateSessionToken = true },
		rounds: torture.Rounds(2, 100),
		round: func(h *house.House, way burst.Way) bool {
			token := h.SignedIn(house.Person())
			answers, ok := fire(h, way, 30, func(i int) burst.Request {
				if i == 0 {
					return house.Logout(token)
				}
				return house.Refresh(token)
			})
			if !ok {
				return false
			}
			out, next := house.Code(h, answers[0]) == house.OK, ""
			for _, a := range answers[1:] {
				switch code := house.Code(h, a); {
				case code != house.OK && code != tokenRefused:
					h.Errorf("a refresh: %d %s", a.Status, a.Body)
				case code == house.OK && next != "" && next != house.Field(h, a, "session_token"):
					h.Error("one token became two")
				case code == house.OK:
					next = house.Field(h, a, "session_token")
				}
			}
			if alive(h, token) {
				h.Error("the token before is alive")
			}
			if lives := next != "" && alive(h, next); lives == out {
				h.Errorf("the logout worked: %v, and the session is alive: %v", out, lives)
			}
			if out {
				h.Refused(house.Refresh(token), auth.ReasonSessionInvalid, "a refresh after the logout")
				ended++
			}
			rounds++
			return true
		},
	}.lay(t)
	t.Logf("in %d of %d rounds the logout was faster than every refresh", ended, rounds)
}

// A login replaces the session that it came with, while others use that and end
// it.
func TestAbuse_F05_loginAndLogout(t *testing.T) {
	siege{
		rounds: torture.Rounds(2, 100),
		round: func(h *house.House, way burst.Way) bool {
			token := h.SignedIn(house.Person())
			email := house.Person()
			code := h.Mailed(email)
			answers, ok := fire(h, way, 30, func(i int) burst.Request {
				switch {
				case i == 15:
					return house.With(house.Guess(email, code), "Session-Token", token)
				case i%2 == 0:
					return house.Logout(token)
				}
				return house.Page(token)
			})
			if !ok {
				return false
			}
			if house.Code(h, answers[15]) != house.OK {
				h.Fatalf("the login: %d %s", answers[15].Status, answers[15].Body)
			}
			if alive(h, token) {
				h.Error("the session before is alive")
			}
			if !alive(h, house.Field(h, answers[15], "session_token")) {
				h.Error("the new session is dead")
			}
			return true
		},
	}.lay(t)
}
