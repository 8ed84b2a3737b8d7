package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab in a browser profile of its own. It fails its test when the page
// breaks its policy, complains on the console or asks another host for
// something.
type tab struct {
	*testing.T
	ctx  context.Context
	site *site

	mu       sync.Mutex
	requests []string // the URLs that were asked for
	problems []string
	refused  []string // parts of URLs whose answers may be 4xx, see refuse
}

// look is what a screen is like.
type look struct {
	width, height int64
	dark, touch   bool
	lang          string // what the browser asks for
}

var (
	desktop   = look{width: 1280, height: 800, lang: "en"}
	phone     = look{width: 390, height: 844, lang: "en", touch: true}
	oldPhone  = look{width: 320, height: 568, lang: "en", touch: true}
	zhPhone   = look{width: 390, height: 844, lang: "zh-CN", touch: true}
	darkPhone = look{width: 390, height: 844, lang: "en", touch: true, dark: true}
)

// newTab opens an empty tab in a fresh profile.
func (s *site) newTab(t *testing.T, l look) *tab {
	t.Helper()
	return s.newTabIn(t, l, startBrowser(t), chromedp.WithNewBrowserContext())
}

// another opens a second tab in the same profile.
func (b *tab) another(t *testing.T, l look) *tab {
	t.Helper()
	return b.site.newTabIn(t, l, b.ctx)
}

func (s *site) newTabIn(t *testing.T, l look, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{T: t, site: s}
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(b.listen))...)
	ctx, stop := context.WithTimeout(ctx, 3*time.Minute)
	b.ctx = ctx
	t.Cleanup(func() {
		b.check()
		stop()
		cancel()
	})
	scheme := map[bool]string{false: "light", true: "dark"}[l.dark]
	view := []chromedp.EmulateViewportOption{}
	if l.touch {
		view = append(view, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(2))
	}
	b.do(chromedp.EmulateViewport(l.width, l.height, view...))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	agent := eval[string](b, "navigator.userAgent")
	call(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent: strings.Replace(agent, "HeadlessChrome", "Chrome", 1), AcceptLanguage: l.lang,
	})
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))`,
	})
	return b
}

// listen sees each event of the tab.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	problem := func(format string, args ...any) { b.problems = append(b.problems, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
		u, err := url.Parse(e.Request.URL)
		if local := err == nil && slices.Contains([]string{"localhost", "127.0.0.1"}, u.Hostname()); !local &&
			!slices.Contains([]string{"data", "blob", "about"}, u.Scheme) {
			problem("a request to %s", e.Request.URL)
		}
	case *log.EventEntryAdded:
		refused := e.Entry.Source == log.EntrySourceNetwork &&
			slices.ContainsFunc(b.refused, func(part string) bool { return strings.Contains(e.Entry.URL, part) })
		if e.Entry.Level != log.EntryLevelVerbose && !refused {
			problem("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		problem("console: %s %s", e.Type, arguments(e.Args))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		problem("exception: %s", text)
	case *page.EventJavascriptDialogOpening:
		problem("dialog: %s", e.Message)
	}
}

func arguments(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		all = append(all, string(a.Value)+a.Description)
	}
	return strings.Join(all, " ")
}

// refuse expects that requests whose URL has this part may be refused, of which
// the browser writes a line.
func (b *tab) refuse(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, part)
}

// takeProblems returns the problems so far, which the test expects.
func (b *tab) takeProblems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	problems := b.problems
	b.problems = nil
	return problems
}

func (b *tab) check() {
	b.Helper()
	for _, problem := range b.takeProblems() {
		b.Error(problem)
	}
	if b.Failed() && b.ctx.Err() == nil {
		b.Logf("the page at %s:\n%s", eval[string](b, "location.href"), eval[string](b, "document.body?.innerText ?? ''"))
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// eval returns the value of an expression; a promise is waited for.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%.200s: %v", expression, err)
	}
	return value
}

// wait waits until the expression is true, whatever page the tab shows then.
func (b *tab) wait(expression string) {
	b.Helper()
	until[bool](b, "Boolean("+expression+")")
}

// until waits until the expression is something, and returns it.
func until[T any](b *tab, expression string) T {
	b.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		// While the tab is on its way to another page there is nothing to ask.
		value, err := chromedp.Run(b.ctx, chromedp.Evaluate[*T]("("+expression+") || null"))
		if err == nil && value != nil {
			return *value
		}
		if time.Now().After(deadline) || b.ctx.Err() != nil {
			b.Fatalf("%s is not true: %v\n%s", expression, err, eval[string](b, "location.href + '\\n' + document.body?.innerText"))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// open opens a page of the site.
func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.site.url + path))
}

// step waits until the login page shows a step and does nothing else.
func (b *tab) step(id string) {
	b.Helper()
	b.wait(fmt.Sprintf(`document.getElementById(%q)?.checkVisibility() && !document.body.hasAttribute('aria-busy')`, id))
}

// text is what an element says.
func (b *tab) text(id string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf(`document.getElementById(%q).innerText`, id))
}

// alert waits until an element says something, and returns it.
func (b *tab) alert(id string) string {
	b.Helper()
	b.wait(fmt.Sprintf(`document.getElementById(%q)?.innerText`, id))
	return b.text(id)
}

// at waits until the tab shows the page at this path.
func (b *tab) at(path string) {
	b.Helper()
	b.wait(fmt.Sprintf(`location.pathname + location.search === %q && document.readyState === 'complete'`, path))
}

// click presses the mouse on an element, once it is there, works and nothing lies
// over it. The page is asked for the place, since the elements that the browser's
// protocol numbers are gone when a page takes another's place.
func (b *tab) click(selector string) {
	b.Helper()
	place := until[[2]float64](b, fmt.Sprintf(`(() => {
		const element = document.querySelector(%q)
		if (!element?.checkVisibility() || element.disabled || document.body.hasAttribute('aria-busy')) return
		element.scrollIntoView({block: 'nearest', behavior: 'instant'})
		const {left, top, width, height} = element.getClientRects()[0]
		const x = left + width / 2, y = top + height / 2
		return element.contains(document.elementFromPoint(x, y)) && [x, y]
	})()`, selector))
	b.do(chromedp.MouseClickXY(place[0], place[1]))
}

// fill types into the field where the cursor is: the page puts it there.
func (b *tab) fill(id, text string) {
	b.Helper()
	b.wait(fmt.Sprintf(`document.activeElement?.id === %q`, id))
	b.do(chromedp.KeyEvent(text))
}

// asked counts the requests for URLs that have this part.
func (b *tab) asked(part string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.requests {
		if strings.Contains(u, part) {
			n++
		}
	}
	return n
}

// enterAddress goes from the first step to the second.
func (b *tab) enterAddress(email string) {
	b.Helper()
	b.step("email")
	b.fill("address", email+"\r")
	b.step("captcha")
}

// enterDigits solves the captcha.
func (b *tab) enterDigits() {
	b.Helper()
	b.step("digits")
	digits, _ := b.site.right.get()
	b.fill("digits-answer", digits+"\r")
}

// requestCode goes from the first step to the code.
func (b *tab) requestCode(email string) (code string) {
	b.Helper()
	b.enterAddress(email)
	b.enterDigits()
	b.step("code")
	return b.site.mails.Code(b.T, email)
}

// logIn goes the whole way.
func (b *tab) logIn(email string) {
	b.Helper()
	b.fill("typed", b.requestCode(email)+"\r")
}

// wrong is another code of the same length.
func wrong(code string) string {
	n, _ := strconv.Atoi(code)
	return fmt.Sprintf("%0*d", len(code), (n+1)%1_000_000)
}

// shot takes a picture of the page, for people to look at.
func (b *tab) shot(name string) {
	b.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	dir := os.Getenv("MAILKEY_SCREENSHOTS")
	if dir == "" {
		dir = b.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}
