package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
)

// The page and the script of docs/clients.md are used in a browser.
func TestBrowserClients(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	t.Run("a header client of another origin", func(t *testing.T) {
		t.Parallel()
		page := httptest.NewUnstartedServer(nil)
		origin := asLocalhost("http://" + page.Listener.Addr().String())
		server := newClientServer(t, auth.Client{ID: "spa", Origins: []string{origin}})
		page.Config.Handler = clientPage(t, "http://127.0.0.1:8080", server.url)
		page.Start()
		t.Cleanup(page.Close)
		tab := openTab(t, browser, origin)
		tab.logIn(server, "spa")
		tab.useScript(server, fmt.Sprintf("new Login('spa', %q)", server.url))
	})
	t.Run("a cookie client", func(t *testing.T) {
		t.Parallel()
		server := newClientServer(t, auth.Client{ID: "web", Cookie: true})
		api, page := server.Handler, clientPage(t, "'spa', 'http://127.0.0.1:8080'", "'web'")
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				api.ServeHTTP(w, r)
			} else {
				page.ServeHTTP(w, r)
			}
		})
		tab := openTab(t, browser, asLocalhost(server.url))
		tab.logIn(server, "web")
		tab.useScript(server, "new Login('web')")
	})
}

// asLocalhost is the same server by the name with which browsers take it for
// safe, and for another origin than its address.
func asLocalhost(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }

// clientPage serves the page, in which one thing is changed, and the script.
func clientPage(t *testing.T, before, after string) http.Handler {
	t.Helper()
	page, script := replaceOnce(t, documentCode(t, "docs/clients.md", "html", ""), before, after), documentCode(t, "docs/clients.md", "js", "")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, page)
		case "/mailkey.js":
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = io.WriteString(w, script)
		default:
			http.NotFound(w, r)
		}
	})
}

// startChromium returns the context of a browser, which ends with the test.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	browser, err := services.StartChromium(services.Chromium(t))
	if err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	t.Cleanup(browser.Stop)
	return browser.Context
}

// clientTab is a tab in a profile of its own, which shows the page.
type clientTab struct {
	*testing.T
	ctx context.Context
}

func openTab(t *testing.T, browser context.Context, url string) *clientTab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	ctx, stop := context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(func() { stop(); cancel() })
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	return &clientTab{t, ctx}
}

// eval returns the value of an expression as text; a promise is waited for.
func (b *clientTab) eval(expression string) string {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wait waits until the expression is true.
func (b *clientTab) wait(expression string) {
	b.Helper()
	b.eval(fmt.Sprintf(`(async () => {
		const end = Date.now() + 20_000
		while (!(%s)) {
			if (Date.now() > end) return document.body.innerText
			await new Promise(next => setTimeout(next, 10))
		}
		return ''
	})().then(seen => { if (seen) throw new Error(seen); return '' })`, expression))
}

// submit fills in a field and submits the form.
func (b *clientTab) submit(field, value string) {
	b.Helper()
	b.wait(fmt.Sprintf(`document.forms[0]?.%s.checkVisibility()`, field))
	b.eval(fmt.Sprintf(`document.forms[0].%s.value = %q, document.forms[0].requestSubmit(), ''`, field, value))
}

// logIn uses the page as a person does, who mistypes the captcha first.
func (b *clientTab) logIn(s *clientServer, client string) {
	b.Helper()
	const picture, said = `document.querySelector('img')`, `document.querySelector('output').value`
	b.submit("email", "ann@example.org")
	b.wait(picture + `.naturalWidth === 240`)
	s.read(b.T)
	b.eval(picture + `.before = ` + picture + `.src`)
	b.submit("answer", "wrong")
	b.wait(said + ` === 'Graphic verification code verification failed' && ` + picture + `.src !== ` + picture + `.before`)
	b.submit("answer", s.read(b.T))
	b.submit("code", s.Mailbox.Code(b.T, "ann@example.org"))
	b.wait(said + `.startsWith('Signed in: ')`)
	var claims struct{ Aud, Email string }
	text := strings.TrimPrefix(b.eval(said), "Signed in: ")
	if err := json.Unmarshal([]byte(text), &claims); err != nil || claims.Aud != client || claims.Email != "ann@example.org" {
		b.Errorf("claims: %v, %v", text, err)
	}
	if got := b.eval(`document.cookie`); got != "" {
		b.Errorf("scripts see the cookie %s", got)
	}
	b.eval(`document.forms[0].requestSubmit(), ''`)
	b.wait(said + ` === 'Signed out'`)
}

// useScript does without the page what that does not do.
func (b *clientTab) useScript(s *clientServer, login string) {
	b.Helper()
	b.eval(fmt.Sprintf(`import('/mailkey.js').then(async ({ Login, solve }) => {
		globalThis.login = %s
		const captcha = await login.captcha('pow')
		await login.sendCode('bob@example.org', captcha, await solve(captcha.pow))
		return ''
	})`, login))
	token := b.eval(fmt.Sprintf(`login.login('bob@example.org', %q)`, s.Mailbox.Code(b.T, "bob@example.org")))
	if fresh := b.eval(`login.idToken()`); fresh == token || strings.Count(fresh, ".") != 2 {
		b.Errorf("a fresh id_token: %s, after %s", fresh, token)
	}
	b.eval(`login.logout().then(() => '')`)
	if got := b.eval(`login.idToken().catch(refusal => refusal.code + ' ' + refusal.message)`); got != "IDAAS.SDK.PARAM.0023 Invalid or expired session token" {
		b.Errorf("after the logout: %s", got)
	}
}
