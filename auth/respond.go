package auth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
)

// fail is the one place that writes errors.
func (a *Auth) fail(c *call, f *failure) {
	if f.cause != nil {
		level := slog.LevelError
		if errors.Is(c.r.Context().Err(), context.Canceled) {
			level = slog.LevelDebug // the client went away: that is all that is wrong
		}
		a.config.Logger.Log(c.r.Context(), level, "request failed", "path", c.r.URL.EscapedPath(), "error_code", string(f.reason), "cause", f.cause)
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

// WriteError answers with an error in the form of the wire and in the
// request's language: that of the [Reason] which err wraps, else ReasonBusy.
// It is for handlers of the app that want to refuse as the login does.
func (a *Auth) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	a.plain([]string{r.Method}, func(*call) error { return err }).ServeHTTP(w, r)
}

// WriteError is [Auth.WriteError] for services without an Auth, in the languages
// that come with the module.
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
