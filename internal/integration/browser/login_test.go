package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The whole way in both languages: whoever asks for a page of the app ends up
// there, and going back from there leads to no step of the login.
func TestLogin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		look     look
		language string
		title    string
	}{
		{"English on a phone", phone, "en", "Sign in"},
		{"Chinese on a phone", zhPhone, "zh", "登录"},
		{"English on a desktop", desktop, "en", "Sign in"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := s.newTab(t, row.look)
			b.open("/")
			b.open("/account?tab=2")
			b.at("/login?return_to=%2Faccount%3Ftab%3D2")
			b.step("email")
			if got := b.text("email-title"); got != row.title {
				t.Errorf("title: got %q, want %q", got, row.title)
			}
			b.enterAddress("ann@example.org")
			b.enterDigits()
			b.step("code")
			b.fill("typed", s.mails.Code(t, "ann@example.org")+"\r")
			if mail := s.mails.Mails()[0]; mail.Language != row.language {
				t.Errorf("the mail is in %s", mail.Language)
			}
			b.at("/account?tab=2")
			if got := b.text("account"); !strings.Contains(got, "ann@example.org") {
				t.Errorf("the app's page says %q", got)
			}
			history := b.history()
			var paths []string
			for _, e := range history.Entries[:history.CurrentIndex+1] {
				paths = append(paths, strings.TrimPrefix(e.URL, s.url))
			}
			if got := strings.Join(paths, " "); got != "about:blank / /account?tab=2" {
				t.Errorf("going back leads through %s", got)
			}
		})
	}
}

// Tab, Enter and the cursor's place are enough.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.open("/login?return_to=%2Faccount")
	b.step("email")
	// order are the elements that Tab leads to from where the cursor is put.
	order := func(step string, want ...string) {
		t.Helper()
		b.step(step)
		for i, id := range want {
			if i > 0 {
				b.do(chromedp.KeyEvent(kb.Tab))
			}
			got := eval[string](b, `(document.activeElement.id || document.activeElement.innerText) + (document.activeElement.matches(':focus-visible') ? '' : ', and it does not show')`)
			if got != id {
				t.Errorf("%s, Tab %d: got %s, want %s", step, i, got, id)
			}
		}
		b.do(chromedp.KeyEvent(strings.Repeat(kb.Tab, len(want)-1), chromedp.KeyModifiers(chromedp.ModifierShift)))
	}
	order("email", "address", "Continue", "have-code")
	b.do(chromedp.KeyEvent("ann@example.org\r"))
	order("captcha", "digits-answer", "send", "Move a puzzle piece instead", "Let this device do it instead", "Use another address")
	b.do(chromedp.KeyEvent(strings.Repeat(kb.Tab, 2) + "\r"))
	order("slider", "position", "New picture", "send")
	b.do(chromedp.KeyEvent(strings.Repeat(kb.Tab, 3) + "\r")) // back to digits
	b.enterDigits()
	order("code", "typed", "Sign in", "Use another address")
	b.do(chromedp.KeyEvent(s.mails.Code(t, "ann@example.org") + kb.Tab + "\r"))
	b.at("/account")
}

// The switch is remembered, leads to the same place, and changes the texts of
// the server, too.
func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.refuse("email-verify-code")
	b.open("/login?return_to=%2Faccount")
	b.step("email")
	b.click("a[hreflang=zh]")
	b.at("/login?lang=zh&return_to=%2Faccount")
	b.step("email")
	if got := eval[string](b, "document.documentElement.lang + document.title"); got != "zh登录 · Acme Notes" {
		t.Errorf("after the switch: %q", got)
	}
	b.requestCode("ann@example.org")
	b.click("a[hreflang=en]") // in the middle of it
	b.at("/login?lang=en&return_to=%2Faccount")
	b.step("code")
	if got := b.text("code-title"); got != "Check your mail" {
		t.Errorf("the step is called %q", got)
	}
	b.click("a[hreflang=zh]")
	b.at("/login?lang=zh&return_to=%2Faccount")
	b.step("code")
	b.fill("typed", "000000\r")
	if got := b.alert("code-error"); got != "验证码不正确，请以最新邮件中的为准。" {
		t.Errorf("told %q", got)
	}
	b.open("/login")
	b.step("code")
	if got := eval[string](b, "document.documentElement.lang"); got != "zh" {
		t.Errorf("a day later the page is in %s", got)
	}
}

// Whoever is signed in already is told so and goes on; not, though, who came
// back or opened the page for its own sake.
func TestAlreadySignedIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login")
	b.logIn("ann@example.org")
	b.at("/")

	b.open("/login")
	b.step("done")
	if got := b.text("done"); !strings.Contains(got, "You are signed in") || !strings.Contains(got, "ann@example.org") {
		t.Errorf("told %q", got)
	}
	b.click("#go-on")
	b.at("/")

	b.open("/login?return_to=%2Faccount")
	b.at("/account")
	b.open("/login?return_to=%2Faccount") // at once: as if the app had sent them back
	b.step("done")
	b.click("#done .back")
	b.step("email")

	b.open("/login")
	b.click("#sign-out")
	b.step("email")
	b.open("/account")
	b.at("/login?return_to=%2Faccount")
}

// The page works at any path, with the endpoints below another.
func TestMounting(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ path, prefix string }{{"/auth/sign-in", "/auth"}, {"/enter", "/v1/auth"}, {"/a/b/c", ""}} {
		t.Run(row.path, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *siteConfig) { c.page.Path, c.prefix = row.path, row.prefix })
			b := s.newTab(t, desktop)
			b.open("/account")
			b.at(row.path + "?return_to=%2Faccount")
			b.enterAddress("ann@example.org")
			b.click("button[value=pow]")
			b.step("code")
			b.fill("typed", s.mails.Code(t, "ann@example.org")+"\r")
			b.at("/account")
			b.open(row.path + "/sessions")
			b.wait(`document.querySelectorAll('#list li').length === 1`)
			b.click("#here")
			b.at(row.path)
		})
	}
}

// Without JavaScript the page says what is missing, in every language.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, oldPhone)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open("/login")
	got := b.rawText("main")
	for _, want := range []string{"This page needs JavaScript", "此页面需要 JavaScript"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page says %q, and not %q", got, want)
		}
	}
	b.shot("noscript")
}

// rawText is what an element says when its page runs no scripts: those of the
// tests are not the page's.
func (b *tab) rawText(selector string) string {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// When the server cannot be reached, the page says so, and nothing is lost.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.refuse("/api/")
	b.open("/login")
	b.enterAddress("ann@example.org")
	offline := func(is bool) {
		call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}},
		})
	}
	offline(true)
	b.enterDigits()
	if got := b.alert("captcha-error"); !strings.HasPrefix(got, "The server cannot be reached.") {
		t.Errorf("told %q", got)
	}
	offline(false)
	b.do(chromedp.KeyEvent("\r"))
	b.step("code")
	code := s.mails.Code(t, "ann@example.org")
	offline(true)
	b.fill("typed", code+"\r")
	b.alert("code-error")
	offline(false)
	b.do(chromedp.KeyEvent("\r"))
	b.at("/")
}

// While a request takes its time, the page shows that it works on it, and does
// nothing twice.
func TestProgressIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login")
	b.requestCode("ann@example.org")
	hold := s.hold(t, "/api/v2/sdk/login/email-verify-code")
	b.fill("typed", "00000")
	b.do(chromedp.KeyEvent("0\r\r\r"))
	b.wait(`document.body.getAttribute('aria-busy') === 'true' && document.getElementById('status').innerText === 'One moment …'`)
	b.shot("busy")
	b.refuse("email-verify-code")
	hold()
	b.alert("code-error")
	if n := b.asked("email-verify-code"); n != 1 {
		t.Errorf("%d requests for one code", n)
	}
	if got := b.text("status"); got != "" {
		t.Errorf("afterwards the page still says %q", got)
	}
}
