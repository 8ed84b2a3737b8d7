package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// ownSessions lists the sessions of whoever has the token.
func (k *kit) ownSessions(token string) (list []map[string]any) {
	k.Helper()
	a := k.do(k.withToken("GET", sessionsPath, token))
	var reply map[string][]map[string]any
	if err := json.Unmarshal(a.body, &reply); err != nil || a.status != 200 || len(reply) != 1 {
		k.Fatalf("%d %s", a.status, a.body)
	}
	checkHeaders(k.T, "sessions", a)
	return reply["sessions"]
}

// end makes a DELETE request.
func (k *kit) end(path, token string) answer { return k.do(k.withToken("DELETE", path, token)) }

func TestOwnSessions(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		start := time.Now().Unix()
		first, c1 := k.signIn("ann@b.example")
		time.Sleep(20 * time.Minute)
		web := k.as(func(k *kit) { k.client, k.peer, k.device = "web", "2001:db8::1", "phone" })
		r := web.request("POST", loginPath, object("email", "ann@b.example", "verify_code", web.code("ann@b.example")))
		r.Header.Set("X-Agent", "Agent <b>验")
		r.Header.Set("X-Operating-Sys-Version", "ios18")
		r.Header.Set("X-Device-Ip", "203.0.113.9") // a claim: not shown
		a := web.do(r)
		second, c2 := cookieOf(t, a).Value, claims(t, a.field(t, "id_token"))
		bob, _ := k.signIn("bob@b.example")
		time.Sleep(20 * time.Minute)

		seen := start + 40*60
		older := map[string]any{
			"id": c1["sid"], "client_id": "app", "agent": "Mozilla/5.0", "operating_sys_version": "windows10.1.1", "ip": "192.0.2.1",
			"created_at": float64(start), "last_seen_at": float64(start), "expires_at": float64(start + 432000), "current": false,
		}
		newer := map[string]any{
			"id": c2["sid"], "client_id": "web", "agent": "Agent <b>验", "operating_sys_version": "ios18", "ip": "2001:db8::1",
			"created_at": float64(start + 1200), "last_seen_at": float64(start + 1200), "expires_at": float64(start + 1200 + 432000), "current": false,
		}
		check := func(name string, got []map[string]any, want ...map[string]any) {
			t.Helper()
			if len(got) != len(want) {
				t.Fatalf("%s: %v, want %d", name, got, len(want))
			}
			for i := range want {
				if !maps.Equal(got[i], want[i]) {
					t.Errorf("%s: session %d is\n%v, want\n%v", name, i, got[i], want[i])
				}
			}
		}
		newer["current"], newer["last_seen_at"] = true, float64(seen)
		check("the cookie client's", web.ownSessions(second), newer, older)
		newer["current"], older["current"], older["last_seen_at"] = false, true, float64(seen)
		check("the header client's", k.ownSessions(first), newer, older)
		if list := k.ownSessions(bob); len(list) != 1 || list[0]["current"] != true {
			t.Errorf("somebody else's: %v", list)
		}
		if doc := fmt.Sprint(k.ownSessions(first)); strings.Contains(doc, first) || strings.Contains(doc, auth.HashToken(first)) {
			t.Errorf("it tells the token: %s", doc)
		}
	})
}

func TestEndOwnSessions(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		// Ann on three devices, of which one is a browser, and Bob.
		token, c := k.signIn("ann@b.example")
		time.Sleep(20 * time.Minute)
		phone, cPhone := k.as(onDevice("phone")).signIn("ann@b.example")
		time.Sleep(20 * time.Minute)
		web := k.as(asWeb)
		cookie, cWeb := web.signIn("ann@b.example")
		bob, cBob := k.signIn("bob@b.example")
		all := map[string]string{"app": token, "phone": phone, "web": cookie, "bob": bob}
		want := func(step string, names ...string) {
			t.Helper()
			for name, token := range all {
				expected := false
				for _, n := range names {
					expected = expected || n == name
				}
				if k.alive(token) != expected {
					t.Errorf("%s: %s is alive: %v", step, name, !expected)
				}
			}
		}

		for name, id := range map[string]string{
			"somebody else's": cBob["sid"].(string), "one that never was": strings.Repeat("A", 22), "a token": phone, "its hash": auth.HashToken(phone),
			"a user": c["sub"].(string), "a pattern": "%25", "a quote": "'%20OR%20'1'='1", "a dot": "%2e",
		} {
			if a := k.end(sessionsPath+"/"+id, token); a.status != 200 || string(a.body) != `{"ended":0}` {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		for _, query := range []string{"", "?others=false", "?others=1", "?others=TRUE", "?others", "?others=true&others=true", "?x=1", "?others=true&x=1", "?Others=true"} {
			if a := k.end(sessionsPath+query, token); a.code() != string(auth.ReasonMalformed) || a.status != 400 {
				t.Errorf("%q: %d %s", query, a.status, a.body)
			}
		}
		want("nothing", "app", "phone", "web", "bob")

		a := k.end(sessionsPath+"/"+cPhone["sid"].(string), token)
		if a.status != 200 || string(a.body) != `{"ended":1}` || a.header.Get("Set-Cookie") != "" {
			t.Errorf("one: %d %s", a.status, a.body)
		}
		checkHeaders(t, "one", a)
		want("one", "app", "web", "bob")
		if a := k.end(sessionsPath+"/"+cPhone["sid"].(string), token); string(a.body) != `{"ended":0}` {
			t.Errorf("one again: %s", a.body)
		}

		if a := web.end(sessionsPath+"?others=true", cookie); string(a.body) != `{"ended":1}` || a.header.Get("Set-Cookie") != "" {
			t.Errorf("others: %d %s", a.status, a.body)
		}
		want("others", "web", "bob")
		if a := web.end(sessionsPath+"?others=true", cookie); string(a.body) != `{"ended":0}` {
			t.Errorf("others again: %s", a.body)
		}

		a = web.end(sessionsPath+"/"+cWeb["sid"].(string), cookie)
		if string(a.body) != `{"ended":1}` {
			t.Errorf("its own: %d %s", a.status, a.body)
		}
		if c := cookieOf(t, a); c.Name != auth.CookieName || c.Value != "" || c.MaxAge != -1 {
			t.Errorf("the cookie was not removed: %v", c)
		}
		want("its own", "bob")
		if a := k.end(sessionsPath+"/"+cBob["sid"].(string), bob); string(a.body) != `{"ended":1}` || a.header.Get("Set-Cookie") != "" {
			t.Errorf("a header client's own: %s", a.body)
		}
		want("everybody's")
	})
}

func TestSessionsAreRefused(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		web := k.as(asWeb)
		cookie, _ := web.signIn("ann2@b.example")
		one := sessionsPath + "/" + c["sid"].(string)
		for _, row := range []struct {
			name string
			kit  *kit
			add  func(*http.Request)
		}{
			{"nobody", k, func(r *http.Request) { r.Header.Del("Session-Token") }},
			{"a dead token", k, func(r *http.Request) { r.Header.Set("Session-Token", strings.Repeat("A", 43)) }},
			{"another client", k.as(func(k *kit) { k.client = "other" }), func(*http.Request) {}},
			{"two tokens", k, func(r *http.Request) { r.Header.Add("Session-Token", strings.Repeat("A", 43)) }},
			{"a cookie client's token", k, func(r *http.Request) { r.Header.Set("Session-Token", cookie) }},
			{"a cookie client with a header", web, func(r *http.Request) { r.Header.Set("Session-Token", cookie); r.Header.Del("Cookie") }},
			{"a header client's token as a cookie", web, func(*http.Request) {}},
		} {
			for _, request := range []*http.Request{
				row.kit.withToken("GET", sessionsPath, token), row.kit.withToken("DELETE", sessionsPath+"?others=true", token),
				row.kit.withToken("DELETE", sessionsPath, token), row.kit.withToken("DELETE", one, token),
			} {
				row.add(request)
				a := row.kit.do(request)
				if a.code() != string(auth.ReasonNotSignedIn) || a.status != 401 || a.header.Get("Set-Cookie") != "" {
					t.Errorf("%s, %s %s: %d %s", row.name, request.Method, request.URL, a.status, a.body)
				}
				checkHeaders(t, row.name, a)
			}
		}
		for path, allow := range map[string]string{sessionsPath: "GET, DELETE", one: "DELETE"} {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} {
				if strings.Contains(allow, method) {
					continue
				}
				if a := k.do(k.withToken(method, path, token)); a.status != 405 || a.header.Get("Allow") != allow {
					t.Errorf("%s %s: %d, Allow %q", method, path, a.status, a.header.Get("Allow"))
				}
			}
		}
		for _, path := range []string{sessionsPath + "/", one + "/", one + "/x"} {
			if a := k.end(path, token); a.code() != string(auth.ReasonNotFound) {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		for _, cross := range []*http.Request{web.withToken("GET", sessionsPath, cookie), web.withToken("DELETE", one, cookie)} {
			cross.Header.Set("Sec-Fetch-Site", "cross-site")
			if a := web.do(cross); cross.Method == "DELETE" && a.code() != string(auth.ReasonCrossOrigin) {
				t.Errorf("%s from another site: %s", cross.Method, a.body)
			}
		}
		if !k.alive(token) || !k.alive(cookie) {
			t.Error("a request that was refused ended a session")
		}
	})
}

// The handlers alone do the same under another router.
func TestSessionsHandlersAlone(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		m := http.NewServeMux()
		m.Handle(sessionsPath, k.auth.SessionsHandler())
		m.Handle(sessionsPath+"/", k.auth.SessionsHandler())
		m.Handle(refreshPath, k.auth.RefreshHandler())
		k.http = k.serve(m)
		if list := k.ownSessions(token); len(list) != 1 || list[0]["id"] != c["sid"] {
			t.Errorf("sessions %v", list)
		}
		if a := k.refresh(token); a.status != 200 {
			t.Errorf("refresh: %s", a.body)
		}
		for _, path := range []string{sessionsPath + "/", sessionsPath + "/x/" + c["sid"].(string)} {
			if a := k.end(path, token); a.code() != string(auth.ReasonNotFound) {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		if a := k.end(sessionsPath+"/"+c["sid"].(string), token); string(a.body) != `{"ended":1}` || k.alive(token) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

// endless is a store in which no session ends.
type endless struct{ storage.Store }

func (endless) EndSessions(context.Context, storage.SessionFilter, time.Time) (int, error) {
	return 0, storage.ErrBusy
}

// A browser keeps the cookie of a session that could not be ended.
func TestCookieOfASessionThatDidNotEnd(t *testing.T) {
	t.Parallel()
	playOn(t, func(t *testing.T) storage.Store { return endless{openMemory(t)} }, nil, func(k *kit) {
		k.client = "web"
		token, c := k.signIn("ann@b.example")
		if a := k.end(sessionsPath+"/"+c["sid"].(string), token); a.status != 500 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%d %s %v", a.status, a.body, a.header)
		}
	})
}
