package browser

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/captcha"
)

// Every state of the page fits the screen and can be used by everybody: on
// small and large screens, in the light and in the dark, in both languages, and
// with texts as long as German ones.
func TestEveryState(t *testing.T) {
	t.Parallel()
	needAxe(t)
	for _, row := range []struct {
		name   string
		look   look
		change func(*siteConfig)
	}{
		{"old-phone", oldPhone, nil},
		{"phone-zh", zhPhone, nil},
		{"phone-dark", darkPhone, func(c *siteConfig) { c.page.Logo = "/logo.svg" }},
		{"desktop", desktop, func(c *siteConfig) {
			c.page.Logo, c.page.Accent = "/logo.svg", "#0b6e4f"
			c.page.Links = map[string][]loginpage.Link{"en": {{Text: "Privacy", URL: "/privacy"}, {Text: "Imprint", URL: "/imprint"}}}
		}},
		{"desktop-dark-zh", look{width: 1280, height: 800, lang: "zh", dark: true}, nil},
		{"old-phone-long", oldPhone, longTexts},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *siteConfig) {
				c.auth.Captchas[2] = captcha.ProofOfWork(32) // which takes longer than the test
				c.auth.Limits.VerifyCaptcha = auth.Rate{Count: 2, Per: 200 * time.Second}
				if row.change != nil {
					row.change(c)
				}
			})
			b := s.newTab(t, row.look)
			b.refuse("/api/")
			state := func(name string) {
				t.Helper()
				b.accessible(name)
				b.fits(name)
				b.shot(row.name + "-" + name)
			}
			b.open("/login?return_to=%2Flogin%2Fsessions")
			b.step("email")
			state("email")
			b.fill("address", "nobody\r")
			b.alert("email-error")
			state("email-wrong")
			b.open("/login?return_to=%2Flogin%2Fsessions")
			b.enterAddress("ann.with.a.long.name@mail.example.org")
			state("digits")
			b.fill("digits-answer", "12\r")
			b.alert("captcha-error")
			state("digits-wrong")
			b.click("button[value=slider]")
			b.step("slider")
			state("slider")
			b.click("button[value=pow]")
			b.step("pow")
			state("pow")
			b.click("button[value=digits]")
			b.enterDigits()
			b.step("code")
			state("code")
			code := s.mails.Code(t, "ann.with.a.long.name@mail.example.org")
			b.fill("typed", wrong(code)+"\r")
			b.alert("code-error")
			state("code-wrong")
			b.click("#code .back")
			b.fill("address", "ben@example.org\r")
			b.enterDigits()
			b.alert("email-error")
			state("limited")
			b.open("/login?return_to=%2Flogin%2Fsessions")
			b.fill("address", "ann.with.a.long.name@mail.example.org")
			b.click("#have-code")
			b.fill("typed", code+"\r")
			b.at("/login/sessions")
			b.wait(`document.querySelector('#list li')`)
			state("devices")
			b.open("/login")
			b.step("done")
			state("done")
			call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			b.open("/login?lang=en")
			b.shot(row.name + "-noscript")
		})
	}
}

// fits fails the test when something sticks out of the screen or is cut off.
func (b *tab) fits(state string) {
	b.Helper()
	const query = `[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.matches('.unseen, #piece')).filter(e => {
		const r = e.getBoundingClientRect()
		return r.left < -0.5 || r.right > document.documentElement.clientWidth + 0.5 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible' && e.tagName !== 'INPUT'
	}).map(e => e.outerHTML.slice(0, 100)).join('\n')`
	if out := eval[string](b, query); out != "" {
		b.Errorf("%s: sticks out:\n%s", state, out)
	}
}

// longTexts makes every text as long as its German translation might be, with
// compounds.
func longTexts(c *siteConfig) {
	c.auth.ProductName = "Donaudampfschifffahrtsgesellschaft Kundenkonto"
	c.page.Texts = map[string]map[string]string{"en": {
		"email_title":     "Anmeldung zum Kundenkonto",
		"email_intro":     "Wir senden Ihnen einen Einmalanmeldecode per E-Mail. Sie müssen sich kein Kennwort merken.",
		"email_label":     "Ihre E-Mail-Adresse beim Unternehmen",
		"continue":        "Weiter zur Sicherheitsüberprüfung",
		"have_code":       "Ich habe bereits einen Anmeldecode erhalten",
		"captcha_title":   "Sicherheitsüberprüfung",
		"captcha_intro":   "Damit keine Roboter Ihr Postfach mit Nachrichten überfluten können.",
		"digits_label":    "Die sechs Ziffern aus dem Bild",
		"listen":          "Sprachausgabe abspielen",
		"new_picture":     "Anderes Bild anfordern",
		"use_pow":         "Stattdessen dieses Gerät die Aufgabe lösen lassen",
		"use_slider":      "Stattdessen ein Puzzleteil verschieben",
		"use_digits":      "Stattdessen Ziffern aus einem Bild abtippen",
		"send":            "Anmeldecode jetzt zusenden",
		"other_address":   "Andere E-Mail-Adresse verwenden",
		"code_title":      "Bitte prüfen Sie Ihr Postfach",
		"code_sent":       "Geben Sie den Einmalanmeldecode ein, den wir gesendet haben an",
		"code_help":       "Keine Nachricht erhalten? Prüfen Sie bitte auch den Ordner für unerwünschte Werbung (Spamverdachtsordner).",
		"sign_in":         "Jetzt im Kundenkonto anmelden",
		"letters":         "Mein Anmeldecode enthält Buchstaben",
		"say_resend_in":   "Erneutes Zusenden in {time} möglich",
		"say_valid":       "Der Einmalanmeldecode ist noch {time} lang gültig.",
		"sign_out_here":   "Auf diesem Gerät abmelden",
		"sign_out_others": "Auf allen übrigen Geräten abmelden",
		"other_user":      "Mit einer anderen E-Mail-Adresse anmelden",
		"devices":         "Ihre angemeldeten Geräte verwalten",
		"devices_intro":   "Auf diesen Geräten sind Sie derzeit angemeldet.",
	}}
}
