package burst_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/torture"
)

func page(token string) burst.Request {
	return with(request("POST", pagePath, "x", "y"), "Session-Token", token)
}

func refresh(token string) burst.Request {
	return with(request("POST", refreshPath), "Session-Token", token)
}

func logout(token string) burst.Request {
	return with(request("POST", logoutPath), "Session-Token", token)
}

// alive reports whether the token opens the app.
func (h *house) alive(token string) bool {
	h.Helper()
	a := h.call(page(token))
	if c := code(h, a); c != "200" && c != "MAILKEY.SESSION.0001" {
		h.Errorf("the page: %d %s", a.Status, a.Body)
	}
	return a.Status == http.StatusOK
}

// Slow pages have loaded the session and are about to store it again when the
// logout comes. It stays dead.
func TestAbuse_F05_slowPagesAndLogout(t *testing.T) {
	for name, idle := range map[string]time.Duration{"without IdleTimeout": 0, "with IdleTimeout": time.Hour} {
		t.Run(name, func(t *testing.T) {
			siege(t, 1, func(c *auth.Config) { c.IdleTimeout = idle }, func(h *house) {
				h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
					token := h.signedIn(person())
					answers, ok := h.fire(way, 30, func(i int) burst.Request {
						switch i % 3 {
						case 0:
							return logout(token)
						case 1:
							return refresh(token)
						}
						return page(token)
					})
					if !ok {
						return false
					}
					got := tally(h, answers)
					// The pages had loaded the session, but of the others only one ends it.
					if out := got["200"] - 10; out < 1 || out > 11 || got["200"]+got[tokenRefused] != 30 {
						h.Errorf("%v, want ten pages, one logout and perhaps refreshes to succeed", got)
					}
					if a := h.call(refresh(token)); h.alive(token) || code(h, a) != tokenRefused {
						h.Errorf("the session is alive after the logout: %d %s", a.Status, a.Body)
					}
					return true
				})
			})
		})
	}
}

// A token is changed and the session is ended at the same time. Of several
// changes all lead to the same token; and if the logout was told that it
// worked, none of them works any more.
func TestAbuse_F05_rotationAndLogout(t *testing.T) {
	siege(t, 1, func(c *auth.Config) { c.RotateSessionToken = true }, func(h *house) {
		ended := 0
		h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
			token := h.signedIn(person())
			answers, ok := h.fire(way, 30, func(i int) burst.Request {
				if i == 0 {
					return logout(token)
				}
				return refresh(token)
			})
			if !ok {
				return false
			}
			out, next := code(h, answers[0]) == "200", ""
			for i, a := range answers {
				switch c := code(h, a); {
				case c != "200" && c != tokenRefused:
					h.Errorf("request %d: %d %s", i, a.Status, a.Body)
				case c == "200" && i != 0 && next != "" && next != field(h, a, "session_token"):
					h.Error("one token became two")
				case c == "200" && i != 0:
					next = field(h, a, "session_token")
				}
			}
			if h.alive(token) {
				h.Error("the token before is alive")
			}
			if a := h.call(refresh(token)); out && code(h, a) != tokenRefused {
				h.Errorf("the logout worked, and a refresh afterwards: %d %s", a.Status, a.Body)
			}
			if alive := next != "" && h.alive(next); alive == out {
				h.Errorf("the logout worked: %v, and the session is alive: %v", out, alive)
			}
			if out {
				ended++
			}
			return true
		})
		h.Logf("%d logouts were faster than every refresh", ended)
	})
}

// A login replaces the session that it came with, while that is used, refreshed
// and ended by others.
func TestAbuse_F05_loginAndLogout(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
			email := person()
			token := h.signedIn(email)
			second := person() // whoever logs in now is somebody else: the first address has to wait
			right := h.mailed(second)
			answers, ok := h.fire(way, 30, func(i int) burst.Request {
				switch {
				case i == 15:
					return with(guess(second, right), "Session-Token", token)
				case i%2 == 0:
					return logout(token)
				}
				return page(token)
			})
			if !ok {
				return false
			}
			if answers[15].Status != 200 {
				h.Fatalf("the login: %d %s", answers[15].Status, answers[15].Body)
			}
			if h.alive(token) {
				h.Error("the session before is alive")
			}
			if !h.alive(field(h, answers[15], "session_token")) {
				h.Error("the new session is dead")
			}
			return true
		})
	})
}
