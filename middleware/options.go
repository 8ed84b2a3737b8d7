package middleware

import (
	"net/http"
	"net/url"
	"strings"

	"example.com/mailkey/auth"
)

// LoginPage sends people who open a page in a browser, and are not signed in,
// to the login page with the given URL, and tells it where they wanted to go, in
// the parameter [auth.ReturnTo]. Everything that is not a page, such as requests
// made by scripts, is answered with 401 all the same.
func LoginPage(page string) Option {
	return func(o *sessionOptions) { o.loginPage = page }
}

// AllowCrossOrigin lets requests from other origins through to the paths that
// match the pattern, as in [http.ServeMux]: for handlers that do not act for
// the person whose cookie came along, or check that by themselves.
func AllowCrossOrigin(pattern string) Option {
	return func(o *sessionOptions) { o.crossOrigin.AddInsecureBypassPattern(pattern) }
}

// TrustOrigin lets pages of another origin, such as https://www.app.example,
// act for the person whose cookie comes along. It panics when that is no
// origin.
func TrustOrigin(origin string) Option {
	return func(o *sessionOptions) {
		if err := o.crossOrigin.AddTrustedOrigin(origin); err != nil {
			panic("middleware: " + err.Error())
		}
	}
}

// refuse answers somebody who is not signed in.
func (o *sessionOptions) refuse(a *auth.Auth, w http.ResponseWriter, r *http.Request) {
	if o.loginPage == "" || !isPage(r) {
		a.WriteError(w, r, auth.ReasonNotSignedIn)
		return
	}
	target := o.loginPage
	// What the browser asked for: routers may have stripped a prefix of the URL.
	if back, ok := auth.SafeReturnPath(r.RequestURI); ok {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + auth.ReturnTo + "=" + url.QueryEscape(back)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// isPage reports whether a browser asks for a page to show.
func isPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
