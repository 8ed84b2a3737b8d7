package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

func TestUserLookups(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		at := time.Now().Truncate(time.Millisecond)
		_, c := k.signIn("Ann@B.example")
		id := c["sub"].(string)
		byID, err := k.auth.User(k.Context(), id)
		if err != nil || byID.ID != id || byID.Email != "ann@b.example" || byID.MailTo != "Ann@B.example" ||
			!byID.CreatedAt.Equal(at) || !byID.LastLoginAt.Equal(at) || !byID.DisabledAt.IsZero() {
			t.Errorf("%+v, %v", byID, err)
		}
		for _, email := range []string{"ann@b.example", "ANN@B.EXAMPLE"} {
			if u, err := k.auth.UserByEmail(k.Context(), email); err != nil || u.ID != id {
				t.Errorf("%s: %+v, %v", email, u, err)
			}
		}
	})
}

func TestAdminErrors(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		_, ann := k.signIn("ann@b.example")
		k.signIn("bob@b.example")
		ctx, a, annID := k.Context(), k.auth, ann["sub"].(string)
		unknown := map[string]func(id string) error{
			"User":        func(id string) error { _, err := a.User(ctx, id); return err },
			"DisableUser": func(id string) error { return a.DisableUser(ctx, id) },
			"EnableUser":  func(id string) error { return a.EnableUser(ctx, id) },
			"DeleteUser":  func(id string) error { return a.DeleteUser(ctx, id) },
			"ChangeEmail": func(id string) error { return a.ChangeEmail(ctx, id, "new@b.example") },
		}
		for name, call := range unknown {
			for _, id := range []string{"", "x", strings.ToUpper(annID) + "x", "ann@b.example"} {
				if err := call(id); !errors.Is(err, auth.ErrUnknownUser) {
					t.Errorf("%s(%q): %v", name, id, err)
				}
			}
		}
		if _, err := a.UserByEmail(ctx, "new@b.example"); !errors.Is(err, auth.ErrUnknownUser) {
			t.Errorf("UserByEmail: %v", err)
		}
		for _, email := range []string{"", "ann", "ann@b", "Ann <ann@b.example>", "ann@b.example\r\n", "ſ@b.example", "ann@b.example ", "a@b.example,c@d.example"} {
			if _, err := a.UserByEmail(ctx, email); !errors.Is(err, auth.ErrInvalidEmail) {
				t.Errorf("UserByEmail(%q): %v", email, err)
			}
			if err := a.ChangeEmail(ctx, annID, email); !errors.Is(err, auth.ErrInvalidEmail) {
				t.Errorf("ChangeEmail(%q): %v", email, err)
			}
		}
		for _, email := range []string{"bob@b.example", "BOB@b.example"} {
			if err := a.ChangeEmail(ctx, annID, email); !errors.Is(err, auth.ErrEmailTaken) || errors.Is(err, auth.ErrUnknownUser) {
				t.Errorf("ChangeEmail(%q): %v", email, err)
			}
		}
		for name, err := range map[string]error{
			"no user":            a.RevokeSession(ctx, "", "x"),
			"no session":         a.RevokeSession(ctx, annID, ""),
			"neither":            a.RevokeSession(ctx, "", ""),
			"the user's, no one": a.RevokeSessions(ctx, ""),
		} {
			if err == nil {
				t.Errorf("%s: no error, where everybody's sessions would end", name)
			}
		}
		if u, err := a.User(ctx, annID); err != nil || u.Email != "ann@b.example" || len(mustSessions(k, annID)) != 1 {
			t.Errorf("what failed changed something: %+v, %v", u, err)
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		for name, err := range map[string]error{
			"DisableUser": a.DisableUser(over, annID), "DeleteUser": a.DeleteUser(over, annID), "RevokeSessions": a.RevokeSessions(over, annID),
		} {
			if err == nil || errors.Is(err, auth.ErrUnknownUser) {
				t.Errorf("%s after its context: %v", name, err)
			}
		}
	})
}

func mustSessions(k *kit, userID string) []auth.Session {
	k.Helper()
	sessions, err := k.auth.Sessions(k.Context(), userID)
	if err != nil {
		k.Fatal(err)
	}
	return sessions
}

func TestUsersPageByPage(t *testing.T) {
	onEachStore(t, func(c *auth.Config) {
		c.Limits.SendCode, c.Limits.Captcha = auth.Rate{Count: 100, Per: time.Minute}, auth.Rate{Count: 100, Per: time.Minute}
	}, func(k *kit) {
		var want []string
		for i := range 7 {
			_, c := k.signIn(fmt.Sprintf("user%d@b.example", i))
			want = append(want, c["sub"].(string))
		}
		slices.Sort(want)
		for limit := 1; limit <= 8; limit++ {
			var got []string
			for after := ""; ; after = got[len(got)-1] {
				page, err := k.auth.Users(k.Context(), after, limit)
				if err != nil || len(page) > limit {
					t.Fatalf("%d users, %v", len(page), err)
				}
				for _, u := range page {
					got = append(got, u.ID)
				}
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, want)
			}
		}
		if page, err := k.auth.Users(k.Context(), want[6], 10); err != nil || len(page) != 0 {
			t.Errorf("after the last: %v, %v", page, err)
		}
		if page, err := k.auth.Users(k.Context(), want[2]+"x", 2); err != nil || len(page) != 2 || page[0].ID <= want[2] {
			t.Errorf("after one that is gone: %v, %v", page, err)
		}
	})
}

func TestSessionsOfAUser(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		start := time.Now().Truncate(time.Millisecond)
		r := k.request("POST", loginPath, object("email", "ann@b.example", "verify_code", k.code("ann@b.example")))
		r.Header.Set("X-Device-Ip", "203.0.113.9")
		first := claims(t, k.do(r).field(t, "id_token"))
		time.Sleep(20 * time.Minute)
		phone := k.as(onDevice("phone"))
		token, second := phone.signIn("ann@b.example")
		bob, _ := k.signIn("bob@b.example")

		id := first["sub"].(string)
		sessions := mustSessions(k, id)
		if len(sessions) != 2 || sessions[0].ID != second["sid"] || sessions[1].ID != first["sid"] {
			t.Fatalf("%+v", sessions)
		}
		got := sessions[1]
		if !got.CreatedAt.Equal(start) || !got.LastSeenAt.Equal(start) || !got.ExpiresAt.Equal(start.Add(432000*time.Second)) {
			t.Errorf("times %v, %v, %v", got.CreatedAt, got.LastSeenAt, got.ExpiresAt)
		}
		got.CreatedAt, got.LastSeenAt, got.ExpiresAt = time.Time{}, time.Time{}, time.Time{}
		if want := (auth.Session{
			ID: first["sid"].(string), ClientID: "app", Agent: "Mozilla/5.0", OS: "windows10.1.1", ClaimedIP: "203.0.113.9", IP: "192.0.2.1",
		}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}

		for _, row := range []struct {
			name string
			do   func() error
			left int
		}{
			{"somebody else's id", func() error { return k.auth.RevokeSession(k.Context(), "x", first["sid"].(string)) }, 2},
			{"the first", func() error { return k.auth.RevokeSession(k.Context(), id, first["sid"].(string)) }, 1},
			{"the first again", func() error { return k.auth.RevokeSession(k.Context(), id, first["sid"].(string)) }, 1},
			{"all", func() error { return k.auth.RevokeSessions(k.Context(), id) }, 0},
		} {
			if err := row.do(); err != nil || len(mustSessions(k, id)) != row.left {
				t.Errorf("%s: %v, %d are left, want %d", row.name, err, len(mustSessions(k, id)), row.left)
			}
		}
		if k.alive(token) || !k.alive(bob) {
			t.Errorf("alive: Ann's %v, Bob's %v", k.alive(token), k.alive(bob))
		}
		if err := k.auth.RevokeAllSessions(k.Context()); err != nil || k.alive(bob) {
			t.Errorf("everybody's: %v, Bob's is alive: %v", err, k.alive(bob))
		}
		if len(mustSessions(k, "x")) != 0 || len(mustSessions(k, "")) != 0 {
			t.Error("nobody has sessions")
		}
	})
}

func TestDisableAndEnable(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		bob, _ := k.signIn("bob@b.example")
		id := c["sub"].(string)
		for round := range 2 {
			if err := k.auth.DisableUser(k.Context(), id); err != nil || k.alive(token) || !k.alive(bob) {
				t.Errorf("%v; alive: Ann's %v, Bob's %v", err, k.alive(token), k.alive(bob))
			}
			if err := k.auth.DisableUser(k.Context(), id); err != nil {
				t.Errorf("again: %v", err)
			}
			if u, err := k.auth.User(k.Context(), id); err != nil || u.DisabledAt.IsZero() || len(mustSessions(k, id)) != 0 {
				t.Errorf("%+v, %v", u, err)
			}
			k.pass(time.Hour)
			code := k.code("ann@b.example") // mailed as to anybody
			if a := k.login("ann@b.example", wrong(code)); a.code() != string(auth.ReasonCode) {
				t.Errorf("a wrong code: %s", a.body)
			}
			if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonUserDisabled) {
				t.Errorf("the right code: %s", a.body)
			}
			if err := k.auth.EnableUser(k.Context(), id); err != nil || k.alive(token) {
				t.Errorf("enabled: %v, the session is alive again: %v", err, k.alive(token))
			}
			if u, err := k.auth.User(k.Context(), id); err != nil || !u.DisabledAt.IsZero() {
				t.Errorf("%+v, %v", u, err)
			}
			k.pass(time.Hour)
			again, c := k.signIn("ann@b.example")
			if c["sub"] != id {
				t.Errorf("round %d: another user", round)
			}
			token = again
		}
	})
}
