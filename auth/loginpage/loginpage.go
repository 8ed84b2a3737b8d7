// Package loginpage is a login page to mount: address, captcha, code, and a
// small page on which people see the devices that they are signed in on.
//
//	page, err := loginpage.New(a, loginpage.Options{})
//	…
//	mux.Handle("/api/", a.Handler())
//	mux.Handle("/login", page)
//	mux.Handle("/login/", page)
//	mux.Handle("/account", middleware.RequireSession(a, middleware.LoginPage("/login"))(account))
//
// After the login people are where they wanted to go, or at [Options.Home]. An
// app links to /login/sessions, where they can also sign out.
//
// The page is a client like any other: it uses the endpoints of package auth,
// as one of its cookie clients. It keeps a random name for the device in
// localStorage, and in sessionStorage how far the person got, so that neither
// going back nor reloading begins anew; no code and no token is ever kept.
//
// Like the session's cookie it needs https, or localhost. It needs JavaScript,
// and no framework: everything it serves is in this
// package, in less than 40 KB, and it loads nothing from elsewhere. Its
// Content-Security-Policy allows neither inline scripts nor inline styles.
//
// # Changing it
//
// [Options] has the name, a logo, the colour, the texts and links. What they
// do not reach is in the files that [Options.Files] replaces: three templates,
// which are given a [View], and a stylesheet.
package loginpage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/language"

	"example.com/mailkey/auth"
)

// Options change what the page looks like and where it leads. The zero value of
// each field is its default.
type Options struct {
	// Path is where the page is mounted, as browsers see it: it serves this path
	// and those below, with or without http.StripPrefix. Default: /login.
	Path string

	// Client is the id of the cookie client that people log in to. Default: the
	// first one of auth.Config.Clients.
	Client string

	// Home is where people get to who did not want to go anywhere else, as a
	// path of the same origin. Default: /.
	Home string

	// ProductName is shown above the page. Default: auth.Config.ProductName.
	ProductName string

	// Logo is an image beside the product's name, as a path of the same origin.
	// Default: none.
	Logo string

	// Accent is the colour of buttons and links, as #rrggbb, and AccentDark
	// what it is on a dark page. New refuses colours that cannot be read well,
	// those of less contrast than 4.5 to 1. Default: a blue, and for AccentDark
	// that of Accent with as much white as it takes.
	Accent     string
	AccentDark string

	// Texts replace texts of a language, by their keys, which are those of
	// texts/en.json, or add a language, with a text for every key. The login
	// needs messages in it, too: auth.Config.Messages. Default: English and
	// Chinese.
	Texts map[string]map[string]string

	// Links are shown below the page, by language: to a privacy policy, for
	// example. A language without links has those of auth.Config.DefaultLanguage.
	// Default: none.
	Links map[string][]Link

	// Files replace those of the same name in web: layout.html, login.html,
	// sessions.html and page.css, and even the scripts. New tries the templates,
	// and refuses those that lack an element which the scripts look for. Default:
	// none, the page is as it comes.
	Files fs.FS
}

// Link leads somewhere else.
type Link struct{ Text, URL string }

// page serves the login page and what belongs to it.
type page struct {
	auth      *auth.Auth
	info      auth.Info
	options   Options  // with the defaults
	base      string   // Options.Path without a slash at its end
	captchas  []string // the kinds that are enabled and can be shown, the default one first
	languages []*texts // the default first
	matcher   language.Matcher
	templates *template.Template
	assets    map[string]asset // by path below base
}

type asset struct {
	contentType, etag string
	content           []byte
}

// captchaKinds are those that the page can show.
var captchaKinds = []string{"digits", "slider", "pow"}

const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:; " +
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements [http.Handler].
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := r.URL.Path
	if below, ok := strings.CutPrefix(name, p.base); ok && (below == "" || below[0] == '/') {
		name = below // else http.StripPrefix has done so
	}
	switch name = strings.TrimPrefix(name, "/"); name {
	case "":
		p.login(w, r)
	case "sessions":
		p.sessions(w, r)
	default:
		a, ok := p.assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h.Set("Content-Type", a.contentType)
		h.Set("Cache-Control", "no-cache") // and an ETag: always the one that fits the rest
		h.Set("ETag", a.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	}
}

func newAsset(contentType string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{contentType, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content}
}

// login shows the way in; to whoever is in already, the way on.
func (p *page) login(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, "login.html", p.email(r))
}

// sessions shows people where they are signed in.
func (p *page) sessions(w http.ResponseWriter, r *http.Request) {
	email := p.email(r)
	if email == "" {
		w.Header().Set("Cache-Control", "no-store")
		target := p.options.Path + "?" + query(p.base+"/sessions", r.URL.Query().Get(languageParameter))
		http.Redirect(w, r, target, http.StatusSeeOther)
		return
	}
	p.show(w, r, "sessions.html", email)
}

// email returns the address of whoever is signed in as our client, or nothing.
// A request whose session cannot be told gets the way in, too: the endpoints
// that it leads to say what is wrong.
func (p *page) email(r *http.Request) string {
	loaded, err := p.auth.LoadSession(r)
	if err != nil {
		return ""
	}
	id, ok := auth.FromContext(loaded.Context())
	if !ok || !id.ByCookie || id.ClientID != p.options.Client {
		return ""
	}
	return id.Email
}

func (p *page) show(w http.ResponseWriter, r *http.Request, name, email string) {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, p.view(w, r, email)); err != nil {
		p.auth.WriteError(w, r, err) // New has tried them: hardly ever
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // the client went away: nothing to do
}
