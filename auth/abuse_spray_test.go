package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// oneMail is a Mailer that remembers the last code.
type oneMail struct{ code string }

func (m *oneMail) SendCode(_ context.Context, mail auth.CodeMail) error {
	m.code = mail.Code
	return nil
}

// alarms counts the errors of a log.
type alarms struct {
	slog.Handler
	texts map[string]int
}

func (*alarms) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (a *alarms) Handle(_ context.Context, r slog.Record) error {
	a.texts[r.Message]++
	return nil
}

// spray makes one wrong guess at a code of the address, from a network and a
// device of its own. It is as bare as it can be: there are very many of them.
func (k *kit) spray(i int, mails *oneMail) {
	k.Helper()
	k = k.as(func(k *kit) { k.peer, k.device = fmt.Sprintf("2001:%x:%x::1", i>>8, i&255), fmt.Sprint("device ", i) })
	handler, email := k.auth.Handler(), fmt.Sprintf("somebody%d@b.example", i)
	ask := func(method, path string, want string, fields ...string) (body struct {
		Token  string        `json:"token"`
		Pow    captcha.Proof `json:"pow"`
		Ticket string        `json:"captcha_token"`
	}) {
		r, w := k.request(method, path, object(fields...)), httptest.NewRecorder()
		if method == "GET" {
			r = k.request(method, path, "")
		}
		r.RemoteAddr = "127.0.0.1:1"
		handler.ServeHTTP(w, r)
		if got := w.Body.String(); !strings.Contains(got, want) {
			k.Fatalf("%s: %s: %d %s", email, path, w.Code, got)
		}
		_ = json.Unmarshal(w.Body.Bytes(), &body) // it was looked at
		return body
	}
	c := ask("GET", captchaPath, `"token"`)
	t := ask("POST", verifyPath, "captcha_token", "token", c.Token, "sender", email, "captcha_code", authtest.Solve(c.Pow))
	ask("POST", sendPath, "expire", "email", email, "type", "LOGIN_EMS", "captcha_token", t.Ticket)
	synctest.Wait()
	ask("POST", loginPath, codeRefused, "email", email, "verify_code", wrong(mails.code))
}

// One guess at each of a great many addresses within an hour is noticed within
// a minute. From then on it meets long codes, so that the chance that any of
// all the guesses is right stays small, and there is one alarm.
func TestAbuse_C23_spray(t *testing.T) {
	t.Parallel()
	n := torture.Rounds(600, 100_000)
	pace := time.Hour / time.Duration(max(n, 3600))
	store, mails := &weighing{Store: memory.New()}, &oneMail{}
	log := &alarms{slog.DiscardHandler, make(map[string]int)}
	playOn(t, func(*testing.T) storage.Store { return store }, func(c *auth.Config) {
		c.Mailer, c.Logger = mails, slog.New(log)
	}, func(k *kit) {
		for i := range n {
			k.spray(i, mails)
			time.Sleep(pace)
		}
		t.Logf("guesses at codes of each level: %v", store.guesses)
		inAMinute := int(time.Minute/pace) + 1
		if short := store.guesses[0]; short < 200 || short > 200+inAMinute {
			t.Errorf("%d guesses met a short code, want 200 and at most %d more", short, inAMinute)
		}
		if store.guesses[0]+store.guesses[1] != n {
			t.Errorf("%v guesses were counted, want %d", store.guesses, n)
		}
		if p, most := store.chance(), float64(200+inAMinute)/1e6+float64(n)/1e8; p > most {
			t.Errorf("the chance that one is right is %.2g, want at most %.2g", p, most)
		}
		if want := map[string]int{"far more wrong codes than usual: new codes are longer": 1}; fmt.Sprint(log.texts) != fmt.Sprint(want) {
			t.Errorf("the alarms are %v, want %v", log.texts, want)
		}
	})
}
