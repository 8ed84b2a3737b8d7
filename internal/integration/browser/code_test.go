package browser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"example.com/mailkey/auth"
)

// What is wrong with a code is said so that people know what to do.
func TestWrongCodes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.refuse("email-verify-code")
	b.open("/login")
	code := b.requestCode("ann@example.org")
	try := func(code string) string {
		t.Helper()
		b.fill("typed", code+"\r")
		b.wait(`document.getElementById('code-error').innerText && !document.body.hasAttribute('aria-busy')`)
		return b.text("code-error")
	}
	b.do(chromedp.KeyEvent("\r"))
	if got, want := b.alert("code-error"), "Please enter the code."; got != want {
		t.Errorf("nothing: told %q, want %q", got, want)
	}
	for range 4 {
		if got, want := try(wrong(code)), "This code is not right. Take it from the newest mail."; got != want {
			t.Errorf("a wrong one: told %q, want %q", got, want)
		}
	}
	if invalid := eval[bool](b, `document.getElementById('typed').getAttribute('aria-invalid') === 'true'`); !invalid {
		t.Error("the field is not marked")
	}
	if kept := eval[string](b, `JSON.stringify([{...localStorage}, {...sessionStorage}])`); strings.Contains(kept, wrong(code)) {
		t.Errorf("what was typed is kept: %s", kept)
	}
	for _, guess := range []string{wrong(code), code} {
		if got, want := try(guess), "There were too many wrong codes, so this one no longer works. Send yourself a new one."; got != want {
			t.Errorf("after five: told %q, want %q", got, want)
		}
	}
}

func TestExpiredCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.refuse("email-verify-code")
	b.open("/login")
	code := b.requestCode("ann@example.org")
	if got := b.text("valid"); got != "It works for 10 minutes." {
		t.Errorf("the page says %q", got)
	}
	b.pass(11 * time.Minute)
	b.fill("typed", code+"\r")
	if got, want := b.alert("code-error"), "This code has expired. Send yourself a new one."; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	b.shot("expired")
	if got := b.text("valid"); got != "" {
		t.Errorf("the page says %q", got)
	}
}

// pass puts the clocks of the page and of the store forward.
func (b *tab) pass(d time.Duration) {
	b.Helper()
	b.site.clock.forward(d)
	eval[bool](b, `{ const now = Date.now; Date.now = () => now() + `+strconv.FormatInt(d.Milliseconds(), 10)+`; true }`)
}

// Another mail can be had after a while that the page counts down, and brings
// the same code, or a new one when that was used up.
func TestResend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login?return_to=%2Faccount")
	code := b.requestCode("ann@example.org")
	if got := b.text("resend"); !strings.HasPrefix(got, "Send it again in ") || !strings.HasSuffix(got, " seconds") {
		t.Errorf("the button says %q", got)
	}
	if !eval[bool](b, `document.getElementById('resend').disabled`) {
		t.Error("the button can be pressed")
	}
	b.pass(time.Minute)
	b.wait(`!document.getElementById('resend').disabled`)
	if got := b.text("resend"); got != "Send it again" {
		t.Errorf("the button says %q", got)
	}
	b.click("#resend")
	b.step("captcha")
	b.click("#back-to-code") // the code still works
	b.step("code")
	b.click("#resend")
	b.enterDigits()
	b.step("code")
	if again := s.mails.Code(t, "ann@example.org"); again != code {
		t.Errorf("the second mail has another code")
	}
	b.fill("typed", code+"\r")
	b.at("/account")
}

// Who is too fast is told how long to wait, and may still use the code of
// before.
func TestTooManyMails(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) { c.auth.Limits.Address.Cooldown = 5 * time.Minute })
	b := s.newTab(t, phone)
	b.refuse("email/send")
	b.open("/login?return_to=%2Faccount")
	code := b.requestCode("ann@example.org")
	second := b.another(t, phone)
	second.refuse("email/send")
	second.open("/login?return_to=%2Faccount")
	second.enterAddress("ann@example.org")
	second.enterDigits()
	if got := second.alert("email-error"); !strings.HasPrefix(got, "Too many attempts. Try again in ") || !strings.HasSuffix(got, " minutes.") {
		t.Errorf("told %q", got)
	}
	second.click("#have-code")
	second.fill("typed", code+"\r")
	second.at("/account")
}

// Codes are pasted with spaces, and there are longer ones.
func TestWaysToTypeACode(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) {
		c.auth.Limits.Address.Level1After, c.auth.Limits.Address.Level2After = 1, 2
	})
	stranger := s.newTab(t, desktop)
	stranger.refuse("email-verify-code")
	stranger.open("/login")
	for _, victim := range []struct {
		email   string
		guesses int
	}{{"ben@example.org", 1}, {"eve@example.org", 2}} {
		code := stranger.requestCode(victim.email)
		for n := range victim.guesses {
			if n > 0 { // a code that became too short counts no guesses
				stranger.pass(time.Minute)
				stranger.wait(`!document.getElementById('resend').disabled`)
				stranger.click("#resend")
				stranger.enterDigits()
				stranger.step("code")
				code = s.mails.Code(t, victim.email)
			}
			stranger.fill("typed", wrong(code)+"\r")
			stranger.wait(`!document.body.hasAttribute('aria-busy') && document.getElementById('code-error').innerText`)
		}
		stranger.click("#code .back")
	}
	s.clock.forward(time.Minute)

	for _, row := range []struct {
		email  string
		length int
		typed  func(code string) string
	}{
		{"ann@example.org", 6, func(c string) string { return c[:3] + " " + c[3:] }},
		{"ann2@example.org", 6, func(c string) string { return " " + c[:3] + "\u00a0" + c[3:] + "\t" }},
		{"ben@example.org", 8, func(c string) string { return c[:4] + "-" + c[4:] }},
		{"eve@example.org", 10, func(c string) string { return " " + strings.ToLower(c[:5]) + " " + c[5:] + " " }},
	} {
		t.Run(row.email, func(t *testing.T) {
			b := s.newTab(t, phone)
			b.open("/login?return_to=%2Faccount")
			code := b.requestCode(row.email)
			if len(code) != row.length {
				t.Fatalf("the code has %d characters, want %d", len(code), row.length)
			}
			if row.length == 10 {
				b.click("#letters")
				if got := eval[string](b, `document.activeElement.inputMode`); got != "text" {
					t.Errorf("the keyboard is for %s", got)
				}
			}
			b.wait(`document.activeElement?.id === 'typed'`)
			call(b, input.InsertText, input.InsertTextParams{Text: row.typed(code)})
			if got := eval[string](b, `document.activeElement.value`); len(got) != row.length || !strings.EqualFold(got, code) {
				t.Errorf("the field holds %q, want %q", got, code)
			}
			if eval[bool](b, `document.activeElement.scrollWidth > document.activeElement.clientWidth`) {
				t.Error("the code does not fit into its field")
			}
			b.do(chromedp.KeyEvent("\r"))
			b.at("/account")
		})
	}
}

// How far somebody got outlives reloading, going back and forth, and other
// pages; the code itself is kept nowhere.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login?return_to=%2Faccount")
	b.enterAddress("ann@example.org")
	b.do(chromedp.Reload())
	b.enterDigits()
	b.step("code")
	code := s.mails.Code(t, "ann@example.org")
	b.fill("typed", code)

	b.do(chromedp.Reload())
	b.step("code")
	if got := eval[string](b, `document.getElementById('typed').value`); got != "" {
		t.Errorf("after reloading the code is there: %q", got)
	}
	if got := b.text("code-intro") + b.text("valid") + b.text("resend"); !strings.Contains(got, "ann@example.org") ||
		!strings.Contains(got, "10 minutes") || !strings.Contains(got, "again in") {
		t.Errorf("after reloading the page says %q", got)
	}

	eval[bool](b, `history.back(), true`)
	b.step("email")
	if got := eval[string](b, `document.getElementById('address').value`); got != "ann@example.org" {
		t.Errorf("going back led to the address %q", got)
	}
	eval[bool](b, `history.forward(), true`)
	b.step("code")

	b.open("/")
	b.open("/login?return_to=%2Faccount")
	b.step("code")
	for _, storage := range []string{"localStorage", "sessionStorage"} {
		kept := eval[string](b, `JSON.stringify({...`+storage+`})`)
		if strings.Contains(kept, code) {
			t.Errorf("the code is in %s: %s", storage, kept)
		}
	}
	b.fill("typed", code+"\r")
	b.at("/account")
	if got := eval[string](b, `JSON.stringify({...sessionStorage})`); got != "{}" {
		t.Errorf("after the login sessionStorage holds %s", got)
	}
}

// A person who may not come in is told so by the server's own reasons.
func TestRefusedPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) { c.auth.Registration = auth.RegistrationClosed })
	b := s.newTab(t, phone)
	b.refuse("email-verify-code")
	b.open("/login")
	b.logIn("stranger@example.org")
	if got, want := b.alert("code-error"), "There is no account with this address."; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// What the page takes for an address, and the server does not, comes back with
// the server's reason.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.refuse("captcha/verify")
	b.open("/login")
	b.step("email")
	for typed, want := range map[string]string{
		"\r": "Please enter your e-mail address.", "ann\r": "This does not look like an e-mail address.",
		"ann@example\r": "This does not look like an e-mail address.",
	} {
		b.fill("address", typed)
		if got := b.alert("email-error"); got != want {
			t.Errorf("%q: told %q, want %q", typed, got, want)
		}
		eval[bool](b, `document.getElementById('address').value = '', true`)
	}
	b.enterAddress("ann..lee@example.org")
	b.enterDigits()
	if got, want := b.alert("email-error"), "Invalid email address"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	b.fill("address", "ann@example.org\r")
	b.step("captcha")
}
