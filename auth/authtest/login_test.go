package authtest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/middleware"
)

// payload reads the claims of an id_token without checking it.
func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	doc, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(doc, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// read makes a GET request and returns status and body.
func read(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(*auth.Config)
		page   string
	}{
		{"cookie client", func(*auth.Config) {}, "https://app.example/account"},
		{"header client", func(c *auth.Config) { c.Clients = []auth.Client{{ID: "app"}} }, "https://app.example/account"},
		{"under a prefix", func(c *auth.Config) { c.Issuer = "https://app.example/auth" }, "https://app.example/account"},
		{"limits of production", func(c *auth.Config) { c.Limits = auth.Limits{} }, "https://app.example/account"},
		{"a harder captcha", func(c *auth.Config) {
			c.Captchas = []captcha.Engine{captcha.Digits(), captcha.ProofOfWork(8)}
		}, "https://app.example/account"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var first, all []string
				kit := authtest.New(t, row.change, func(c *auth.Config) {
					c.OnFirstLogin = func(_ context.Context, id auth.Identity) error { first = append(first, id.Email); return nil }
					c.OnLogin = func(_ context.Context, id auth.Identity) error { all = append(all, id.Email); return nil }
				})
				app := http.NewServeMux()
				app.Handle("/", kit.Auth.Handler())
				app.Handle("/account", middleware.RequireSession(kit.Auth)(hello))
				kit.Handler = app

				ann := kit.Login(t, "ann@b.example")
				ben := kit.Login(t, "ben@b.example")
				if row.name != "limits of production" { // which want a minute between two mails to strangers
					kit.Login(t, "ann@b.example") // on the same device
				}
				for want, client := range map[string]*http.Client{"Hello ann@b.example": ann, "Hello ben@b.example": ben} {
					if status, body := read(t, client, row.page); status != 200 || body != want {
						t.Errorf("%d %s, want %s", status, body, want)
					}
				}
				if status, _ := read(t, kit.Client(), row.page); status != 401 {
					t.Errorf("a client that did not log in: %d", status)
				}
				if strings.Join(first, " ") != "ann@b.example ben@b.example" || len(all) < 2 {
					t.Errorf("OnFirstLogin was called for %q, OnLogin for %q", first, all)
				}
			})
		})
	}
}

// What a client sends arrives as it would over a network.
func TestClient(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t)
	kit.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/moved":
			http.Redirect(w, r, "/echo?x=1", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", r.Method+" "+r.Host+" "+r.RequestURI+" "+r.Header.Get("X-Mine"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	})
	client := kit.Client()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://app.example/moved", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Mine", "mine")
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if got, want := res.Header.Get("X-Echo"), "PUT app.example /echo?x=1 mine"; got != want || string(body) != "text" || res.StatusCode != 418 {
		t.Errorf("%d %q %q, want %q", res.StatusCode, got, body, want)
	}
	if _, err := client.Get("https://app.example/abort"); err == nil {
		t.Error("an answer that was aborted has arrived")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Do(r.Clone(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was canceled: %v", err)
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var box authtest.Mailbox
		go func() {
			for _, m := range []auth.CodeMail{
				{To: "ann@b.example", Code: "111111"}, {To: "ben@b.example", Code: "222222"},
				{To: "Ann@b.example", Code: "333333"}, {To: "ann@b.example", Code: "444444"},
			} {
				time.Sleep(time.Second)
				if err := box.SendCode(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		}()
		for _, want := range []struct{ email, code string }{
			{"ben@b.example", "222222"}, {"ann@b.example", "111111"}, {"ann@b.example", "333333"}, {"ann@b.example", "444444"},
		} {
			if got := box.Code(t, want.email); got != want.code {
				t.Errorf("%s got %s, want %s", want.email, got, want.code)
			}
		}
		if got := box.Mails(); len(got) != 4 || got[1].To != "ben@b.example" {
			t.Errorf("%+v", got)
		}
	})
}

func TestSolve(t *testing.T) {
	t.Parallel()
	engine := captcha.ProofOfWork(10)
	for range 20 {
		state, puzzle, err := engine.New()
		if err != nil {
			t.Fatal(err)
		}
		answer := authtest.Solve(*puzzle.Proof)
		if right, err := engine.Check(t.Context(), state, captcha.Answer{Code: answer}); !right || err != nil {
			t.Errorf("%q does not solve %+v, error %v", answer, *puzzle.Proof, err)
		}
	}
}
