package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// evil serves a page of an attacker: at 127.0.0.1 another site than ours, which
// is at localhost, and at localhost the same site on another origin.
func evil(t *testing.T, host, body string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { html(w, body) }))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}

// openRedirects are return paths that lead elsewhere: see auth/returnpath_test.go
// for more of them.
var openRedirects = []string{
	"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "https:evil.example", "https://evil.example", "https:/evil.example",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "/%09/evil.example", "/\t/evil.example",
	"/\n/evil.example", "/%5cevil.example", "/%2f/evil.example", "/..//evil.example", "/./\\evil.example", "@evil.example",
	"/a\r\nSet-Cookie: a=b", "//localhost@evil.example", "account",
}

// Wherever a link asks the page to lead, it leads to the same origin.
func TestAbuse_I04_returnPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	for _, target := range openRedirects {
		b.open("/login?return_to=" + url.QueryEscape(target))
		b.step("email")
		for where, expression := range map[string]string{
			"after the login": "document.documentElement.dataset.return", "the link": "document.getElementById('go-on').href",
		} {
			if got := eval[string](b, "new URL("+expression+", location).href"); got != s.url+"/" {
				t.Errorf("%q: %s leads to %s", target, where, got)
			}
		}
	}
	b.logIn("ann@example.org") // with the last of them
	b.at("/")
	for _, target := range openRedirects[:4] { // signed in already
		b.open("/login?return_to=" + url.QueryEscape(target))
		b.step("done")
		b.click("#go-on")
		b.at("/")
	}
}

// A page of somebody else can neither log people in to an account of its choice
// nor out of theirs, whatever requests it makes their browser send.
func TestAbuse_I01_I02_I03_crossSite(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, host string }{{"another site", "127.0.0.1"}, {"the same site", "localhost"}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := s.newTab(t, desktop)
			b.refuse("/api/")
			b.refuse("/favicon.ico") // of what is no page
			b.open("/login")
			b.logIn("ann@example.org")
			b.at("/")
			before := b.sessionCookie()
			if before == "" {
				t.Fatal("there is no session")
			}
			const api = "/api/v2/sdk/"
			for _, attack := range []struct{ path, enctype string }{
				{"login/email-verify-code", "text/plain"}, {"login/email-verify-code", "application/x-www-form-urlencoded"},
				{"login/email-verify-code", "multipart/form-data"}, {"logout", "text/plain"},
			} {
				b.do(chromedp.Navigate(evil(t, row.host, fmt.Sprintf(`<form method=post enctype=%s action="%s">
					<input name='{"email":"eve@example.org","verify_code":"123456","x":"' value='"}'></form><button onclick="document.forms[0].submit()">`,
					attack.enctype, s.url+api+attack.path))))
				b.click("button")
				b.wait(fmt.Sprintf(`location.href === %q && document.body?.innerText`, s.url+api+attack.path))
				if got := eval[string](b, "document.body.innerText"); !strings.Contains(got, "MAILKEY.REQUEST.0007") {
					t.Errorf("a form as %s to %s is answered with %s", attack.enctype, attack.path, got)
				}
			}
			// Requests by script: with what needs no preflight, and with all headers.
			b.do(chromedp.Navigate(evil(t, row.host, "")))
			for _, options := range []string{
				`{method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'}`,
				`{method: 'POST', credentials: 'include', headers: {'X-client-id': 'web', 'X-agent': 'a', 'X-device-fingerprint': 'f', 'X-operating-sys-version': 'o'}}`,
				`{method: 'GET', credentials: 'include', headers: {'X-client-id': 'web', 'X-agent': 'a', 'X-device-fingerprint': 'f', 'X-operating-sys-version': 'o'}}`,
			} {
				for _, path := range []string{"logout", "sessions", "login/email-verify-code"} {
					if got := eval[string](b, fmt.Sprintf(`fetch(%q, %s).then(r => r.text()).catch(() => '')`, s.url+api+path, options)); got != "" {
						t.Errorf("%s with %s: the page reads %q", path, options, got)
					}
				}
			}
			b.takeProblems() // the browser says why it refuses
			if after := b.sessionCookie(); after != before {
				t.Errorf("the session is another one")
			}
			b.open("/account")
			b.at("/account")
		})
	}
}

// Not even a form of the app itself passes for a request of the API.
func TestAbuse_I02_forms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.refuse("/api/")
	b.refuse("/favicon.ico") // of what is no page
	for _, enctype := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
		b.open("/") // which has no policy
		eval[bool](b, fmt.Sprintf(`document.body.innerHTML = '<form method=post enctype=%s action=/api/v2/sdk/logout><input name=a value=b></form>',
			setTimeout(() => document.forms[0].submit()), true`, enctype))
		b.at("/api/v2/sdk/logout")
		if got := eval[string](b, "document.body.innerText"); !strings.Contains(got, "MAILKEY.REQUEST.0004") {
			t.Errorf("a form as %s is answered with %s", enctype, got)
		}
	}
}

// sessionCookie is the value of the session's cookie.
func (b *tab) sessionCookie() string {
	b.Helper()
	for _, c := range call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{b.site.url}}).Cookies {
		if c.Name == "__Host-mailkey" {
			return c.Value
		}
	}
	return ""
}

// Nobody shows the pages in a frame, not even the app itself.
func TestAbuse_I05_framing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.open("/login")
	b.logIn("ann@example.org")
	b.at("/")
	before := s.served("/login/page.css")
	for _, path := range []string{"/login", "/login/sessions"} {
		for _, framer := range []string{evil(t, "127.0.0.1", ""), evil(t, "localhost", ""), s.url} {
			b.do(chromedp.Navigate(framer))
			eval[bool](b, fmt.Sprintf(`new Promise(done => {
				const frame = document.createElement('iframe')
				frame.onload = () => done(true)
				frame.src = %q
				document.body.append(frame)
			})`, s.url+path))
			if s.served("/login/page.css") != before { // which a page that is shown asks for
				t.Errorf("%s shows %s in a frame", framer, path)
			}
			if problems := b.takeProblems(); !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, "frame-ancestors") }) {
				t.Errorf("the browser says %q", problems)
			}
		}
	}
}

// markup is text that becomes a script where somebody forgot to escape it.
const markup = `"'></script><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}` + "`${alert(1)}`"

// What apps, people and links put into the page stays text.
func TestAbuse_I06_markup(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) {
		c.page.ProductName = markup
		c.page.Texts = map[string]map[string]string{"en": {"email_intro": markup, "say_bad_email": markup, "say_valid": markup}}
	})
	b := s.newTab(t, desktop)
	b.refuse("/api/")
	for _, query := range []string{"lang=", "return_to=", "return_to=/", "return_to=%2F%3F", "email=", "x="} {
		b.open("/login?" + query + url.QueryEscape(markup))
		b.step("email")
	}
	b.do(chromedp.Navigate(s.url + "/login#" + markup))
	b.step("email")
	b.fill("address", "ann\r")
	if got := b.alert("email-error"); got != markup {
		t.Errorf("the alert says %q", got)
	}
	if got := b.text("email-intro"); got != markup {
		t.Errorf("the page says %q", got)
	}
	if got := eval[int](b, `document.querySelectorAll('script').length + document.querySelectorAll('img[src=x]').length`); got != 1 {
		t.Errorf("%d scripts and pictures, want the page's own one", got)
	}
	eval[bool](b, fmt.Sprintf(`sessionStorage.setItem('mailkey.login', JSON.stringify({step: 'code', email: %q, expiresAt: Date.now() + 1e6})), true`, markup))
	b.open("/login")
	b.step("code")
	if got := b.text("to"); got != markup {
		t.Errorf("the address is shown as %q", got)
	}
}

// A device can call itself what it likes.
func TestAbuse_I06_deviceNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.open("/login")
	b.step("email")
	eval[bool](b, fmt.Sprintf(`Object.defineProperty(navigator, 'userAgent', {value: %q}), Object.defineProperty(navigator, 'userAgentData', {value: {platform: %q}}), true`,
		markup, markup[:40]))
	b.logIn("ann@example.org")
	b.at("/")
	b.open("/login/sessions")
	b.wait(`document.querySelector('#list li')`)
	if got := b.text("list"); !strings.HasPrefix(got, markup[:40]) {
		t.Errorf("the list says %q", got)
	}
}

// Scripts on the page never see the session, and nothing that is worth anything
// is left behind in the browser.
func TestAbuse_I07_nothingToSteal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.open("/login?return_to=%2Flogin%2Fsessions")
	b.step("email")
	eval[bool](b, `{
		const real = fetch
		window.fetch = async (...request) => {
			const response = await real(...request)
			if (request[0].includes('email-verify-code')) sessionStorage.answer = await response.clone().text()
			return response
		}
		true
	}`)
	b.logIn("ann@example.org")
	b.at("/login/sessions")
	session := b.sessionCookie()
	answer := eval[string](b, `sessionStorage.answer`)
	if !strings.Contains(answer, `"status":"SUCCESS"`) || strings.Contains(answer, "session_token") || strings.Contains(answer, session) {
		t.Errorf("the answer to the code is %s", answer)
	}
	eval[bool](b, `delete sessionStorage.answer`)
	kept := eval[string](b, `JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, document.documentElement.outerHTML])`)
	if session == "" || strings.Contains(kept, session) || strings.Contains(kept, "eyJ") {
		t.Errorf("the browser keeps %s", kept)
	}
	if got := eval[string](b, `Object.keys(localStorage).join() + ' ' + /^[0-9a-f]{32}$/.test(localStorage['mailkey.device'])`); got != "mailkey.device true" {
		t.Errorf("localStorage holds %s", got)
	}
}

// After a logout going back shows nothing of what was there before: neither the
// app's page, nor the devices, nor the code.
func TestAbuse_I08_goingBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/account")
	b.at("/login?return_to=%2Faccount")
	b.logIn("ann@example.org")
	b.at("/account")
	b.open("/login/sessions")
	b.wait(`document.querySelector('#list li')`)
	eval[bool](b, `const link = document.createElement('a'); link.href = '/'; document.body.append(link); link.click(); true`)
	b.at("/")
	b.open("/login/sessions")
	b.wait(`document.querySelector('#list li')`)
	b.click("#here")
	b.at("/login")
	b.step("email")
	for b.back() {
		// Where it leads to is the start or the way in, whatever was there before.
		b.wait(`!/ann@example|127\.0\.0\.1/.test(document.documentElement.outerHTML) &&
			(location.pathname === '/' || document.getElementById('email').checkVisibility())`)
	}
}

// A page that the browser keeps while the person is elsewhere holds no devices,
// and is loaded anew when they come back. Not every browser keeps such pages;
// this one does not, and is told that it did.
func TestAbuse_I08_keptPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login?return_to=%2Flogin%2Fsessions")
	b.logIn("ann@example.org")
	b.at("/login/sessions")
	b.wait(`document.querySelector('#list li')`)
	if left := eval[int](b, `dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true})), document.querySelectorAll('#list li').length`); left != 0 {
		t.Errorf("the page keeps %d devices", left)
	}
	for _, path := range []string{"/login/sessions", "/login"} {
		b.open(path)
		b.at(path)
		eval[bool](b, `window.kept = true, setTimeout(() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))), true`)
		b.wait(`!window.kept && document.readyState === 'complete'`)
	}
}

// back goes back in the history, unless there is only the empty page left.
func (b *tab) back() bool {
	b.Helper()
	before := b.history().CurrentIndex
	if before <= 1 {
		return false
	}
	eval[bool](b, `setTimeout(() => history.back()), true`)
	for deadline := time.Now().Add(30 * time.Second); b.history().CurrentIndex >= before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("going back leads nowhere")
		}
	}
	return true
}

// history are the pages that going back leads to. Between two pages there are
// none to ask for.
func (b *tab) history() page.GetNavigationHistoryResult {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		h, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
		if err == nil {
			return h
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

// Nobody is told from which page somebody comes.
func TestAbuse_I08_referrer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.open("/login?return_to=%2Faccount%3Fsecret")
	b.logIn("ann@example.org")
	b.at("/account?secret")
	if got := eval[string](b, "document.referrer"); got != "" {
		t.Errorf("the app's page is told that the person comes from %s", got)
	}
}
