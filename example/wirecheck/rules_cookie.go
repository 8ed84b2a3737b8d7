package main

import (
	"fmt"
	"net/http"
	"strings"
)

// cookieRules are about cookie clients.
var cookieRules = []rule{
	{5, "cookie/login", "a cookie client gets a __Host- cookie and no session_token; emial will do for email", cookieLogin},
	{5, "cookie/attributes", "the cookie is Secure, HttpOnly, SameSite, of Path=/ and no Domain, and lives as long as the session", pageLoggedIn(func(r *run) error {
		c := cookieOf(r.pageLogin)
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode ||
			c.Path != "/" || c.Domain != "" || float64(c.MaxAge) != r.pageLogin.number("expire") {
			return r.pageLogin.but("Set-Cookie is %q", r.pageLogin.header.Values("Set-Cookie"))
		}
		return nil
	})},
	{6, "cookie/refresh", "with the cookie it gets a fresh id_token, and no session_token", pageLoggedIn(func(r *run) error {
		a := r.send(r.page.request("POST", refreshPath))
		if err := a.ok(); err != nil {
			return err
		}
		if err := members(a.json, "expire", "id_token"); err != nil {
			return a.but("%v", err)
		}
		return nil
	})},
	{1, "cookie/other-place", "its token does not count in a header, nor at a header client", pageLoggedIn(func(r *run) error {
		_, token, _ := strings.Cut(r.page.session, "=")
		inHeader, atHeaderClient := r.page, r.app
		inHeader.session, atHeaderClient.session = "", token
		return r.refuses(sessionInvalid, inHeader.request("POST", refreshPath).with("Session-Token", token), atHeaderClient.request("POST", refreshPath))
	})},
	{1, "cookie/cross-origin", "what another origin makes it send is REQUEST.0007, GET included", func(r *run) error {
		if r.page.id == "" {
			return errNoCookieClient
		}
		return r.refuses(crossOrigin, r.page.get(sessionsPath).with("Sec-Fetch-Site", "cross-site"),
			r.page.get(sessionsPath).with("Origin", "https://elsewhere.example"), r.page.get(captchaPath).with("Sec-Fetch-Site", "same-site"))
	}},
	{7, "cookie/logout-get", "a link does not log it out", pageLoggedIn(func(r *run) error {
		a := r.send(r.page.get(logoutPath))
		if a.status == http.StatusOK {
			r.page.session = ""
		}
		return a.refused(sessionInvalid)
	})},
}

func cookieLogin(r *run) error {
	if r.page.id == "" {
		return errNoCookieClient
	}
	address := r.newAddress()
	_, code, err := r.getMail(r.page, address)
	if err != nil {
		return err
	}
	r.pageLogin = r.send(r.page.post(loginPath, "emial", address, "verify_code", code))
	if err := r.pageLogin.ok(); err != nil {
		return err
	}
	c := cookieOf(r.pageLogin)
	if c == nil {
		return r.pageLogin.but("Set-Cookie is %q", r.pageLogin.header.Values("Set-Cookie"))
	}
	r.page.session = fmt.Sprintf("%s=%s", c.Name, c.Value)
	if err := members(r.pageLogin.json, "expire", "status", "id_token"); err != nil {
		return r.pageLogin.but("%v", err)
	}
	return nil
}

// cookieOf returns the session's cookie; nil when there is none.
func cookieOf(a reply) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasPrefix(c.Name, "__Host-") {
			return c
		}
	}
	return nil
}
