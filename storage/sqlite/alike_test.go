package sqlite_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// login is a login on a store whose statements are listed.
type login struct {
	*testing.T
	auth  *auth.Auth
	store storage.Store
	mails chan auth.CodeMail
	trace []string
}

func (l *login) SendCode(_ context.Context, m auth.CodeMail) error {
	l.mails <- m
	return nil
}

// alike plays f with a login in a bubble of fake time.
func alike(t *testing.T, f func(l *login)) {
	synctest.Test(t, func(t *testing.T) {
		l := &login{T: t, mails: make(chan auth.CodeMail, 100)}
		var mu sync.Mutex
		store, err := sqlite.OpenTraced(t.Context(), filepath.Join(t.TempDir(), "test.db"), func(statement string, rows int64) {
			mu.Lock()
			defer mu.Unlock()
			l.trace = append(l.trace, fmt.Sprintf("%s [%d]", statement, rows))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		l.store = store
		l.auth, err = auth.New(auth.Config{
			Store:            store,
			Mailer:           l,
			Secret:           auth.Secret("correct horse battery staple 0123456789"),
			Issuer:           "https://app.example",
			Clients:          []auth.Client{{ID: "app"}},
			Captchas:         []captcha.Engine{captcha.ProofOfWork(1)},
			SigningAlgorithm: auth.ES256,
			Limits: auth.Limits{
				Captcha: often, VerifyCaptcha: often, SendCode: often, SendCodeLong: often, Login: often,
			},
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		f(l)
	})
}

var often = auth.Rate{Count: 1000, Per: time.Hour}

// answer is what is seen of an answer from outside, and from inside.
type answer struct {
	outside string
	body    map[string]any
	inside  string
}

// request makes one request of a device; fields are names and values in turn.
func (l *login) request(device, path string, fields ...string) answer {
	l.Helper()
	method, body := "GET", ""
	if len(fields) > 0 {
		object := make(map[string]string)
		for i := 0; i < len(fields); i += 2 {
			object[fields[i]] = fields[i+1]
		}
		doc, err := json.Marshal(object)
		if err != nil {
			l.Fatal(err)
		}
		method, body = "POST", string(doc)
	}
	r := httptest.NewRequest(method, "/api/v2/sdk/"+path, strings.NewReader(body))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Agent": "test", "X-Operating-Sys-Version": "test", "X-Client-Id": "app",
		"X-Device-Fingerprint": device,
	} {
		r.Header.Set(name, value)
	}
	l.trace = nil
	w := httptest.NewRecorder()
	l.auth.Handler().ServeHTTP(w, r)
	a := answer{outside: fmt.Sprint(w.Code, w.Header(), w.Body), inside: strings.Join(l.trace, "\n")}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		l.Fatalf("%s: %v", a.outside, err)
	}
	return a
}

// send asks for a code, which is not mailed yet.
func (l *login) send(device, email string) answer {
	l.Helper()
	puzzle := l.request(device, "captcha?type=pow").body
	pow := puzzle["pow"].(map[string]any)
	n := 0
	for sha256.Sum256([]byte(pow["salt"].(string) + strconv.Itoa(n)))[0] >= 128 {
		n++
	}
	ticket := l.request(device, "captcha/verify", "token", puzzle["token"].(string), "sender", email, "captcha_code", strconv.Itoa(n))
	if err := l.store.Beat(l.Context(), time.Now()); err != nil { // somebody would deliver it
		l.Fatal(err)
	}
	return l.request(device, "email/send", "email", email, "type", "LOGIN_EMS", "captcha_token", ticket.body["captcha_token"].(string))
}

func (l *login) guess(device, email, code string) answer {
	l.Helper()
	return l.request(device, "login/email-verify-code", "email", email, "verify_code", code)
}

// logIn makes an account for the address, or uses it.
func (l *login) logIn(device, email string) {
	l.Helper()
	l.send(device, email)
	ctx, cancel := context.WithCancel(l.Context())
	done := make(chan error, 1)
	go func() { done <- l.auth.Run(ctx) }()
	mail := <-l.mails
	for mail.To != email { // somebody else's
		mail = <-l.mails
	}
	cancel()
	if err := <-done; err != nil {
		l.Fatal(err)
	}
	if a := l.guess(device, email, mail.Code); a.body["status"] != "SUCCESS" {
		l.Fatal(a.outside)
	}
	time.Sleep(time.Hour)
}

func (l *login) disable(email string) {
	l.Helper()
	user, _, err := l.store.UserByEmail(l.Context(), email)
	if err != nil {
		l.Fatal(err)
	}
	if err := l.auth.DisableUser(l.Context(), user.ID); err != nil {
		l.Fatal(err)
	}
}

// accounts are what there may be behind an address.
var accounts = map[string]func(l *login, email string){
	"none":           func(*login, string) {},
	"one":            func(l *login, email string) { l.logIn("the owner's", email) },
	"a disabled one": func(l *login, email string) { l.logIn("the owner's", email); l.disable(email) },
}

// A wrong code is answered by the same bytes and costs the same statements,
// with as many rows, whatever it is that is wrong.
func TestAbuse_H03_C22_wrongCodesAreAlike(t *testing.T) {
	t.Parallel()
	alike(t, func(l *login) {
		var first answer
		for account, open := range accounts {
			for code, prepare := range map[string]func(email string){
				"none": func(string) {},
				"live": func(email string) { l.send("a device", email) },
				"expired": func(email string) {
					l.send("a device", email)
					time.Sleep(10 * time.Minute)
				},
				"exhausted": func(email string) {
					l.send("a device", email)
					for range 5 {
						l.guess("a device", email, "wrong")
					}
				},
				"superseded": func(email string) {
					l.send("a device", email)
					time.Sleep(6 * time.Minute)
					l.send("a device", email)
				},
				"another device's": func(email string) { l.send("another", email) },
				"used": func(email string) {
					if account == "one" {
						l.logIn("a device", email)
					}
				},
			} {
				email := strings.NewReplacer(" ", "-", "'", "").Replace(account + "." + code + "@b.example")
				open(l, email)
				prepare(email)
				l.guess("a device", email, "wrong") // what is done now and then, or the first time, is done here
				got := l.guess("a device", email, "wrong")
				if first.outside == "" {
					first = got
				}
				if got.outside != first.outside {
					t.Errorf("account %s, code %s: %s, want %s", account, code, got.outside, first.outside)
				}
				if got.inside != first.inside {
					t.Errorf("account %s, code %s:\n%s\nwant\n%s", account, code, got.inside, first.inside)
				}
			}
		}
		if !strings.Contains(first.inside, "UPDATE challenges") {
			t.Errorf("nothing was counted:\n%s", first.inside)
		}
	})
}

// Asking for a code does the same for every address, whether or not it has an
// account, and was ever heard of.
func TestAbuse_B17_H01_H02_H09_sendsAreAlike(t *testing.T) {
	t.Parallel()
	alike(t, func(l *login) {
		var first answer
		for account, open := range accounts {
			for heard, ask := range map[string]func(email string){
				"":     func(string) {},
				"once": func(email string) { l.send("another", email); time.Sleep(time.Hour) },
			} {
				email := strings.ReplaceAll(account, " ", "-") + heard + "@b.example"
				open(l, email)
				ask(email)
				l.send("a device", "warm.up."+email)
				got := l.send("a device", email)
				if first.outside == "" {
					first = got
				}
				if got.outside != first.outside {
					t.Errorf("account %s, asked %s: %s, want %s", account, heard, got.outside, first.outside)
				}
				if got.inside != first.inside {
					t.Errorf("account %s, asked %s:\n%s\nwant\n%s", account, heard, got.inside, first.inside)
				}
			}
		}
	})
}
