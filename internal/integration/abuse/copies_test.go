package abuse

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/canary"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

// Who reads a backup, follows as a replica or looks at the tables finds nothing
// that opens anything: no code, no token that is alive, no answer of a captcha,
// no key, although all of these are in use.
func TestAbuse_J11_copiesOpenNothing(t *testing.T) {
	t.Parallel()
	const secret, previous = "kq3V9sVb1mWc0Yl7uZ2xT8dE5fG6hJ4nP-aR_oQwI1c", "Zt0Xy7Lm2Nb8Vc4Rf6Wd1Qs9Ha3Gj5Ke-uP_iOoYvBE"
	house.OnEachDatabase(t, 1, func(c *auth.Config) {
		patient(c)
		c.Secret, c.PreviousSecrets, c.RotateSessionToken = auth.Secret(secret), []auth.Secret{auth.Secret(previous)}, true
	}, func(h *house.House) {
		secrets := []string{secret, previous}
		keep := func(secret string) string {
			if len(secret) < 6 {
				h.Fatalf("%q is no secret", secret)
			}
			secrets = append(secrets, secret)
			return secret
		}
		mailed := func(email string, n int) string {
			h.Do(house.Send(email, keep(h.Ticket(email))))
			return keep(h.Mails.Wait(h, email, n).Code)
		}

		// One is logged in, with a session_token that was changed once, and has
		// logged out elsewhere.
		email := house.Person()
		a := h.Do(house.Guess(email, mailed(email, 1)))
		keep(house.Field(h, a, "id_token"))
		a = h.Do(house.Refresh(keep(house.Field(h, a, "session_token"))))
		keep(house.Field(h, a, "id_token"))
		keep(house.Field(h, a, "session_token"))
		eventually(h, func() burst.Answer { return h.Call(house.Send(email, keep(h.Ticket(email)))) })
		a = h.Do(house.Guess(email, keep(h.Mails.Wait(h, email, 2).Code)))
		h.Do(house.Logout(keep(house.Field(h, a, "session_token"))))

		// Others have a code, which one guessed wrong and had mailed again, a
		// ticket, and a captcha.
		waiting := house.Person()
		code := mailed(waiting, 1)
		h.Refused(house.Guess(waiting, keep(house.Wrong(code, 1))), auth.ReasonCode, "a wrong guess")
		eventually(h, func() burst.Answer { return h.Call(house.Send(waiting, keep(h.Ticket(waiting)))) })
		if again := h.Mails.Wait(h, waiting, 2).Code; again != code {
			h.Errorf("the code changed")
		}
		keep(h.Ticket(house.Person()))
		var puzzle struct {
			Token string
			Pow   captcha.Proof
		}
		if err := json.Unmarshal([]byte(h.Do(house.Puzzle()).Body), &puzzle); err != nil {
			h.Fatal(err)
		}
		keep(puzzle.Token)
		keep(puzzle.Pow.Salt) // which checks an answer
		// Each form of a private key has the public one in it.
		var set struct{ Keys []struct{ X, Y string } }
		if err := json.Unmarshal([]byte(h.Do(house.Request("GET", "/api/v1/oauth2/keys")).Body), &set); err != nil || len(set.Keys) == 0 {
			h.Fatalf("%+v, %v", set, err)
		}
		for _, key := range set.Keys {
			keep(key.X)
			keep(key.Y)
		}

		part := canary.IsDigit // what stands side by side in a file
		if h.Rows.DriverName() == "pgx" {
			part = canary.IsAlnum // stands apart, and much is hexadecimal
		}
		copies := h.Copies()
		maps.Copy(copies, values(h))
		for name, content := range copies {
			for _, found := range canary.Find(content, part, secrets...) {
				h.Errorf("%s: %s", name, found)
			}
		}
		if canary.Find(copies["a backup"], part, email) == nil || canary.Find(copies["users.email"], part, email) == nil {
			h.Error("the copies have not even what they should have")
		}
	})
}

// values are those of each column, a line each.
func values(h *house.House) map[string][]byte {
	h.Helper()
	columns := make(map[string][]byte)
	for table := range tables {
		found, err := h.Rows.QueryxContext(h.Context(), "SELECT * FROM "+table) //nolint:unqueryvet // all that there is
		if err != nil {
			h.Fatal(err)
		}
		defer found.Close()
		for found.Next() {
			row := make(map[string]any)
			if err := found.MapScan(row); err != nil {
				h.Fatal(err)
			}
			for column, value := range row {
				name := table + "." + column
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				columns[name] = fmt.Appendf(columns[name], "%v\n", value)
			}
		}
		if err := found.Err(); err != nil {
			h.Fatal(err)
		}
	}
	return columns
}
