package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// The three ways of sending a token lead to the same kind of session.
func TestIdentity(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		app, web := k.login("app", "App@b.example").session, k.login("web", "web@b.example").session
		for _, row := range []struct {
			name   string
			edits  []edit
			client string // "": nobody is signed in
			cookie bool
		}{
			{"session-token", []edit{bySessionToken(app)}, "app", false},
			{"Authorization: Bearer", []edit{byBearer(app)}, "app", false},
			{"Authorization: bearer", []edit{header("Authorization", "bearer  "+app)}, "app", false},
			{"both headers", []edit{byBearer(app), bySessionToken(app)}, "app", false},
			{"cookie", []edit{byCookie(web)}, "web", true},
			{"cookie among others", []edit{header("Cookie", "a=b"), byCookie(web), header("Cookie", "session=x")}, "web", true},
			{"Basic credentials are the app's own", []edit{bySessionToken(app), header("Authorization", "Basic YTpi")}, "app", false},

			{"nothing", nil, "", false},
			{"another token", []edit{bySessionToken(strings.Repeat("A", 43))}, "", false},
			{"the token of a cookie client in a header", []edit{bySessionToken(web)}, "", false},
			{"the token of a header client in a cookie", []edit{byCookie(app)}, "", false},
			{"the cookie by another name", []edit{header("Cookie", "mailkey="+web)}, "", false},
			{"in another case", []edit{header("Cookie", "__host-mailkey="+web)}, "", false},
		} {
			t.Run(row.name, func(t *testing.T) {
				var id auth.Identity
				var ok bool
				look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { id, ok = auth.FromContext(r.Context()) })

				if w := serve(middleware.LoadSession(k.auth)(look), request("GET", "/", row.edits...)); w.Code != 200 {
					t.Errorf("LoadSession: %d %s", w.Code, w.Body)
				}
				if ok != (row.client != "") {
					t.Fatalf("LoadSession: got %v %v", id, ok)
				}
				if !ok {
					wantNotSignedIn(t, serve(middleware.RequireSession(k.auth)(unreachable(t)), request("GET", "/", row.edits...)))
					return
				}
				loaded := id
				u, err := k.auth.UserByEmail(t.Context(), row.client+"@b.example")
				if err != nil {
					t.Fatal(err)
				}
				if id.UserID != u.ID || id.Email != row.client+"@b.example" || id.ClientID != row.client || id.ByCookie != row.cookie ||
					id.SessionID == "" || id.SessionID == app || id.SessionID == web || time.Since(id.LoginAt) > time.Minute || id.LoginAt.After(time.Now()) {
					t.Errorf("got %+v", id)
				}
				w := serve(middleware.RequireSession(k.auth)(look), request("GET", "/", row.edits...))
				if w.Code != 200 || !ok || id != loaded {
					t.Errorf("RequireSession: %d %s %+v, want %+v", w.Code, w.Body, id, loaded)
				}
			})
		}
	})
}

// Two tokens in one request: somebody planted one.
func TestTwoTokens(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	app, other := k.login("app", "a@b.example").session, k.login("app", "c@d.example").session
	web, web2 := k.login("web", "e@b.example").session, k.login("web", "f@d.example").session
	for _, row := range []struct {
		name  string
		edits []edit
	}{
		{"two headers", []edit{bySessionToken(app), bySessionToken(other)}},
		{"header and Bearer", []edit{bySessionToken(app), byBearer(other)}},
		{"two Bearers", []edit{byBearer(app), byBearer(other)}},
		{"header and cookie", []edit{bySessionToken(app), byCookie(web)}},
		{"Bearer and cookie", []edit{byBearer(app), byCookie(web)}},
		{"two cookies", []edit{byCookie(web), byCookie(web2)}},
		{"two cookies that are the same", []edit{byCookie(web), byCookie(web)}},
		{"two cookie headers", []edit{header("Cookie", auth.CookieName+"="+web), header("Cookie", auth.CookieName+"="+web2)}},
		{"a cookie and an empty one", []edit{byCookie(""), byCookie(web)}},
		{"a live and a dead one", []edit{bySessionToken(app), byBearer(strings.Repeat("A", 43))}},
		{"a live one and garbage", []edit{bySessionToken(app), byBearer("x")}},
	} {
		for name, guard := range map[string]http.Handler{
			"LoadSession":    middleware.LoadSession(k.auth)(unreachable(t)),
			"RequireSession": middleware.RequireSession(k.auth)(unreachable(t)),
		} {
			t.Run(row.name+"/"+name, func(t *testing.T) {
				k.store.counts()
				wantNotSignedIn(t, serve(guard, request("GET", "/", row.edits...)))
				if finds, _, _ := k.store.counts(); finds != 0 {
					t.Errorf("%d reads of the store", finds)
				}
			})
		}
	}
}

// A token is where it belongs or nowhere, and has one spelling.
func TestTokenElsewhere(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	login := k.login("app", "a@b.example")
	token := login.session
	form := url.Values{"session_token": {token}, "session-token": {token}, "access_token": {token}, "token": {token}}.Encode()
	rows := map[string]*http.Request{
		"query":           request("GET", "/?"+form),
		"path":            request("GET", "/"+token),
		"path parameter":  request("GET", "/;session-token="+token),
		"form":            httptest.NewRequest("POST", "/", strings.NewReader(form)),
		"user of the URL": request("GET", "http://"+token+":"+token+"@app.example/"),
		"Basic":           request("GET", "/", func(r *http.Request) { r.SetBasicAuth(token, token) }),
		"Token":           request("GET", "/", header("Authorization", "Token "+token)),
		"no scheme":       request("GET", "/", header("Authorization", token)),
		"trailer":         request("POST", "/", func(r *http.Request) { r.Trailer = http.Header{"Session-Token": {token}} }),
		"id_token":        request("GET", "/", byBearer(login.idToken)),
		"in quotes":       request("GET", "/", bySessionToken(`"`+token+`"`)),
		"padded":          request("GET", "/", bySessionToken(token+"=")),
		"twice":           request("GET", "/", bySessionToken(token+token)),
		"in lower case":   request("GET", "/", bySessionToken(strings.ToLower(token))),
		"with a comma":    request("GET", "/", bySessionToken(token+","+token)),
		"with a newline":  request("GET", "/", bySessionToken(token+"\n")),
		"huge":            request("GET", "/", bySessionToken(strings.Repeat("A", 1<<20))),
	}
	rows["form"].Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := range token { // every prefix, and another character at every place
		c := "A"
		if token[i] == 'A' {
			c = "B"
		}
		rows[fmt.Sprint("prefix ", i)] = request("GET", "/", bySessionToken(token[:i]))
		rows[fmt.Sprint("other ", i)] = request("GET", "/", bySessionToken(token[:i]+c+token[i+1:]))
	}
	for name, r := range rows {
		wantNotSignedIn(t, serve(middleware.RequireSession(k.auth)(unreachable(t)), r))
		if t.Failed() {
			t.Fatal(name)
		}
	}
	wantBody(t, serve(middleware.RequireSession(k.auth)(whoami), request("GET", "/", bySessionToken(token))), "a@b.example")
}

func TestLanguageOfRefusal(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	guard := middleware.RequireSession(k.auth)(unreachable(t))
	for _, row := range []struct {
		name, text string
		edits      []edit
	}{
		{"none", "Not signed in", nil},
		{"X-L", "未登录", []edit{header("X-L", "zh")}},
		{"Accept-Language", "未登录", []edit{header("Accept-Language", "fr, zh-CN;q=0.9, en;q=0.5")}},
		{"X-L first", "Not signed in", []edit{header("X-L", "en"), header("Accept-Language", "zh")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantRefusal(t, serve(guard, request("GET", "/", row.edits...)), 401, "MAILKEY.SESSION.0001", row.text)
		})
	}
}

// People in a browser are sent to the login page, and are told to come back to
// where they wanted to go; scripts are told with 401.
func TestLoginPage(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	navigate, html := header("Sec-Fetch-Mode", "navigate"), header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, row := range []struct {
		name, page, method, target string
		edits                      []edit
		want                       string // Location; "": 401
	}{
		{"navigation", "/login", "GET", "/account", []edit{navigate}, "/login?return_to=%2Faccount"},
		{"old browser", "/login", "GET", "/account", []edit{html}, "/login?return_to=%2Faccount"},
		{"HEAD", "/login", "HEAD", "/account", []edit{html}, "/login?return_to=%2Faccount"},
		{"with a query", "/login", "GET", "/a%20b/?x=1&y=%2F%2Fevil.example", []edit{navigate}, "/login?return_to=%2Fa%2520b%2F%3Fx%3D1%26y%3D%252F%252Fevil.example"},
		{"a page with a query", "/login?lang=zh", "GET", "/account", []edit{navigate}, "/login?lang=zh&return_to=%2Faccount"},
		{"another origin", "https://login.example/", "GET", "/account", []edit{navigate}, "https://login.example/?return_to=%2Faccount"},
		{"an absolute target of a proxy", "/login", "GET", "http://evil.example/account", []edit{navigate}, "/login"},
		{"two slashes", "/login", "GET", "//evil.example/account", []edit{navigate}, "/login"},
		{"a slash and a backslash", "/login", "GET", `/%5Cevil.example`, []edit{navigate}, "/login"},
		{"an escaped slash", "/login", "GET", `/%2Fevil.example`, []edit{navigate}, "/login"},
		{"very long", "/login", "GET", "/" + strings.Repeat("a", 4000), []edit{navigate}, "/login"},

		{"POST", "/login", "POST", "/account", []edit{navigate, html}, ""},
		{"script", "/login", "GET", "/account", []edit{header("Sec-Fetch-Mode", "cors"), html}, ""},
		{"image", "/login", "GET", "/account", []edit{header("Sec-Fetch-Mode", "no-cors")}, ""},
		{"websocket", "/login", "GET", "/account", []edit{header("Sec-Fetch-Mode", "websocket"), html}, ""},
		{"program", "/login", "GET", "/account", []edit{header("Accept", "application/json")}, ""},
		{"no headers", "/login", "GET", "/account", nil, ""},
		{"no page is configured", "", "GET", "/account", []edit{navigate, html}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var options []middleware.Option
			if row.page != "" {
				options = append(options, middleware.LoginPage(row.page))
			}
			w := serve(middleware.RequireSession(k.auth, options...)(unreachable(t)), request(row.method, row.target, row.edits...))
			if row.want == "" {
				wantNotSignedIn(t, w)
				return
			}
			if got := w.Header().Get("Location"); w.Code != 303 || got != row.want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %q %v, want 303 %q", w.Code, got, w.Header(), row.want)
			}
		})
	}
}

// The return path is what the browser asked for, not what a router made of it.
func TestLoginPageBehindAPrefix(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	h := http.StripPrefix("/app", middleware.RequireSession(k.auth, middleware.LoginPage("/login"))(unreachable(t)))
	w := serve(h, request("GET", "/app/account?x=1", header("Accept", "text/html")))
	if got, want := w.Header().Get("Location"), "/login?return_to=%2Fapp%2Faccount%3Fx%3D1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAbuse_F14_headers(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	token := k.login("app", "a@b.example").session
	for _, row := range []struct {
		name         string
		guard        func(http.Handler) http.Handler
		edits        []edit
		cacheControl string
	}{
		{"LoadSession", middleware.LoadSession(k.auth), []edit{bySessionToken(token)}, ""},
		{"LoadSession of nobody", middleware.LoadSession(k.auth), nil, ""},
		{"RequireSession", middleware.RequireSession(k.auth), []edit{bySessionToken(token)}, "no-store"},
		{"RequireSession of nobody", middleware.RequireSession(k.auth), nil, "no-store"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := serve(row.guard(whoami), request("GET", "/", row.edits...)).Header()
			vary := strings.Join(h.Values("Vary"), ", ")
			for _, name := range []string{"Cookie", "Authorization", "Session-Token"} {
				if !strings.Contains(vary, name) {
					t.Errorf("Vary is %q, without %s", vary, name)
				}
			}
			if got := h.Get("Cache-Control"); got != row.cacheControl {
				t.Errorf("Cache-Control: got %q, want %q", got, row.cacheControl)
			}
		})
	}
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "private") })
	if got := serve(middleware.RequireSession(k.auth)(own), request("GET", "/", bySessionToken(token))).Header().Get("Cache-Control"); got != "private" {
		t.Errorf("the handler's Cache-Control: got %q", got)
	}
}

// What ends a session ends it for the middleware at once.
func TestEndedSessions(t *testing.T) {
	onEachStore(t, func(t *testing.T, k *kit) {
		guard := middleware.RequireSession(k.auth)(whoami)
		for i, row := range []struct {
			name string
			end  func(ctx context.Context, id auth.Identity, token string) error
		}{
			{"logout", func(_ context.Context, _ auth.Identity, token string) error { k.logout(token); return nil }},
			{"RevokeSession", func(ctx context.Context, id auth.Identity, _ string) error {
				return k.auth.RevokeSession(ctx, id.UserID, id.SessionID)
			}},
			{"RevokeSessions", func(ctx context.Context, id auth.Identity, _ string) error {
				return k.auth.RevokeSessions(ctx, id.UserID)
			}},
			{"DisableUser", func(ctx context.Context, id auth.Identity, _ string) error { return k.auth.DisableUser(ctx, id.UserID) }},
			{"DeleteUser", func(ctx context.Context, id auth.Identity, _ string) error { return k.auth.DeleteUser(ctx, id.UserID) }},
		} {
			t.Run(row.name, func(t *testing.T) {
				token := k.login("app", fmt.Sprintf("a%d@b.example", i)).session
				var id auth.Identity
				serve(middleware.LoadSession(k.auth)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					id, _ = auth.FromContext(r.Context())
				})), request("GET", "/", bySessionToken(token)))
				if err := row.end(t.Context(), id, token); err != nil {
					t.Fatal(err)
				}
				wantNotSignedIn(t, serve(guard, request("GET", "/", bySessionToken(token))))
				wantBody(t, serve(middleware.LoadSession(k.auth)(whoami), request("GET", "/", bySessionToken(token))), "nobody")
			})
		}
	})
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		idle   time.Duration
		pauses []time.Duration // the last one is too long
	}{
		{"absolute", 0, []time.Duration{24 * time.Hour, 96*time.Hour - time.Second, time.Second}},
		{"idle", 10 * time.Minute, []time.Duration{9 * time.Minute, 9 * time.Minute, 10 * time.Minute}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t, memory.New(), func(c *auth.Config) { c.IdleTimeout = row.idle })
				token := k.login("app", "a@b.example").session
				guard := middleware.RequireSession(k.auth)(whoami)
				for _, pause := range row.pauses[:len(row.pauses)-1] {
					time.Sleep(pause)
					wantBody(t, serve(guard, request("GET", "/", bySessionToken(token))), "a@b.example")
				}
				time.Sleep(row.pauses[len(row.pauses)-1])
				wantNotSignedIn(t, serve(guard, request("GET", "/", bySessionToken(token))))
			})
		})
	}
}

// A store that does not answer is not a caller who is not signed in.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	token := k.login("app", "a@b.example").session
	fault := errors.New("the disk is gone")
	k.store.failing.Store(&fault)
	for _, guard := range []func(http.Handler) http.Handler{
		middleware.LoadSession(k.auth), middleware.RequireSession(k.auth, middleware.LoginPage("/login")),
	} {
		w := serve(guard(unreachable(t)), request("GET", "/", bySessionToken(token), header("Accept", "text/html")))
		wantRefusal(t, w, 500, "IDAAS.SDK.COM.0002", "System busy, please try again later")
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	// Without a token there is nothing to ask the store.
	wantBody(t, serve(middleware.LoadSession(k.auth)(whoami), request("GET", "/")), "nobody")
	k.store.failing.Store(nil)
	wantBody(t, serve(middleware.RequireSession(k.auth)(whoami), request("GET", "/", bySessionToken(token))), "a@b.example")
}

// What another guard found out does not open RequireSession.
func TestOnlyASessionOfThisAuth(t *testing.T) {
	t.Parallel()
	customers := newKit(t, memory.New(), nil)
	staff := newKit(t, memory.New(), func(c *auth.Config) { c.Issuer = "https://staff.example" })
	login := customers.login("app", "a@b.example")
	token := login.session
	idTokens, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
		Issuer: customers.conf.Issuer, Clients: []string{"app"}, Algorithm: auth.ES256, Auth: customers.auth,
	})
	if err != nil {
		t.Fatal(err)
	}
	load, require := middleware.LoadSession, middleware.RequireSession
	live := bySessionToken(token)
	for _, row := range []struct {
		name  string
		chain []func(http.Handler) http.Handler // from the outside
		edit  edit
		want  string // "": refused
	}{
		{"its own", []func(http.Handler) http.Handler{require(customers.auth)}, live, "a@b.example"},
		{"loaded before", []func(http.Handler) http.Handler{load(customers.auth), require(customers.auth)}, live, "a@b.example"},
		{"of another Auth", []func(http.Handler) http.Handler{load(customers.auth), require(staff.auth)}, live, ""},
		{"of another Auth, inside", []func(http.Handler) http.Handler{load(staff.auth), require(customers.auth)}, live, "a@b.example"},
		{"of another Auth, all loaded", []func(http.Handler) http.Handler{load(customers.auth), load(staff.auth), require(staff.auth)}, live, ""},
		{"its own, all loaded", []func(http.Handler) http.Handler{load(customers.auth), load(staff.auth), require(customers.auth)}, live, "a@b.example"},
		{"either of two", []func(http.Handler) http.Handler{load(customers.auth), load(staff.auth)}, live, "a@b.example"},
		{"id_token", []func(http.Handler) http.Handler{idTokens}, byBearer(login.idToken), "a@b.example"},
		{"id_token, then a session", []func(http.Handler) http.Handler{idTokens, require(customers.auth)}, byBearer(login.idToken), ""},
		{"id_token between", []func(http.Handler) http.Handler{load(customers.auth), idTokens, require(customers.auth)}, byBearer(login.idToken), ""},
		{"id_token, and a session perhaps", []func(http.Handler) http.Handler{idTokens, load(customers.auth)}, byBearer(login.idToken), "a@b.example"},
		{"loaded by the app", []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				loaded, err := customers.auth.LoadSession(r)
				if err != nil {
					t.Error(err)
					return
				}
				next.ServeHTTP(w, loaded)
			})
		}, require(customers.auth)}, live, "a@b.example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := http.Handler(whoami)
			for _, m := range slices.Backward(row.chain) {
				h = m(h)
			}
			w := serve(h, request("GET", "/", row.edit))
			if row.want == "" {
				wantNotSignedIn(t, w)
				return
			}
			wantBody(t, w, row.want)
		})
	}
}

// Sessions of cookies act for their person only when the app's own pages ask.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	web, app := k.login("web", "a@b.example").session, k.login("app", "b@b.example").session
	guard := middleware.RequireSession(k.auth,
		middleware.AllowCrossOrigin("POST /hook/{name}"), middleware.AllowCrossOrigin("/open/"),
		middleware.TrustOrigin("https://www.app.example"))(whoami)
	site := func(s string) edit { return header("Sec-Fetch-Site", s) }
	origin := func(o string) edit { return header("Origin", o) }
	for _, row := range []struct {
		name, method, path string
		edits              []edit
		refused            bool
	}{
		{"same-origin", "POST", "/", []edit{site("same-origin")}, false},
		{"typed by hand", "POST", "/", []edit{site("none")}, false},
		{"no browser", "POST", "/", nil, false},
		{"own Origin, old browser", "POST", "/", []edit{origin("https://app.example")}, false},
		{"own Origin, same-origin", "PUT", "/", []edit{origin("https://app.example"), site("same-origin")}, false},
		{"GET from elsewhere", "GET", "/", []edit{site("cross-site"), origin("https://evil.example")}, false},
		{"HEAD from elsewhere", "HEAD", "/", []edit{site("cross-site")}, false},
		{"OPTIONS from elsewhere", "OPTIONS", "/", []edit{site("cross-site")}, false},

		{"cross-site", "POST", "/", []edit{site("cross-site")}, true},
		{"same-site", "POST", "/", []edit{site("same-site")}, true},
		{"a site of the future", "POST", "/", []edit{site("near-by")}, true},
		{"foreign Origin", "POST", "/", []edit{origin("https://evil.example")}, true},
		{"Origin of a sibling", "POST", "/", []edit{origin("https://blog.app.example")}, true},
		{"Origin of another port", "POST", "/", []edit{origin("https://app.example:8443")}, true},
		{"Origin with ours inside", "POST", "/", []edit{origin("https://app.example.evil.example")}, true},
		{"null Origin", "POST", "/", []edit{origin("null")}, true},
		{"own Origin, but cross-site", "POST", "/", []edit{origin("https://app.example"), site("cross-site")}, true},
		{"PUT", "PUT", "/", []edit{site("cross-site")}, true},
		{"PATCH", "PATCH", "/", []edit{site("cross-site")}, true},
		{"DELETE", "DELETE", "/", []edit{site("cross-site")}, true},
		{"a method nobody knows", "FROB", "/", []edit{site("cross-site")}, true},

		{"bypass", "POST", "/hook/pay", []edit{site("cross-site"), origin("https://evil.example")}, false},
		{"bypass of a subtree", "DELETE", "/open/a/b", []edit{site("cross-site")}, false},
		{"bypass of another method", "PUT", "/hook/pay", []edit{site("cross-site")}, true},
		{"bypass of another path", "POST", "/hook/pay/more", []edit{site("cross-site")}, true},
		{"bypass by dots", "POST", "/open/../account", []edit{site("cross-site")}, true},
		{"bypass by slashes", "POST", "//open/", []edit{site("cross-site")}, true},
		{"trusted origin", "POST", "/", []edit{site("same-site"), origin("https://www.app.example")}, false},
		{"trusted origin, old browser", "POST", "/", []edit{origin("https://www.app.example")}, false},
		{"trusted host, other scheme", "POST", "/", []edit{site("cross-site"), origin("http://www.app.example")}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			target := "https://app.example" + row.path
			w := serve(guard, request(row.method, target, append(slices.Clone(row.edits), byCookie(web))...))
			if row.refused {
				wantRefusal(t, w, 403, "MAILKEY.REQUEST.0007", "Cross-origin request refused")
			} else if w.Code != 200 {
				t.Errorf("by cookie: %d %s", w.Code, w.Body)
			}
			// Nobody can make a browser send a header along from elsewhere.
			for _, by := range []edit{bySessionToken(app), byBearer(app)} {
				if w := serve(guard, request(row.method, target, append(slices.Clone(row.edits), by)...)); w.Code != 200 {
					t.Errorf("by header: %d %s", w.Code, w.Body)
				}
			}
			// Who is not signed in is told so first.
			if w := serve(guard, request(row.method, target, row.edits...)); w.Code != 401 {
				t.Errorf("of nobody: %d %s", w.Code, w.Body)
			}
		})
	}
	// LoadSession alone does not guard.
	wantBody(t, serve(middleware.LoadSession(k.auth)(whoami), request("POST", "/", site("cross-site"), byCookie(web))), "a@b.example")
}

func TestTrustOriginPanics(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "app.example", "https://app.example/", "https://", "null"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is accepted", origin)
				}
			}()
			middleware.RequireSession(newKit(t, memory.New(), nil).auth, middleware.TrustOrigin(origin))
		}()
	}
}
