package abuse

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

// Nothing that PostgreSQL holds of a session opens it, nor does another client;
// a token that somebody brought along is not adopted.
func TestAbuse_F01_F08_F11_sessionsOnPostgres(t *testing.T) {
	t.Parallel()
	h := openHouse(t, func(c *auth.Config) {
		c.Clients = append(c.Clients, auth.Client{ID: "other"}, auth.Client{ID: "web", Cookie: true})
	})
	planted := strings.Repeat("A", 43)
	email := house.Person()
	a := h.Do(house.With(house.Guess(email, h.Mailed(email)), "Session-Token", planted))
	token := house.Field(t, a, "session_token")
	if token == planted || h.Call(house.Page(planted)).Status != http.StatusUnauthorized {
		t.Errorf("the planted token was adopted: %s", a.Body)
	}
	h.Do(house.Page(token))

	tried := 0
	for _, v := range h.values() {
		spellings := []string{v, base64.RawURLEncoding.EncodeToString([]byte(v))}
		if raw, err := hex.DecodeString(v); err == nil {
			spellings = append(spellings, base64.RawURLEncoding.EncodeToString(raw))
		}
		for _, spelling := range spellings {
			if spelling == token {
				t.Error("the database holds the token")
			}
			if strings.ContainsFunc(spelling, func(r rune) bool { return r < ' ' || r > '~' }) || len(spelling) > 1000 {
				continue // no header has it
			}
			tried++
			if a := h.Call(house.Page(spelling)); a.Status != http.StatusUnauthorized {
				t.Errorf("%q: %d %s", spelling, a.Status, a.Body)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d values were tried", tried)
	}

	for _, client := range []string{"other", "web"} {
		at := func(r burst.Request) burst.Request { return house.With(r, "X-Client-Id", client) }
		h.Refused(at(house.Refresh(token)), auth.ReasonSessionInvalid, "refresh at "+client)
		h.Refused(at(house.Logout(token)), auth.ReasonSessionInvalid, "logout at "+client)
	}
	h.Do(house.Refresh(token))
}
