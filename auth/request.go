package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
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

// device is what a client says about the device it runs on. None of it is
// believed: it is kept to show people their own sessions, and the fingerprint
// tells one flow of an address from another.
type device struct {
	os, fingerprint, agent string
	claimedIP              string
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
		c := &call{w: w, r: r, ctx: ctx, unread: r.ContentLength != 0, now: time.Now().Truncate(time.Millisecond)}
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
				a.config.Logger.Error("panic", "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
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
		if err := handle(c); err != nil {
			a.fail(c, failureOf(err))
		}
	})
}

// fail is the one place that writes errors.
func (a *Auth) fail(c *call, f *failure) {
	if f.cause != nil {
		level := slog.LevelError
		if errors.Is(c.r.Context().Err(), context.Canceled) {
			level = slog.LevelDebug // the client went away: that is all that is wrong
		}
		a.config.Logger.Log(c.r.Context(), level, "request failed", "path", c.r.URL.Path, "error_code", string(f.reason), "cause", f.cause)
	}
	h := c.w.Header()
	if f.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(retryAfter(f.wait)))
	}
	if f.reason == ReasonTooLarge || f.reason == ReasonTimeout {
		h.Set("Connection", "close") // the rest of the body is not waited for
	}
	c.w.WriteHeader(statuses[f.reason])
	_ = json.NewEncoder(c.w).Encode(struct { // the client went away: nothing to do
		Code Reason `json:"error_code"`
		Text string `json:"error_msg"`
	}{f.reason, a.catalog.text(c.lang, f.reason)})
}

// WriteError answers with an error in the form of the contract and in the
// request's language: that of the [Reason] which err wraps, else ReasonBusy.
// It is for handlers of the app that want to refuse as the login does.
func (a *Auth) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	a.plain([]string{r.Method}, func(*call) error { return err }).ServeHTTP(w, r)
}

// WriteError is the method of that name for services without an Auth, in the
// languages that come with the module.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	a := &Auth{catalog: builtinCatalog(), config: Config{Logger: slog.Default()}}
	a.WriteError(w, r, err)
}

// builtinCatalog never fails: a test reads the embedded files, too.
var builtinCatalog = sync.OnceValue(func() *catalog {
	c, err := newCatalog("en", nil)
	if err != nil {
		panic(err)
	}
	return c
})

// reply answers 200.
func (c *call) reply(body any) error {
	doc, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, _ = c.w.Write(doc) // the client went away: nothing to do
	return nil
}

// checkContent refuses bodies that are not JSON or too large, by what the
// headers declare. Without a body there is nothing to declare.
func checkContent(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || mediaType != "application/json" || r.Header.Get("Content-Encoding") != "" ||
		charset != "" && charset != "utf-8" && charset != "utf8" {
		return refuse(ReasonContentType)
	}
	if r.ContentLength > maxBody {
		return refuse(ReasonTooLarge)
	}
	return nil
}

// readHeaders reads who is calling. The claims about the device are only
// looked at for their form.
func (a *Auth) readHeaders(c *call) error {
	h := c.r.Header
	clientID, clientOK := header(h, "X-Client-Id", 64)
	_, langOK := header(h, "X-L", 16)
	var osOK, fingerprintOK, agentOK, ipOK bool
	c.device.os, osOK = header(h, "X-Operating-Sys-Version", 64)
	c.device.fingerprint, fingerprintOK = header(h, "X-Device-Fingerprint", 128)
	c.device.agent, agentOK = header(h, "X-Agent", 512)
	c.device.claimedIP, ipOK = header(h, "X-Device-Ip", 64)
	if ipOK && c.device.claimedIP != "" {
		addr, err := netip.ParseAddr(c.device.claimedIP)
		ipOK = err == nil && addr.Zone() == ""
	}
	if langOK && h.Get("X-L") != "" {
		_, err := language.Parse(h.Get("X-L"))
		_, unknown := errors.AsType[language.ValueError](err) // well-formed, but nobody speaks it
		langOK = err == nil || unknown
	}
	if !clientOK || !langOK || !osOK || !fingerprintOK || !agentOK || !ipOK || len(h.Values("Content-Type")) > 1 ||
		c.device.os == "" || c.device.fingerprint == "" || c.device.agent == "" {
		return refuse(ReasonDevice)
	}
	if clientID == "" {
		return refuse(ReasonClientEmpty)
	}
	client, registered := a.clients[clientID]
	if !registered {
		return refuse(ReasonClientUnknown)
	}
	c.client = client
	return nil
}

// header returns a header's value without the spaces around it; ok is false
// when it is there twice, too long, or not printable UTF-8.
func header(h http.Header, name string, most int) (value string, ok bool) {
	values := h[name]
	if len(values) == 0 {
		return "", true
	}
	value = strings.Trim(values[0], " \t")
	if len(values) > 1 || len(value) > most || !utf8.ValidString(value) {
		return "", false
	}
	return value, !strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// languageHeader bounds what the language matcher has to look at.
func languageHeader(value string) string {
	if len(value) > 256 {
		return ""
	}
	return value
}

// unreadGrace is how long the server may wait for the rest of a body that
// nobody reads, so that it can keep the connection.
const unreadGrace = 500 * time.Millisecond

// awaitBody bounds how long a body may still take to arrive. A client that
// sends it a byte at a time, or never, must not hold the handler, the answer or
// the connection, whatever timeouts the host's server has. Servers that cannot
// set deadlines have their own.
func (c *call) awaitBody(d time.Duration) {
	if c.unread {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(d))
	}
}

// readBody reads the JSON body, which may have these fields only.
func (c *call) readBody(fields []string) error {
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err == nil && c.unread {
		c.unread = false
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // as in awaitBody
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuse(ReasonTooLarge)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(ReasonTimeout)
	}
	if err != nil {
		return refuse(ReasonMalformed)
	}
	if c.body, err = parseObject(data); err != nil {
		return refuse(ReasonMalformed)
	}
	for name := range c.body {
		if !slices.Contains(fields, name) {
			return refuse(ReasonMalformed)
		}
	}
	return nil
}

// readAddress reads the field that holds an e-mail address.
func (c *call) readAddress(field string) (address, error) {
	typed := c.body[field]
	if typed == "" {
		return address{}, refuse(ReasonEmailEmpty)
	}
	addr, ok := parseAddress(typed)
	if !ok {
		return address{}, refuse(ReasonEmail)
	}
	return addr, nil
}
