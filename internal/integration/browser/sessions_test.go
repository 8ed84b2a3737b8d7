package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// People see where they are signed in, and end what they do not know.
func TestSessions(t *testing.T) {
	t.Parallel()
	needAxe(t)
	s := newSite(t)
	var tabs []*tab
	for _, l := range []look{phone, desktop, zhPhone} {
		b := s.newTab(t, l)
		b.open("/login?return_to=%2Flogin%2Fsessions")
		b.logIn("ann@example.org")
		b.at("/login/sessions")
		s.clock.forward(time.Minute) // until the next mail
		tabs = append(tabs, b)
	}
	b := tabs[0]
	b.open("/login/sessions")
	b.wait(`document.querySelectorAll('#list li').length === 3`)
	b.accessible("three devices")
	b.fits("three devices")
	b.shot("devices-three")
	if got := b.text("list"); !strings.Contains(got, "Chrome on Linux") || !strings.Contains(got, "This device") || strings.Count(got, "Sign out") != 2 {
		t.Errorf("the list says %q", got)
	}
	b.click("#list li:nth-child(2) button")
	b.wait(`document.querySelectorAll('#list li').length === 2`)
	if got := eval[string](b, `document.activeElement.id + document.getElementById('status').innerText`); got != "titleSigned out." {
		t.Errorf("afterwards the cursor is at, and the page says, %q", got)
	}
	b.click("#others")
	b.wait(`document.querySelectorAll('#list li').length === 1 && !document.getElementById('others').checkVisibility()`)
	for _, other := range tabs[1:] {
		other.open("/account")
		other.at("/login?return_to=%2Faccount")
	}
	b.open("/account")
	b.at("/account")
}

// A session that was ended elsewhere leads to the login, and back here.
func TestSessionsOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, desktop)
	b.refuse("/sessions")
	b.open("/login/sessions")
	b.at("/login?return_to=%2Flogin%2Fsessions")
	b.logIn("ann@example.org")
	b.at("/login/sessions")
	b.wait(`document.querySelector('#list li')`)
	if err := s.auth.RevokeAllSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	eval[bool](b, `document.getElementById('others').hidden = false, document.getElementById('others').click(), true`)
	b.at("/login?return_to=%2Flogin%2Fsessions")
	b.step("email")
}

// On a slow line the pages are there before their scripts: until then the buttons
// that need them cannot be pressed, rather than do nothing.
func TestSessionsBeforeScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.newTab(t, phone)
	b.open("/login")
	b.logIn("ann@example.org")
	b.at("/")
	for path, script := range map[string]string{"/login": "/login/login.js", "/login/sessions": "/login/sessions.js"} {
		release := s.hold(t, script)
		eval[bool](b, fmt.Sprintf(`setTimeout(() => location.href = %q), true`, path))
		b.wait(fmt.Sprintf(`location.pathname === %q && document.querySelector('main button')`, path))
		if got := eval[int](b, `[...document.querySelectorAll('main button')].filter(b => b.checkVisibility() && !b.disabled).length`); got != 0 {
			t.Errorf("%s: %d buttons can be pressed without the script", path, got)
		}
		release()
		b.wait(`[...document.querySelectorAll('main button')].some(b => b.checkVisibility() && !b.disabled)`)
	}
}
