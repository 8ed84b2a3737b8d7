package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

var errCookieOrigins = errors.New("a cookie client cannot be used from other origins")

// checkOrigin accepts another origin than the issuer's, as browsers send it.
func (c Client) checkOrigin(origin string, issuer *url.URL) error {
	u, err := url.Parse(origin)
	defaultPort := map[string]string{"https": "443", "http": "80"}
	if err != nil || u.Scheme+"://"+u.Host != origin || !isHost(u) || defaultPort[u.Scheme] == "" ||
		u.Port() == defaultPort[u.Scheme] {
		return fmt.Errorf("%q is not an origin, such as https://spa.example", origin)
	}
	if c.Cookie {
		return errCookieOrigins
	}
	if issuer != nil && origin == issuer.Scheme+"://"+issuer.Host { // its pages could not use the others any more
		return fmt.Errorf("%q is the Issuer's own, whose pages may use every client", origin)
	}
	return nil
}

// The headers that a page of another origin may send and read.
const (
	corsAllowHeaders = "Content-Type, X-operating-sys-version, X-device-fingerprint, X-device-ip, X-agent, " +
		"X-client-id, X-L, session-token, Authorization"
	corsExposeHeaders = "Retry-After"
	corsMaxAge        = "600" // seconds
)

// allowOrigin tells the browser that the page may read the answer, if its
// origin is one of those of some header client. Which client it is shows
// later. Credentials are never allowed: header clients need none.
func (a *Auth) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if len(a.origins) == 0 {
		return
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); a.origins[origin] {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposeHeaders)
	}
}

// preflight answers the question that a browser asks before a cross-origin
// request; done is false when it is no such question, or the answer is no.
func (a *Auth) preflight(w http.ResponseWriter, r *http.Request, methods []string) (done bool) {
	if r.Method != http.MethodOptions || !a.origins[r.Header.Get("Origin")] ||
		!slices.Contains(methods, r.Header.Get("Access-Control-Request-Method")) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", corsAllowHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	h.Del("Content-Type")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// checkOriginOf refuses a page whose origin may use another client, but not
// this one. To a cookie client a page of another origin may not even send GET.
func (a *Auth) checkOriginOf(client Client, r *http.Request) error {
	if origin := r.Header.Get("Origin"); a.origins[origin] && !slices.Contains(client.Origins, origin) {
		return refuse(ReasonCrossOrigin)
	}
	if client.Cookie {
		unsafe := *r
		unsafe.Method = http.MethodPost
		return crossOrigin(&a.crossOrigin, &unsafe)
	}
	return nil
}
