package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// only enables one kind of captcha.
func only(kind string) func(*siteConfig) {
	return func(c *siteConfig) {
		for _, e := range c.auth.Captchas {
			if e.Kind() == kind {
				c.auth.Captchas = []captcha.Engine{e}
			}
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	s := newSite(t, only("digits"))
	b := s.newTab(t, desktop)
	b.open("/login?return_to=%2Faccount")
	b.enterAddress("ann@example.org")
	if eval[bool](b, `[...document.querySelectorAll('.kind')].some(e => e.checkVisibility())`) {
		t.Error("another kind is offered, and there is none")
	}
	before, _ := s.right.get()
	b.click("#digits .renew")
	b.wait(`!document.body.hasAttribute('aria-busy')`)
	if after, _ := s.right.get(); after == before {
		t.Error("the picture is the same as before")
	}
	b.enterDigits()
	b.step("code")
	b.fill("typed", s.mails.Code(t, "ann@example.org")+"\r")
	b.at("/account")
}

// Who cannot see the picture hears the digits, which are fetched once however
// often they are played.
func TestAbuse_I09_listening(t *testing.T) {
	t.Parallel()
	s := newSite(t, only("digits"))
	b := s.newTab(t, desktop)
	for _, lang := range []string{"en", "zh"} {
		b.open("/login?lang=" + lang)
		b.enterAddress("ann@example.org")
		eval[bool](b, `{
			const play = HTMLMediaElement.prototype.play
			window.played = []
			HTMLMediaElement.prototype.play = function () {
				const done = play.call(this)
				done.then(() => played.push(this.src.split(':')[0] + ' ' + (this.duration > 2)))
				return done
			}
			true
		}`)
		for n := 1; n <= 4; n++ {
			b.click("#listen")
			b.wait(fmt.Sprintf("played.length === %d", n))
		}
		if got := eval[string](b, "played.join()"); got != strings.Repeat("blob true,", 3)+"blob true" {
			t.Errorf("%s: played %s", lang, got)
		}
	}
	if n := b.asked("/captcha/audio?"); n != 2 {
		t.Errorf("the sound was fetched %d times, want once for each of two captchas", n)
	}
}

// The slider works with the keyboard, by mouse and by touch, of its thumb or of
// the piece itself.
func TestSlider(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		look look
		move func(b *tab, x int)
	}{
		{"keyboard", desktop, func(b *tab, x int) {
			b.wait(`document.activeElement?.id === 'position'`)
			b.do(chromedp.KeyEvent(kb.End + kb.Home + kb.PageUp + kb.PageDown + kb.Home))
			b.do(chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, x)))
		}},
		{"mouse on the piece", desktop, func(b *tab, x int) {
			left, top, scale := b.stage()
			mouse := func(typ input.DispatchMouseEventType, x, y float64) {
				b.do(chromedp.MouseEvent(typ, x, y, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1)))
			}
			mouse(input.DispatchMouseEventTypeMousePressed, left+20, top+60)
			mouse(input.DispatchMouseEventTypeMouseMoved, left+90, top+70)
			mouse(input.DispatchMouseEventTypeMouseMoved, left+20+float64(x)*scale, top+40)
			mouse(input.DispatchMouseEventTypeMouseReleased, left+20+float64(x)*scale, top+40)
			mouse(input.DispatchMouseEventTypeMouseMoved, left+10, top+10) // moves nothing any more
		}},
		{"finger on the piece", oldPhone, func(b *tab, x int) {
			left, top, scale := b.stage()
			touch := func(typ input.DispatchTouchEventType, x float64) {
				params := input.DispatchTouchEventParams{Type: typ, TouchPoints: []*input.TouchPoint{{X: x, Y: top + 60}}}
				if typ == input.DispatchTouchEventTypeTouchEnd {
					params.TouchPoints = []*input.TouchPoint{}
				}
				call(b, input.DispatchTouchEvent, params)
			}
			touch(input.DispatchTouchEventTypeTouchStart, left+20)
			touch(input.DispatchTouchEventTypeTouchMove, left+60)
			touch(input.DispatchTouchEventTypeTouchMove, left+20+float64(x)*scale)
			touch(input.DispatchTouchEventTypeTouchEnd, 0)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, only("slider"))
			b := s.newTab(t, row.look)
			b.open("/login?return_to=%2Faccount")
			b.enterAddress("ann@example.org")
			b.wait(`document.getElementById('background').complete && document.getElementById('piece').complete`)
			_, x := s.right.get()
			row.move(b, x)
			if got := eval[int](b, `document.getElementById('position').valueAsNumber`); got < x-2 || got > x+2 {
				t.Errorf("moved to %d, want %d", got, x)
			}
			if got, want := eval[float64](b, `(() => {
				const piece = document.getElementById('piece').getBoundingClientRect(), stage = document.getElementById('stage').getBoundingClientRect()
				return (piece.left - stage.left) / stage.width * 310
			})()`), eval[float64](b, `document.getElementById('position').valueAsNumber`); got < want-1 || got > want+1 {
				t.Errorf("the piece is at %v, want %v", got, want)
			}
			role, value := b.inTree("position")
			if role != "slider" || value != eval[string](b, `document.getElementById('position').value`) {
				t.Errorf("screen readers see a %s at %s", role, value)
			}
			b.shot("slider-" + strings.ReplaceAll(row.name, " ", "-"))
			b.click("#send")
			b.step("code")
			b.fill("typed", s.mails.Code(t, "ann@example.org")+"\r")
			b.at("/account")
		})
	}
}

// stage tells where the picture of the slider is, and how large a pixel of it.
func (b *tab) stage() (left, top, scale float64) {
	b.Helper()
	at := eval[[]float64](b, `(() => {
		document.getElementById('stage').scrollIntoView()
		const r = document.getElementById('stage').getBoundingClientRect()
		return [r.left, r.top, r.width / 310]
	})()`)
	return at[0], at[1], at[2]
}

// inTree returns the role and the value of an element as screen readers see it.
func (b *tab) inTree(id string) (role, value string) {
	b.Helper()
	call(b, accessibility.Enable, struct{}{})
	for _, n := range call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Role == nil || string(n.Role.Value) != `"slider"` {
			continue
		}
		for _, p := range n.Properties {
			if p.Name == "valuetext" && p.Value != nil {
				value = string(p.Value.Value)
			}
		}
		return "slider", strings.Trim(strings.SplitN(value, " ", 2)[0], `"`)
	}
	return "nothing", ""
}

// The device does the work, in a worker, and the person nothing but wait.
func TestProofOfWork(t *testing.T) {
	t.Parallel()
	s := newSite(t, only("pow"), func(c *siteConfig) { c.auth.Captchas = []captcha.Engine{captcha.ProofOfWork(13)} })
	b := s.newTab(t, phone)
	b.open("/login?return_to=%2Faccount")
	b.step("email")
	b.fill("address", "ann@example.org\r")
	b.step("code")
	b.fill("typed", s.mails.Code(t, "ann@example.org")+"\r")
	b.at("/account")
	if b.asked("/login/pow.js") == 0 {
		t.Error("there was no worker")
	}
}

// People choose the kind that they can use, and keep it for the next time.
func TestAbuse_I09_anotherKind(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) {
		c.auth.Captchas[2] = captcha.ProofOfWork(32)
		c.auth.Limits.Captcha = auth.Rate{Count: 1000, Per: 1000e9}
	})
	b := s.newTab(t, phone)
	b.open("/login")
	b.enterAddress("ann@example.org")
	b.step("digits")
	for _, kind := range []string{"slider", "pow", "digits", "pow", "slider"} {
		b.click("button[value=" + kind + "]")
		b.step(kind)
		for _, other := range []string{"digits", "slider", "pow"} {
			if eval[bool](b, fmt.Sprintf(`document.getElementById(%q).checkVisibility()`, other)) != (other == kind) ||
				eval[bool](b, fmt.Sprintf(`document.querySelector('button[value=%s]').checkVisibility()`, other)) == (other == kind) {
				t.Errorf("with %s chosen, %s", kind, other)
			}
		}
	}
	b.click("#captcha .back")
	b.step("email")
	b.do(chromedp.KeyEvent("\r"))
	b.step("slider")
}

// An app's own kind of captcha is nothing that the page could show.
func TestUnknownKindIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *siteConfig) {
		c.auth.Captchas = append([]captcha.Engine{ownEngine{}}, c.auth.Captchas...)
	})
	b := s.newTab(t, phone)
	b.open("/login")
	b.enterAddress("ann@example.org")
	b.step("digits")
}

type ownEngine struct{}

func (ownEngine) Kind() string                         { return "maze" }
func (ownEngine) New() ([]byte, captcha.Puzzle, error) { return []byte{1}, captcha.Puzzle{}, nil }
func (ownEngine) Check(context.Context, []byte, captcha.Answer) (bool, error) {
	return false, nil
}
