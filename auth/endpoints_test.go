package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// endpoints are all that is below /api/v2/sdk/, each with a body if it reads
// one.
var endpoints = []struct{ method, path, body string }{
	{"GET", captchaPath, ""},
	{"GET", captchaPath + "/audio?token=x", ""},
	{"POST", verifyPath, `{"token":"x","sender":"ann@b.example","captcha_code":"1"}`},
	{"POST", sendPath, `{"email":"ann@b.example","type":"LOGIN_EMS","captcha_token":"x"}`},
	{"POST", loginPath, `{"email":"ann@b.example","verify_code":"123456"}`},
	{"POST", refreshPath, ""},
	{"GET", logoutPath, ""},
	{"POST", logoutPath, ""},
	{"GET", sessionsPath, ""},
	{"DELETE", sessionsPath + "?others=true", ""},
	{"DELETE", sessionsPath + "/x", ""},
}

// sharedRefusals are what each of them refuses alike.
var sharedRefusals = []struct {
	name   string
	want   auth.Reason
	change func(k *kit, r *http.Request)
}{
	{"a page of another origin", auth.ReasonCrossOrigin, func(_ *kit, r *http.Request) {
		r.Header.Set("X-Client-Id", "web")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}},
	{"text", auth.ReasonContentType, func(_ *kit, r *http.Request) {
		r.Header.Set("Content-Type", "text/plain")
		setBody(r, "x")
	}},
	{"a body declared too large", auth.ReasonTooLarge, func(_ *kit, r *http.Request) { setBody(r, strings.Repeat(" ", 9000)) }},
	{"no agent", auth.ReasonDevice, func(_ *kit, r *http.Request) { r.Header.Del("X-Agent") }},
	{"no client id", auth.ReasonClientEmpty, func(_ *kit, r *http.Request) { r.Header.Del("X-Client-Id") }},
	{"an unknown client id", auth.ReasonClientUnknown, func(_ *kit, r *http.Request) { r.Header.Set("X-Client-Id", "nobody") }},
	{"the store is broken", auth.ReasonBusy, func(k *kit, _ *http.Request) { k.conf.Store.(*brokenStore).broken = true }},
}

// Of those, these are refused where there is a body to read.
var bodyRefusals = []struct {
	name   string
	want   auth.Reason
	change func(k *kit, r *http.Request)
}{
	{"a body that is no object", auth.ReasonMalformed, func(_ *kit, r *http.Request) { setBody(r, "[]") }},
	{"a body that does not come", auth.ReasonTimeout, func(k *kit, r *http.Request) {
		body, w := io.Pipe()
		k.Cleanup(func() { _ = w.Close() })
		r.Body, r.ContentLength = body, 10
	}},
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// brokenStore can, once it is broken, neither count nor find a session.
type brokenStore struct {
	storage.Store
	broken bool
}

func (s *brokenStore) TakeLimits(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
	if s.broken {
		return 0, errors.New("the disk is gone")
	}
	return s.Store.TakeLimits(ctx, now, limits...)
}

func (s *brokenStore) FindSession(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
	if s.broken {
		return storage.LiveSession{}, false, errors.New("the disk is gone")
	}
	return s.Store.FindSession(ctx, hash, now)
}

// What the checks of every request refuse is refused by every endpoint.
func TestEveryEndpointRefuses(t *testing.T) {
	t.Parallel()
	onBroken := func(c *auth.Config) { c.Store = &brokenStore{Store: c.Store} }
	for _, e := range endpoints {
		refusals := sharedRefusals
		if e.body != "" {
			refusals = slices.Concat(refusals, bodyRefusals)
		}
		for _, row := range refusals {
			name := fmt.Sprintf("%s %s: %s", e.method, e.path, row.name)
			play(t, onBroken, func(k *kit) {
				token, _ := k.signIn("ann@b.example")
				r := k.withToken(e.method, e.path, token)
				if e.body != "" {
					setBody(r, e.body)
				}
				row.change(k, r)
				a := k.do(r)
				if a.code() != string(row.want) || a.status != auth.Status(row.want) {
					t.Errorf("%s: %d %s, want %s", name, a.status, a.body, row.want)
				}
				if row.want == auth.ReasonBusy && a.header.Get("Retry-After") == "" {
					t.Errorf("%s: without Retry-After", name)
				}
				checkHeaders(t, name, a)
				if k.conf.Store.(*brokenStore).broken = false; !k.alive(token) {
					t.Errorf("%s: it ended the session", name)
				}
			})
		}
	}
}

// A header client may log out by GET.
func TestLogoutByGet(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		a := k.do(k.withToken("GET", logoutPath, token))
		if a.status != 200 || string(a.body) != "{}" || k.alive(token) {
			t.Errorf("%d %s, alive: %v", a.status, a.body, k.alive(token))
		}
		checkHeaders(t, "logout", a)
	})
}
