package auth_test

import (
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// Whatever a stranger does with somebody's address beforehand, there is no user,
// no session and nothing known about them before the mailbox is proved; and then
// there is nothing of the stranger's in the account.
func TestAbuse_D09_NobodyIsThereBefore(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		const victim = "victim@b.example"
		nobody := func(after string) {
			t.Helper()
			if users, err := k.conf.Store.ListUsers(k.Context(), "", 10); err != nil || len(users) > 0 {
				t.Errorf("after %s there are users: %v, %v", after, users, err)
			}
		}
		stranger := k.as(onDevice("stranger"))
		ticket := stranger.ticket(victim)
		nobody("a captcha")
		code := stranger.code(victim)
		nobody("a mail")
		for range 3 {
			if a := stranger.login(victim, wrong(code)); a.code() != string(auth.ReasonCode) {
				t.Errorf("a guess: %s", a.body)
			}
		}
		nobody("some guesses")
		for _, extra := range []string{"name", "display_name", "user_id", "sub", "phone", "password", "email_verified", "session_token"} {
			if a := stranger.post(loginPath, "email", victim, "verify_code", wrong(code), extra, "x"); a.code() != string(auth.ReasonMalformed) {
				t.Errorf("with %s: %s", extra, a.body)
			}
		}
		for _, path := range []string{logoutPath, "/api/v2/sdk/sso/session-token/id-token"} {
			if a := stranger.do(stranger.withToken("POST", path, strings.Repeat("A", 43))); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("%s with a made-up token: %s", path, a.body)
			}
		}
		if a := stranger.post(sendPath, "email", "other@b.example", "type", "LOGIN_EMS", "captcha_token", ticket); a.status == 200 {
			t.Error("the ticket works for another address")
		}
		nobody("all that")

		k.pass(time.Hour)
		own, c := k.signIn(victim)
		if list := mustSessions(k, c["sub"].(string)); len(list) != 1 || list[0].Agent != "Mozilla/5.0" || !k.alive(own) {
			t.Errorf("sessions of the new user: %+v", list)
		}
		if a := stranger.login(victim, code); a.code() != string(auth.ReasonCode) {
			t.Errorf("the stranger with an old code: %s", a.body)
		}
	})
}

// Whether strangers may register is the server's decision: nothing in a request
// has a say in it.
func TestAbuse_D12_RegistrationStaysClosed(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Registration = auth.RegistrationClosed }, func(k *kit) {
		for i, row := range []struct {
			name   string
			query  string
			header string
			field  string
			want   auth.Reason
		}{
			{"nothing", "", "", "", auth.ReasonUserUnknown},
			{"a query", "?register=true&auto_register=1&registration=open", "", "", auth.ReasonUserUnknown},
			{"a header", "", "X-Auto-Register", "", auth.ReasonUserUnknown},
			{"another header", "", "X-Registration", "", auth.ReasonUserUnknown},
			{"a field", "", "", "register", auth.ReasonMalformed},
			{"another field", "", "", "auto_register", auth.ReasonMalformed},
			{"a third field", "", "", "status", auth.ReasonMalformed},
		} {
			email := strings.Repeat("n", i+1) + "@b.example"
			k := manyPeers(k, i)
			fields := []string{"email", email, "verify_code", k.code(email)}
			if row.field != "" {
				fields = append(fields, row.field, "true")
			}
			r := k.request("POST", loginPath+row.query, object(fields...))
			if row.header != "" {
				r.Header.Set(row.header, "true")
			}
			if a := k.do(r); a.code() != string(row.want) {
				t.Errorf("%s: %s, want %s", row.name, a.body, row.want)
			}
		}
		if users, err := k.conf.Store.ListUsers(k.Context(), "", 10); err != nil || len(users) > 0 {
			t.Errorf("there are users: %v, %v", users, err)
		}
	})
}
