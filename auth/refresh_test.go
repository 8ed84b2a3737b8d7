package auth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

const (
	refreshPath  = "/api/v2/sdk/sso/session-token/id-token"
	sessionsPath = "/api/v2/sdk/sessions"
)

// withToken makes a request with a token, in the way of the kit's client.
func (k *kit) withToken(method, path, token string) *http.Request {
	k.Helper()
	r := k.request(method, path, "")
	if strings.HasPrefix(k.client, "web") {
		r.Header.Set("Cookie", cookieHeader+token)
	} else {
		r.Header.Set("Session-Token", token)
	}
	return r
}

func (k *kit) refresh(token string) answer {
	k.Helper()
	return k.do(k.withToken("POST", refreshPath, token))
}

func TestRefresh(t *testing.T) {
	for _, client := range []string{"app", "web"} {
		t.Run(client, func(t *testing.T) {
			onEachStore(t, nil, func(k *kit) {
				k.client = client
				loginAt := time.Now()
				token, first := k.signIn("Ann@B.example")
				seenIDs := map[any]bool{first["jti"]: true}
				for i := range 3 {
					k.pass(time.Hour)
					a := k.refresh(token)
					var reply map[string]any
					if err := json.Unmarshal(a.body, &reply); err != nil || a.status != 200 {
						t.Fatalf("%d %s", a.status, a.body)
					}
					if got, there := reply["session_token"]; there == (client == "web") || there && got != token {
						t.Errorf("session_token is %v", got)
					}
					if want := float64(432000 - 3600*(i+1)); reply["expire"] != want || a.header.Get("Set-Cookie") != "" {
						t.Errorf("expire is %v, want %v; Set-Cookie %q", reply["expire"], want, a.header.Get("Set-Cookie"))
					}
					checkHeaders(t, "refresh", a)
					if want := map[string]int{"app": 3, "web": 2}[client]; len(reply) != want {
						t.Errorf("%d fields, want %d: %s", len(reply), want, a.body)
					}
					c := claims(t, reply["id_token"].(string))
					now := float64(time.Now().Unix())
					for name, want := range map[string]any{
						"iss": first["iss"], "sub": first["sub"], "aud": client, "sid": first["sid"], "email": "ann@b.example",
						"auth_time": float64(loginAt.Unix()), "iat": now, "nbf": now, "exp": now + 300,
					} {
						if c[name] != want {
							t.Errorf("%s is %v, want %v", name, c[name], want)
						}
					}
					if seenIDs[c["jti"]] || len(c) != len(first) {
						t.Errorf("claims %v after %v", c, first)
					}
					seenIDs[c["jti"]] = true
					if client == "app" {
						verify(k, auth.ES256, reply["id_token"].(string))
					}
				}
			})
		})
	}
}

// The family's answer to every token that is none is one and the same.
func TestRefreshIsRefused(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		web := k.as(asWeb)
		login := k.login("ann@b.example", k.code("ann@b.example"))
		app, idToken := login.field(t, "session_token"), login.field(t, "id_token")
		c := claims(t, idToken)
		cookie, _ := web.signIn("bob@b.example")
		dead := strings.Repeat("A", 43)
		for _, row := range []struct {
			name    string
			client  string
			headers []string
		}{
			{"no token", "app", nil},
			{"an empty token", "app", []string{"Session-Token", ""}},
			{"a token that never was", "app", []string{"Session-Token", dead}},
			{"half a token", "app", []string{"Session-Token", app[:20]}},
			{"another client", "other", []string{"Session-Token", app}},
			{"the token in a cookie", "app", []string{"Cookie", cookieHeader + app}},
			{"a cookie client's token", "app", []string{"Session-Token", cookie}},
			{"a cookie client's cookie", "app", []string{"Cookie", cookieHeader + cookie}},
			{"two tokens", "app", []string{"Session-Token", app, "Session-Token", dead}},
			{"two tokens in two headers", "app", []string{"Session-Token", app, "Authorization", "Bearer " + dead}},
			{"an id_token", "app", []string{"Authorization", "Bearer " + idToken}},
			{"a cookie client without one", "web", nil},
			{"a cookie client with a header", "web", []string{"Session-Token", cookie}},
			{"a header client's token as a cookie", "web", []string{"Cookie", cookieHeader + app}},
			{"a header client's token", "web", []string{"Session-Token", app}},
			{"two cookies", "web", []string{"Cookie", cookieHeader + cookie + "; " + cookieHeader + dead}},
			{"one cookie twice", "web", []string{"Cookie", cookieHeader + cookie + "; " + cookieHeader + cookie}},
		} {
			r := k.as(func(k *kit) { k.client = row.client }).request("POST", refreshPath, "")
			for i := 0; i < len(row.headers); i += 2 {
				r.Header.Add(row.headers[i], row.headers[i+1])
			}
			a := k.do(r)
			if a.code() != string(auth.ReasonSessionInvalid) || a.status != 400 || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %s", row.name, a.status, a.body)
			}
		}
		for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
			if a := k.do(k.withToken(method, refreshPath, app)); a.status != 405 || a.header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
			}
		}
		cross := web.withToken("POST", refreshPath, cookie)
		cross.Header.Set("Sec-Fetch-Site", "cross-site")
		if a := web.do(cross); a.code() != string(auth.ReasonCrossOrigin) {
			t.Errorf("from another site: %s", a.body)
		}
		if a := k.refresh(app); a.status != 200 {
			t.Errorf("after all that: %s", a.body)
		}
		if a := web.refresh(cookie); a.status != 200 {
			t.Errorf("after all that, the cookie: %s", a.body)
		}
		if err := k.auth.DisableUser(k.Context(), c["sub"].(string)); err != nil {
			t.Error(err)
		}
		if a := k.refresh(app); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("disabled: %s", a.body)
		}
		k.pass(5 * 24 * time.Hour)
		if a := web.refresh(cookie); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("expired: %s", a.body)
		}
	})
}

// A fresh id_token tells the address that the user has now.
func TestRefreshTellsTheNewAddress(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		if err := k.auth.ChangeEmail(k.Context(), c["sub"].(string), "New@B.example"); err != nil {
			t.Fatal(err)
		}
		again := claims(t, k.refresh(token).field(t, "id_token"))
		if again["email"] != "new@b.example" || again["sub"] != c["sub"] || again["sid"] != c["sid"] {
			t.Errorf("claims %v after %v", again, c)
		}
	})
}

// A session gets so many id_tokens in a minute, each of which costs a signature.
// Other sessions of the user do not share the limit, other instances do.
func TestRefreshIsLimited(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Limits.Refresh = auth.Rate{Count: 3, Per: time.Minute} }, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		time.Sleep(time.Minute)
		second, _ := k.signIn("ann@b.example")
		other := k.as(func(o *kit) { o.restart() })
		for i, k := range []*kit{k, other, k} {
			if a := k.refresh(token); a.status != 200 {
				t.Fatalf("refresh %d: %d %s", i, a.status, a.body)
			}
		}
		if a := other.refresh(token); !isLimited(t, a) {
			t.Errorf("one more: %d %s", a.status, a.body)
		}
		if !k.alive(token) {
			t.Error("the session has ended")
		}
		if a := k.refresh(second); a.status != 200 {
			t.Errorf("another session: %d %s", a.status, a.body)
		}
		time.Sleep(20 * time.Second)
		if a := k.refresh(token); a.status != 200 {
			t.Errorf("after a third of the minute: %d %s", a.status, a.body)
		}
	})
}
