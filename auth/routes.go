package auth

import (
	"net/http"
	"path"
	"strings"

	"github.com/gorilla/mux"
)

// The paths of the wire, below wherever the handler is mounted.
const (
	pathCaptcha       = "/api/v2/sdk/captcha"
	pathCaptchaAudio  = "/api/v2/sdk/captcha/audio"
	pathVerifyCaptcha = "/api/v2/sdk/captcha/verify"
	pathSendCode      = "/api/v2/sdk/email/send"
	pathLogin         = "/api/v2/sdk/login/email-verify-code"
	pathRefresh       = "/api/v2/sdk/sso/session-token/id-token"
	pathLogout        = "/api/v2/sdk/logout"
	pathSessions      = "/api/v2/sdk/sessions"
	pathSession       = "/api/v2/sdk/sessions/{id}"
	pathKeys          = "/api/v1/oauth2/keys"
	pathJWKS          = "/.well-known/jwks.json"
	pathDiscovery     = "/.well-known/openid-configuration"
)

// handlers holds one handler per path. Each checks the method itself, so it
// answers the same under any router.
type handlers struct {
	captcha, captchaAudio, verifyCaptcha, sendCode, login http.Handler
	refresh, logout, sessions, session                    http.Handler
	jwks, discovery, openAPI, notFound                    http.Handler
}

func (a *Auth) newHandlers() (h handlers, err error) {
	document, err := discovery(a.config.Issuer, a.config.SigningAlgorithm)
	if err != nil {
		return h, err
	}
	description, err := describe(a.config)
	if err != nil {
		return h, err
	}
	get, post := []string{http.MethodGet}, []string{http.MethodPost}
	h = handlers{
		captcha: a.endpoint(endpoint{
			methods: get, handle: a.getCaptcha,
			rates: []namedRate{{"captcha", func(l *Limits) Rate { return l.Captcha }}},
		}),
		captchaAudio: a.endpoint(endpoint{
			methods: get, handle: a.getCaptchaAudio,
			rates: []namedRate{{"captcha", func(l *Limits) Rate { return l.Captcha }}},
		}),
		verifyCaptcha: a.endpoint(endpoint{
			methods: post, fields: []string{"token", "sender", "point_json", "captcha_code"}, handle: a.verifyCaptcha,
			rates: []namedRate{{"verify", func(l *Limits) Rate { return l.VerifyCaptcha }}},
		}),
		sendCode: a.endpoint(endpoint{
			methods: post, fields: []string{"email", "type", "captcha_token"}, handle: a.sendCode,
			rates: []namedRate{
				{"send", func(l *Limits) Rate { return l.SendCode }},
				{"send long", func(l *Limits) Rate { return l.SendCodeLong }},
			},
		}),
		login: a.endpoint(endpoint{
			methods: post, fields: []string{"email", "emial", "verify_code"}, handle: a.login,
			rates: []namedRate{{"login", func(l *Limits) Rate { return l.Login }}},
		}),
		refresh:   a.endpoint(endpoint{methods: post, handle: a.refresh}),
		logout:    a.endpoint(endpoint{methods: []string{http.MethodGet, http.MethodPost}, handle: a.logout}),
		sessions:  a.endpoint(endpoint{methods: []string{http.MethodGet, http.MethodDelete}, handle: a.ownSessions}),
		session:   a.endpoint(endpoint{methods: []string{http.MethodDelete}, handle: a.endOwnSession}),
		jwks:      a.publicHandler(func(c *call) []byte { return a.currentKeys(c.ctx, c.now).public }),
		discovery: a.publicHandler(func(*call) []byte { return document }),
		openAPI:   a.publicHandler(func(*call) []byte { return description }),
		notFound: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.plain([]string{r.Method}, func(*call) error { return refuse(ReasonNotFound) }).ServeHTTP(w, r)
		}),
	}
	if a.config.SessionStore != nil { // which cannot find sessions by user
		h.sessions, h.session = h.notFound, h.notFound
	}
	return h, nil
}

// byPath is the one table of what is mounted where.
func (h *handlers) byPath() map[string]http.Handler {
	return map[string]http.Handler{
		pathCaptcha:       h.captcha,
		pathCaptchaAudio:  h.captchaAudio,
		pathVerifyCaptcha: h.verifyCaptcha,
		pathSendCode:      h.sendCode,
		pathLogin:         h.login,
		pathRefresh:       h.refresh,
		pathLogout:        h.logout,
		pathSessions:      h.sessions,
		pathSession:       h.session,
		pathKeys:          h.jwks,
		pathJWKS:          h.jwks,
		pathDiscovery:     h.discovery,
	}
}

// Routes adds the paths of the wire to a router or subrouter of the app.
// Whatever else the router serves, its 404 included, stays as it is.
func (a *Auth) Routes(r *mux.Router) {
	for path, handler := range a.handlers.byPath() {
		r.Handle(path, handler)
	}
}

// Handler serves the paths of the wire and answers everything else with
// 404. It can be mounted under any router, at the root or under the path of
// Config.Issuer, and there with or without http.StripPrefix. Paths are
// compared as they are: nothing is cleaned or redirected.
func (a *Auth) Handler() http.Handler {
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	a.Routes(router)
	if a.issuer.Path != "" {
		a.Routes(router.PathPrefix(a.issuer.Path).Subrouter())
	}
	router.NotFoundHandler = a.handlers.notFound
	return router
}

// CaptchaHandler serves GET /api/v2/sdk/captcha and, where the path ends so,
// the audio of a captcha.
func (a *Auth) CaptchaHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/audio") {
			a.handlers.captchaAudio.ServeHTTP(w, r)
			return
		}
		a.handlers.captcha.ServeHTTP(w, r)
	})
}

// VerifyCaptchaHandler serves POST /api/v2/sdk/captcha/verify.
func (a *Auth) VerifyCaptchaHandler() http.Handler { return a.handlers.verifyCaptcha }

// SendCodeHandler serves POST /api/v2/sdk/email/send.
func (a *Auth) SendCodeHandler() http.Handler { return a.handlers.sendCode }

// LoginHandler serves POST /api/v2/sdk/login/email-verify-code: it turns a
// mailed code into a session and an id_token.
func (a *Auth) LoginHandler() http.Handler { return a.handlers.login }

// RefreshHandler serves POST /api/v2/sdk/sso/session-token/id-token: a fresh
// id_token for a live session.
func (a *Auth) RefreshHandler() http.Handler { return a.handlers.refresh }

// SessionsHandler serves a user's own sessions: GET and DELETE
// /api/v2/sdk/sessions, and DELETE of one with its id as another part of the
// path.
func (a *Auth) SessionsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch parent, last := path.Split(r.URL.Path); {
		case last == "sessions":
			a.handlers.sessions.ServeHTTP(w, r)
		case last != "" && path.Base(parent) == "sessions":
			a.handlers.session.ServeHTTP(w, r)
		default:
			a.handlers.notFound.ServeHTTP(w, r)
		}
	})
}

// LogoutHandler serves GET and POST /api/v2/sdk/logout.
func (a *Auth) LogoutHandler() http.Handler { return a.handlers.logout }

// JWKSHandler serves the public keys: GET /.well-known/jwks.json.
func (a *Auth) JWKSHandler() http.Handler { return a.handlers.jwks }

// DiscoveryHandler serves GET /.well-known/openid-configuration.
func (a *Auth) DiscoveryHandler() http.Handler { return a.handlers.discovery }
