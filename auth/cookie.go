package auth

import (
	"net/http"
	"time"
)

// CookieName is the name of the cookie that holds a cookie client's session.
// The prefix makes browsers accept it only from this very host, over https
// (or from localhost), for all its paths.
const CookieName = "__Host-mailkey"

// InsecureCookieName is its name with Config.InsecureCookie.
const InsecureCookieName = "mailkey"

func (a *Auth) cookieName() string {
	if a.config.InsecureCookie {
		return InsecureCookieName
	}
	return CookieName
}

func (a *Auth) setCookie(w http.ResponseWriter, token string, life time.Duration) {
	http.SetCookie(w, a.cookie(token, int(life/time.Second)))
}

func (a *Auth) clearCookie(w http.ResponseWriter) { http.SetCookie(w, a.cookie("", -1)) }

func (a *Auth) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: a.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		Secure: !a.config.InsecureCookie, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
