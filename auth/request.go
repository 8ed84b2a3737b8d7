package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"example.com/mailkey/internal/failpoint"
)

// call is one request on its way through a handler.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	ctx  context.Context // ends with the client or after requestDeadline
	now  time.Time       // read once, in the whole milliseconds that stores keep
	lang int             // index into the catalog

	// Filled in by endpoint.
	client Client
	device device
	peer   netip.Addr
	body   map[string]string

	unread bool // there is a body, and it was not read to its end
}

// endpoint is one path below /api/v2/sdk/.
type endpoint struct {
	methods []string
	fields  []string    // that the JSON body may have; nil: no body is read
	rates   []namedRate // of the peer
	handle  func(*call) error
}

// endpoint checks what all of these requests have in common, in the order of
// the contract: method, origin, content type, declared size, device headers,
// client, limits of the peer, body.
func (a *Auth) endpoint(e endpoint) http.Handler {
	return a.plain(e.methods, func(c *call) error {
		if err := crossOrigin(&a.crossOrigin, c.r); err != nil {
			return err
		}
		if err := checkContent(c.r); err != nil {
			return err
		}
		if err := a.readHeaders(c); err != nil {
			return err
		}
		if err := a.checkOriginOf(c.client, c.r); err != nil {
			return err
		}
		if e.rates != nil {
			if err := a.takeLimits(c, a.peerLimits(c.peer, e.rates)...); err != nil {
				return err
			}
		}
		if e.fields != nil {
			if err := c.readBody(e.fields); err != nil {
				return err
			}
		}
		return e.handle(c)
	})
}

// plain serves one path, with whatever response handle writes or the error it
// returns.
func (a *Auth) plain(methods []string, handle func(*call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestDeadline)
		defer cancel()
		c := &call{w: w, r: r, ctx: ctx, unread: r.ContentLength != 0, now: failpoint.Now().Truncate(time.Millisecond)}
		c.lang = a.catalog.match(languageHeader(r.Header.Get("X-L")), languageHeader(r.Header.Get("Accept-Language")))
		c.peer = peerOf(r, a.config.TrustedProxies)
		c.awaitBody(requestDeadline)
		defer c.awaitBody(unreadGrace)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")

		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				a.config.Logger.Error("panic", "path", r.URL.EscapedPath(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				a.fail(c, &failure{reason: ReasonBusy})
			}
		}()
		a.allowOrigin(w, r)
		if a.preflight(w, r, methods) {
			return
		}
		if !slices.Contains(methods, r.Method) {
			h.Set("Allow", strings.Join(methods, ", "))
			a.fail(c, &failure{reason: ReasonMethod})
			return
		}
		err := a.inService()
		if err == nil {
			err = handle(c)
		}
		if err != nil {
			a.fail(c, failureOf(err))
		}
	})
}
