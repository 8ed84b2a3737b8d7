package loginpage_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"golang.org/x/net/html"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/captcha"
)

// newKit makes a login with two cookie clients.
func newKit(tb testing.TB, changes ...func(*auth.Config)) *authtest.Kit {
	tb.Helper()
	return authtest.New(tb, append([]func(*auth.Config){func(c *auth.Config) {
		c.ProductName = "Acme"
		c.Clients = []auth.Client{{ID: "web", Cookie: true}, {ID: "app"}, {ID: "admin", Cookie: true}}
		c.Captchas = append(c.Captchas, captcha.Digits())
	}}, changes...)...)
}

// newAuth is the login of such a kit.
func newAuth(tb testing.TB, changes ...func(*auth.Config)) *auth.Auth {
	tb.Helper()
	return newKit(tb, changes...).Auth
}

func newPage(tb testing.TB, a *auth.Auth, options loginpage.Options) http.Handler {
	tb.Helper()
	page, err := loginpage.New(a, options)
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// ann is somebody who is signed in.
var ann = auth.Identity{Email: "ann@example.org"}

func request(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// get asks the page for a path, with headers as pairs of name and value.
func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := request(path)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return serve(h, r)
}

// assets are the files of the page that are served as they are.
func assets(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(loginpage.BuiltinFiles, "web/*")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ".html") })
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "web/")
	}
	return names
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	page := newPage(t, newAuth(t), loginpage.Options{})
	for _, path := range append(assets(t), "", "sessions", "nothing") {
		w := get(page, "/login/"+path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; " +
				"media-src blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s of %q: got %q, want %q", name, path, got, want)
			}
		}
	}
	for path, want := range map[string]string{
		"/login": "text/html; charset=utf-8", "/login/page.css": "text/css; charset=utf-8", "/login/login.js": "text/javascript; charset=utf-8",
	} {
		if got := get(page, path).Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// What is personal is stored nowhere. The rest is asked for again and again, and
// sent when it is another.
func TestCaching(t *testing.T) {
	t.Parallel()
	page := newPage(t, newAuth(t), loginpage.Options{})
	for _, path := range []string{"/login", "/login/sessions"} {
		if got := get(page, path).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control of %s: %q", path, got)
		}
	}
	first := get(page, "/login/page.css")
	etag := first.Header().Get("ETag")
	if got := first.Header().Get("Cache-Control"); got != "no-cache" || etag == "" {
		t.Errorf("Cache-Control %q, ETag %q", got, etag)
	}
	if w := get(page, "/login/page.css", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("the same again: %d and %d bytes", w.Code, w.Body.Len())
	}
	other := newPage(t, newAuth(t), loginpage.Options{Accent: "#0b6e4f"})
	if w := get(other, "/login/page.css", "If-None-Match", etag); w.Code != http.StatusOK {
		t.Errorf("another colour: %d", w.Code)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	page := newPage(t, newAuth(t), loginpage.Options{})
	for method, want := range map[string]int{
		http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405, http.MethodOptions: 405,
	} {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest(method, "/login", nil))
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

// The page serves its path and what lies below, under any router, and knows
// where browsers find the rest.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, path, issuer string
		wrap               func(http.Handler) http.Handler
		served, missing    []string
		refers             []string
	}{
		{
			name: "as it is", path: "", issuer: "https://app.example",
			served:  []string{"/login", "/login/", "/login/page.css"},
			missing: []string{"/login/nothing", "/login/web/page.css", "/login/login.html", "/login/page.css/", "/login/login/page.css", "/loginx"},
			refers:  []string{`href="/login/page.css"`, `src="/login/login.js"`, `data-api="/api/v2/sdk/"`, `data-page="/login"`},
		}, {
			name: "with the endpoints under a prefix", path: "/auth/sign-in/", issuer: "https://app.example/auth",
			served:  []string{"/auth/sign-in", "/auth/sign-in/", "/auth/sign-in/page.css"},
			missing: []string{"/auth", "/auth/page.css"},
			refers:  []string{`href="/auth/sign-in/page.css"`, `data-api="/auth/api/v2/sdk/"`},
		}, {
			name: "stripped", path: "/a/b", issuer: "https://app.example",
			wrap:   func(h http.Handler) http.Handler { return http.StripPrefix("/a/b", h) },
			served: []string{"/a/b", "/a/b/", "/a/b/page.css"}, missing: []string{"/page.css", "/a/b/c"},
			refers: []string{`href="/a/b/page.css"`},
		}, {
			name: "at the root", path: "/", issuer: "https://app.example",
			served: []string{"/", "/page.css"}, missing: []string{"/login"},
			refers: []string{`href="/page.css"`, `data-page=""`, `href="/sessions"`},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			page := newPage(t, newAuth(t, func(c *auth.Config) { c.Issuer = row.issuer }), loginpage.Options{Path: row.path})
			if row.wrap != nil {
				page = row.wrap(page)
			}
			for _, path := range row.served {
				if w := get(page, path); w.Code != http.StatusOK {
					t.Errorf("%s: %d", path, w.Code)
				}
			}
			for _, path := range row.missing {
				if w := get(page, path); w.Code != http.StatusNotFound {
					t.Errorf("%s: %d", path, w.Code)
				}
			}
			body := get(page, row.served[0]).Body.String()
			for _, want := range row.refers {
				if !strings.Contains(body, want) {
					t.Errorf("the page does not have %s:\n%s", want, body)
				}
			}
		})
	}
}

// All that is served together stays below 40 KB, as in the package comment.
func TestSize(t *testing.T) {
	t.Parallel()
	const most = 40_000
	kit := newKit(t)
	page := newPage(t, kit.Auth, loginpage.Options{Accent: "#0b6e4f"})
	sum := 0
	for _, path := range append(assets(t), "", "sessions") {
		largest := 0
		for _, lang := range kit.Auth.Info().Languages {
			w := serve(page, kit.As(t, request("/login/"+path+"?lang="+lang), ann))
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
			largest = max(largest, w.Body.Len())
		}
		t.Logf("%-12s %6d", path, largest)
		sum += largest
	}
	if sum > most {
		t.Errorf("%d bytes are more than %d", sum, most)
	}
}

// speakGerman makes a login with messages in German, of a kind.
func speakGerman(t *testing.T) func(*auth.Config) {
	t.Helper()
	data, err := os.ReadFile("../messages/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[auth.Reason]string
	if err := json.Unmarshal(data, &messages); err != nil {
		t.Fatal(err)
	}
	return func(c *auth.Config) { c.Messages = map[string]map[auth.Reason]string{"de": messages} }
}

func TestSignedIn(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	page, admin := newPage(t, kit.Auth, loginpage.Options{}), newPage(t, kit.Auth, loginpage.Options{Client: "admin"})
	for _, path := range []string{"/login", "/login/sessions"} {
		signedIn := kit.As(t, request(path), ann)
		if w := serve(page, signedIn); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), ann.Email) {
			t.Errorf("%s: %d without the address:\n%s", path, w.Code, w.Body)
		}
		// The session of another client, or of nobody, is no session here.
		byHeader, twice := request(path), request(path)
		cookie := signedIn.CookiesNamed(auth.CookieName)[0]
		byHeader.Header.Set("Session-Token", cookie.Value)
		twice.AddCookie(cookie)
		twice.AddCookie(&http.Cookie{Name: auth.CookieName, Value: "another"})
		for name, w := range map[string]*httptest.ResponseRecorder{
			"another client": serve(admin, signedIn), "no cookie": get(page, path), "two cookies": serve(page, twice), "by header": serve(page, byHeader),
		} {
			if strings.Contains(w.Body.String(), ann.Email) {
				t.Errorf("%s, %s: %d\n%s", path, name, w.Code, w.Body)
			}
		}
	}
	w := get(page, "/login/sessions?lang=zh")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/login?lang=zh&return_to=%2Flogin%2Fsessions" {
		t.Errorf("the devices of nobody: %d %s", w.Code, got)
	}
}

// Sessions that cannot be found by user are not listed.
func TestSessionsInAForeignStore(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]scs.Store{"our own": nil, "foreign": memstore.NewWithCleanupInterval(0)} {
		kit := newKit(t, func(c *auth.Config) { c.SessionStore = store })
		app := http.NewServeMux()
		app.Handle("/api/", kit.Auth.Handler())
		app.Handle("/login/", newPage(t, kit.Auth, loginpage.Options{}))
		kit.Handler = app
		res, err := kit.Login(t, ann.Email).Get("https://app.example/login/sessions")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !bytes.Contains(body, []byte(ann.Email)) || bytes.Contains(body, []byte(" data-list ")) != (store == nil) {
			t.Errorf("%s: %v\n%s", name, err, body)
		}
	}
}

// The page asks in the language that was chosen, else in the browser's.
func TestLanguage(t *testing.T) {
	t.Parallel()
	a := newAuth(t, speakGerman(t))
	texts := maps.Clone(loginpage.BuiltinTexts(t)["en"])
	texts["language"] = "Deutsch"
	withGerman := newPage(t, a, loginpage.Options{Texts: map[string]map[string]string{"de": texts}})
	without := newPage(t, a, loginpage.Options{})
	for _, row := range []struct {
		name, query, cookie, accept string
		page                        http.Handler
		want                        string
	}{
		{"nothing", "", "", "", without, "en"},
		{"the browser's", "", "", "zh-CN,zh;q=0.9,en;q=0.8", without, "zh"},
		{"the browser's second", "", "", "fr,zh;q=0.5", without, "zh"},
		{"none that there is", "", "", "fr", without, "en"},
		{"one of the app", "", "", "de-AT", withGerman, "de"},
		{"one of the login that the page does not speak", "", "", "de", without, "en"},
		{"chosen before", "", "zh", "en", without, "zh"},
		{"chosen now", "?lang=zh", "en", "en", without, "zh"},
		{"chosen badly", "?lang=xx", "", "zh", without, "zh"},
		{"markup", "?lang=%22%3E%3Cscript%3E", "\"><script>", "\"><script>", without, "en"},
		{"too much to look at", "", "", "zh" + strings.Repeat(",zh", 200), without, "en"},
	} {
		w := get(row.page, "/login"+row.query, "Cookie", "mailkey-lang="+row.cookie, "Accept-Language", row.accept)
		if !strings.Contains(w.Body.String(), `<html lang="`+row.want+`"`) {
			t.Errorf("%s: want %s, got %.100s", row.name, row.want, w.Body)
		}
		cookie := w.Header().Get("Set-Cookie")
		if chosen := row.name == "chosen now"; chosen != (cookie != "") {
			t.Errorf("%s: Set-Cookie: %q", row.name, cookie)
		} else if chosen && cookie != "mailkey-lang=zh; Path=/login; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax" {
			t.Errorf("%s: Set-Cookie: %q", row.name, cookie)
		}
	}
}

// Where the login leads to is a path of the same origin, whatever was asked for.
// The browser's view of many more is in the browser's tests, and what
// auth.SafeReturnPath refuses in its own.
func TestAbuse_I04_returnTo(t *testing.T) {
	t.Parallel()
	page := newPage(t, newAuth(t), loginpage.Options{Home: "/home"})
	for query, want := range map[string]string{
		"": "/home", "?return_to=/account%3Ftab=2": "/account?tab=2", "?return_to=//evil.example": "/home",
		"?return_to=https://evil.example": "/home", "?return_to=/a&return_to=//evil.example": "/a",
		"?return_to=//evil.example&return_to=/a": "/home", "?RETURN_TO=/a": "/home", "?return_to=javascript:alert(1)": "/home",
	} {
		root := parse(t, get(page, "/login"+query).Body.String())
		if got := find(root, "html", "")["data-return"]; got != want {
			t.Errorf("%s: leads to %q, want %q", query, got, want)
		}
		if got := find(root, "a", "go-on")["href"]; got != want {
			t.Errorf("%s: the link leads to %q, want %q", query, got, want)
		}
		if _, asked := find(root, "html", "")["data-asked"]; asked != (want != "/home") {
			t.Errorf("%s: asked is %v", query, asked)
		}
	}
}

// element is an element's attributes.
type element map[string]string

// parse returns the elements of a page, in order; the name of each is its "".
func parse(t testing.TB, page string) (all []element) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return all
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			e := element{"": token.Data}
			for _, a := range token.Attr {
				e[a.Key] = a.Val
			}
			all = append(all, e)
		}
	}
}

func find(all []element, name, id string) element {
	for _, e := range all {
		if e[""] == name && e["id"] == id {
			return e
		}
	}
	return nil
}

// Nothing that comes in with a request becomes an element, an attribute or a
// path to somewhere else.
func FuzzAbuse_I06_request(f *testing.F) {
	page := newPage(f, newAuth(f), loginpage.Options{})
	want := parse(f, get(page, "/login").Body.String())
	f.Add("/account", "zh", "en", "de")
	f.Add(`"><script>alert(1)</script>`, `"><script>`, `" onload=x`, `javascript:`)
	f.Add(`/"onload="x`, `'`, `</html>`, "\x00")
	f.Add("/a?b=%22%3E", "EN", "zh", "*")
	f.Fuzz(func(t *testing.T, returnTo, lang, cookie, accept string) {
		r := httptest.NewRequest(http.MethodGet, "/login", nil)
		q := r.URL.Query()
		q.Set("return_to", returnTo)
		q.Set("lang", lang)
		r.URL.RawQuery = q.Encode()
		r.Header.Set("Cookie", "mailkey-lang="+cookie)
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		got := parse(t, w.Body.String())
		outline := func(all []element) (names []string) {
			for _, e := range all {
				if e["hreflang"] == "" && e["aria-current"] == "" { // differs with the language
					names = append(names, e[""])
				}
			}
			return names
		}
		if w.Code != http.StatusOK || !slices.Equal(outline(got), outline(want)) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, e := range got {
			for name := range e {
				if strings.HasPrefix(name, "on") || name == "style" {
					t.Fatalf("an element has %s:\n%s", name, w.Body)
				}
			}
			for _, name := range []string{"href", "src", "data-return", "data-api", "data-page"} {
				if value, ok := e[name]; ok && value != "" && value != "data:," && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "?") || strings.HasPrefix(value, "//") {
					t.Fatalf("%s is %q", name, value)
				}
			}
		}
	})
}
