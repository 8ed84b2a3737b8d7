// Package middleware guards an app's own routes with the login of package
// auth. Everything here is a plain func(http.Handler) http.Handler, for any
// router:
//
//	protected := middleware.RequireSession(a)
//	mux.Handle("/account", protected(accountHandler))
//
// In the handler [auth.FromContext] says who is calling. Services that do not
// share the login's database check id_tokens with [RequireIDToken] instead.
//
// The writer is handed on as it is, so streaming, Flush, Hijack and
// http.ResponseController work as without it; panics pass through.
package middleware

import (
	"net/http"

	"example.com/mailkey/auth"
)

// LoadSession makes the caller's identity known to the handlers behind it, if
// somebody is signed in, and lets everybody else through as they are. It does
// not guard against cross-site requests: a handler that changes something for
// a signed-in user belongs behind [RequireSession].
func LoadSession(a *auth.Auth) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			loaded, err := a.LoadSession(r)
			if err == nil && loaded == r { // by whoever is around this one, and saves
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Add("Vary", "Cookie, Authorization, Session-Token")
			if err != nil {
				a.WriteError(w, r, err)
				return
			}
			next.ServeHTTP(w, loaded)
			// net/http has sent nothing yet of a short answer; of a long one the
			// end is missing. Whoever waits for it finds the values stored.
			_ = a.SaveSession(loaded.Context()) // is logged; the handler has answered
		})
	}
}

// RequireSession lets signed-in callers through and answers all others with
// 401 and ReasonNotSignedIn, or sends browsers to a login page, see [LoginPage].
// It includes LoadSession. Nothing but a live session of this very Auth counts:
// neither an id_token nor a session of another one.
//
// Where the session came by cookie, requests other than GET, HEAD and OPTIONS
// must come from the app's own origin ([http.CrossOriginProtection]); others
// get 403, see [AllowCrossOrigin].
//
// Answers are not stored by caches, unless the handler sets Cache-Control
// itself.
func RequireSession(a *auth.Auth, options ...Option) func(http.Handler) http.Handler {
	var o sessionOptions
	for _, option := range options {
		option(&o)
	}
	load := LoadSession(a)
	return func(next http.Handler) http.Handler {
		return load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			id, ok := a.SessionIdentity(r.Context())
			switch {
			case !ok:
				o.refuse(a, w, r)
			case id.ByCookie && o.crossOrigin.Check(r) != nil:
				a.WriteError(w, r, auth.ReasonCrossOrigin)
			default:
				next.ServeHTTP(w, r)
			}
		}))
	}
}

// Option changes what [RequireSession] does.
type Option func(*sessionOptions)

type sessionOptions struct {
	loginPage   string
	crossOrigin http.CrossOriginProtection
}
