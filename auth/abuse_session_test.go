package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/canary"
)

// manyMails lifts the limits that people who log in often would reach.
func manyMails(c *auth.Config) {
	l := &c.Limits
	l.Address.PerHour, l.Address.PerDay, l.Address.StrangersPerHour, l.Address.StrangersPerDay = 1000, 1000, 1000, 1000
	l.SendCodeDevice = auth.Rate{Count: 1000, Per: time.Hour}
	l.LoginDevice = l.SendCodeDevice
}

// Whoever logs in gets a token that nobody knew before, whatever came along; a
// live session that came along ends.
func TestAbuse_F01_fixation(t *testing.T) {
	planted := strings.Repeat("A", 43)
	for _, client := range []string{"app", "web"} {
		t.Run(client, func(t *testing.T) {
			onEachStore(t, manyMails, func(k *kit) {
				k.client = client
				attackers, attacker := k.as(onDevice("the attacker's")).signIn("eve@b.example")
				own, _ := k.as(onDevice("another")).signIn("ann@b.example")
				page := k.page(whoami)
				alive := func(token string) bool {
					t.Helper()
					header := []string{"Session-Token", token}
					if client == "web" {
						header = []string{"Cookie", cookieHeader + token}
					}
					return string(page.with(header...).body) != "nobody"
				}
				for i, row := range []struct {
					name    string
					headers []string
					dies    string // the session that came along
				}{
					{"nothing", nil, ""},
					{"a token that never was", []string{"Session-Token", planted}, ""},
					{"as Bearer", []string{"Authorization", "Bearer " + planted}, ""},
					{"as a cookie", []string{"Cookie", cookieHeader + planted}, ""},
					{"as a cookie of a sibling host", []string{"Cookie", "__Secure-mailkey=" + planted + "; mailkey=" + planted + "; session=" + planted}, ""},
					{"twice", []string{"Cookie", cookieHeader + planted, "Cookie", cookieHeader + strings.Repeat("B", 43)}, ""},
					{"everywhere", []string{"Session-Token", planted, "Authorization", "Bearer " + planted, "Cookie", cookieHeader + planted}, ""},
					{"one's own live session", []string{"Session-Token", own, "Cookie", cookieHeader + own}, own},
					{"the attacker's live session", []string{"Session-Token", attackers, "Cookie", cookieHeader + attackers}, attackers},
				} {
					k.pass(3 * time.Hour)
					k := manyPeers(k, i)
					k.device = fmt.Sprint("device ", i)
					r := k.request("POST", loginPath, object("email", "ann@b.example", "verify_code", k.code("ann@b.example")))
					for j := 0; j < len(row.headers); j += 2 {
						r.Header.Add(row.headers[j], row.headers[j+1])
					}
					r.URL.RawQuery = "session-token=" + planted + "&session_token=" + planted
					a := k.do(r)
					if a.status != http.StatusOK {
						t.Fatalf("%s: %s", row.name, a.body)
					}
					token := a.field(t, "session_token")
					if client == "web" {
						token = cookieOf(t, a).Value
					}
					if sub := claims(t, a.field(t, "id_token"))["sub"]; sub == attacker["sub"] {
						t.Errorf("%s: whoever typed ann's code is eve", row.name)
					}
					if slices.Contains([]string{planted, own, attackers, strings.Repeat("B", 43)}, token) || !alive(token) {
						t.Errorf("%s: the token is %q, alive: %v", row.name, token, alive(token))
					}
					if alive(planted) {
						t.Errorf("%s: the planted token was adopted", row.name)
					}
					if row.dies != "" && alive(row.dies) {
						t.Errorf("%s: it outlived the login", row.name)
					}
				}
			})
		})
	}
}

// Who is not signed in has no session to keep values in, and gets none.
func TestAbuse_F02_valuesOfNobody(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		_, c := k.signIn("ann@b.example")
		page := k.values()
		for _, token := range []string{"", strings.Repeat("A", 43), "x"} {
			page.show(token, "a=1")
			if got := page.show(token, ""); got != "{}" {
				t.Errorf("%q: %s", token, got)
			}
		}
		if sessions, err := k.auth.Sessions(k.Context(), c["sub"].(string)); len(sessions) != 1 || err != nil {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
	})
}

// What somebody put into a session before is not in the next one: neither one's
// own values nor those of an attacker whose session came along.
func TestAbuse_F01_F02_nothingIsCarriedIntoALogin(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		before, _ := k.as(onDevice("the attacker's")).signIn("eve@b.example")
		for _, email := range []string{"ann@b.example", "ann@b.example"} {
			if got := k.values().show(before, `cart="planted"&admin=true`); got == "{}" {
				t.Fatal("nothing was planted")
			}
			r := k.request("POST", loginPath, object("email", email, "verify_code", k.code(email)))
			r.Header.Set("Session-Token", before)
			r.Header.Set("Cookie", "mailkey=x")
			token := k.do(r).field(t, "session_token")
			if got := k.values().show(token, ""); got != "{}" {
				t.Errorf("the new session of %s begins with %s", email, got)
			}
			if got := k.values().show(before, ""); got != "{}" {
				t.Errorf("the session before still shows %s", got)
			}
			before = token
			time.Sleep(time.Minute)
		}
	})
}

// Of two requests that change a session at once the later one wins, as
// documented. What counts for security is not among the values: it is as it was,
// whatever they are called.
func TestAbuse_F06_parallelWriters(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		_, other := k.signIn("bob@b.example")
		id := func() (id auth.Identity) {
			k.page(func(_ http.ResponseWriter, r *http.Request) { id, _ = auth.FromContext(r.Context()) }).with("Session-Token", token)
			return id
		}
		before := id()
		listed := fmt.Sprint(k.ownSessions(token))

		// The one that ends last wins, although it read first.
		m := k.auth.SessionManager()
		loaded, goOn, done := make(chan bool), make(chan bool), make(chan bool)
		slow := k.page(func(_ http.ResponseWriter, r *http.Request) {
			m.Put(r.Context(), "first", 1)
			close(loaded)
			<-goOn
		})
		go func() { slow.with("Session-Token", token); close(done) }()
		<-loaded
		if got := k.values().show(token, "second=2"); got != `{"second":2}` {
			t.Errorf("the quick one: %s", got)
		}
		close(goOn)
		<-done
		synctest.Wait()
		if got := k.values().show(token, ""); got != `{"first":1}` {
			t.Errorf("after both: %s, want what the later one wrote", got)
		}

		names := []string{"user_id", "UserID", "sub", "email", "client_id", "expires_at", "ended_at", "revoked", "__deadline", "id"}
		page := k.page(func(w http.ResponseWriter, r *http.Request) {
			for _, name := range names {
				m.Put(r.Context(), name, other["sub"])
			}
			m.SetDeadline(r.Context(), time.Now().Add(365*day))
			whoami(w, r)
		})
		for range 5 {
			atOnce(8, func(i int) {
				if i == 0 {
					k.refresh(token)
					return
				}
				if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		var values map[string]any
		if got := k.values().show(token, ""); json.Unmarshal([]byte(got), &values) != nil || len(values) != len(names)+1 {
			t.Errorf("the values are %s", got)
		}
		if after := id(); after != before {
			t.Errorf("the session is %+v, was %+v", after, before)
		}
		if now := fmt.Sprint(k.ownSessions(token)); now != listed {
			t.Errorf("listed is %s, was %s", now, listed)
		}
		k.pass(5 * day)
		if a := k.page(whoami).with("Session-Token", token); string(a.body) != "nobody" {
			t.Errorf("a handler made the session live longer: %s", a.body)
		}
	})
}

func TestAbuse_F10_oldestSessionMakesRoom(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.MaxSessions = 2 }, func(k *kit) {
		var tokens []string
		for range 3 {
			tokens = append(tokens, k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token"))
			time.Sleep(20 * time.Minute)
		}
		if k.alive(tokens[0]) || !k.alive(tokens[1]) || !k.alive(tokens[2]) {
			t.Errorf("want the oldest of three dead: %v %v %v", k.alive(tokens[0]), k.alive(tokens[1]), k.alive(tokens[2]))
		}
	})
}

// However often somebody logs in, ten sessions live at each client, and nothing
// of the others is left when they would have ended.
func TestAbuse_F10_manySessions(t *testing.T) {
	playOpened(t, manyMails, func(o *opened) {
		const logins = 40
		var last []string
		_, bob := o.signIn("bob@b.example")
		for i := range logins {
			for _, client := range []string{"app", "other"} {
				k := manyPeers(o.kit, i).as(func(k *kit) { k.client = client })
				token, _ := k.signIn("ann@b.example")
				last = append(last, token)
				time.Sleep(time.Minute)
			}
		}
		for i, token := range last {
			if want := i >= len(last)-20; o.alive(token) != want {
				t.Errorf("session %d of %d: alive is %v", i+1, len(last), !want)
			}
		}
		if n := o.count("sessions"); n != 2*logins+1 { // those that were ended are remembered as such
			t.Errorf("%d rows", n)
		}
		if sessions, err := o.auth.Sessions(o.Context(), bob["sub"].(string)); len(sessions) != 1 || err != nil {
			t.Errorf("bob has %d sessions, %v", len(sessions), err)
		}
		o.pass(5 * day)
		time.Sleep(2 * time.Minute)
		if n := o.count("sessions"); n != 0 {
			t.Errorf("after five days there are %d rows", n)
		}
	})
}

// A session belongs to the application that it was made for: others cannot use,
// list or end it.
func TestAbuse_F11_sessionOfAnotherClient(t *testing.T) {
	clients := []string{"app", "other", "web", "web2"}
	onEachStore(t, func(c *auth.Config) { c.Clients = append(c.Clients, auth.Client{ID: "web2", Cookie: true}) }, func(k *kit) {
		at := func(client string) *kit { return k.as(func(k *kit) { k.client = client }) }
		for _, owner := range clients {
			token, c := at(owner).signIn(owner + "@b.example")
			for _, client := range clients {
				if client == owner {
					continue
				}
				k := at(client)
				for _, headers := range [][2]string{{"Session-Token", token}, {"Authorization", "Bearer " + token}, {"Cookie", cookieHeader + token}} {
					for _, row := range []struct {
						method, path string
						want         auth.Reason
					}{
						{"POST", refreshPath, auth.ReasonSessionInvalid},
						{"POST", logoutPath, auth.ReasonSessionInvalid},
						{"GET", logoutPath, auth.ReasonSessionInvalid},
						{"GET", sessionsPath, auth.ReasonNotSignedIn},
						{"DELETE", sessionsPath + "?others=true", auth.ReasonNotSignedIn},
						{"DELETE", sessionsPath + "/" + c["sid"].(string), auth.ReasonNotSignedIn},
					} {
						r := k.request(row.method, row.path, "")
						r.Header.Set(headers[0], headers[1])
						if a := k.do(r); a.code() != string(row.want) || a.status != auth.Status(row.want) {
							t.Errorf("%s's session at %s, %s %s by %s: %d %s", owner, client, row.method, row.path, headers[0], a.status, a.body)
						}
					}
				}
			}
			if !k.alive(token) {
				t.Errorf("%s's session was ended", owner)
			}
			if a := at(owner).refresh(token); a.status != http.StatusOK {
				t.Errorf("%s's session at its own client: %s", owner, a.body)
			}
		}
	})
}

// What all answers have in common, those of every route and every refusal.
func TestAbuse_F14_everyRoute(t *testing.T) {
	t.Parallel()
	public := map[string]bool{keysPath: true, jwksPath: true, discoveryPath: true}
	play(t, nil, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		cookie, _ := k.as(asWeb).signIn("bob@b.example")
		lint := func(what string, a answer, public bool) {
			t.Helper()
			cached, want := a.header.Values("Cache-Control"), []string{"no-store"}
			if public && a.status < 400 {
				want = []string{"public, max-age=300"}
			}
			if !slices.Equal(cached, want) {
				t.Errorf("%s: %d with Cache-Control %q, want %q", what, a.status, cached, want)
			}
			if got := a.header.Values("X-Content-Type-Options"); !slices.Equal(got, []string{"nosniff"}) {
				t.Errorf("%s: X-Content-Type-Options %q", what, got)
			}
			if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" && got != "application/jwk-set+json" && got != "audio/wav" && len(a.body) > 0 {
				t.Errorf("%s: Content-Type %q", what, got)
			}
			for _, name := range []string{"Server", "X-Powered-By", "Expires", "Pragma", "ETag", "Last-Modified", "Age", "Location", "Refresh"} {
				if got := a.header.Get(name); got != "" && !(public && name == "ETag") {
					t.Errorf("%s: %s is %q", what, name, got)
				}
			}
			if a.header.Get("Set-Cookie") != "" && !strings.HasSuffix(a.header.Get("Set-Cookie"), "; HttpOnly; Secure; SameSite=Lax") {
				t.Errorf("%s: the cookie is %q", what, a.header.Get("Set-Cookie"))
			}
		}
		n := 0
		for route := range routes {
			path := strings.Replace(route, "{id}", "x", 1)
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
				for _, client := range []string{"app", "web", "nobody", ""} {
					for _, body := range []string{"", "{}", "[", `{"email":"ann@b.example","verify_code":"1"}`, strings.Repeat("x", 9000)} {
						n++
						k := k.as(func(k *kit) { k.client, k.peer = client, fmt.Sprintf("10.%d.%d.1", n>>8, n&255) })
						r := k.request(method, path, body)
						switch n % 3 {
						case 0:
							r.Header.Set("Session-Token", strings.Repeat("A", 43))
						case 1:
							r.Header.Set("Cookie", cookieHeader+strings.Repeat("A", 43))
						}
						lint(fmt.Sprintf("%s %s as %q with %.20q", method, path, client, body), k.do(r), public[route])
					}
				}
			}
		}
		// And of what works.
		lint("a captcha", k.get(captchaPath+"?type=digits"), false)
		a := k.get(captchaPath + "?type=digits")
		lint("its audio", k.get(captchaPath+"/audio?token="+a.field(t, "token")), false)
		captchaToken, answer := k.solve()
		a = k.post(verifyPath, "token", captchaToken, "sender", "ann@b.example", "captcha_code", answer)
		lint("verify", a, false)
		time.Sleep(time.Minute)
		lint("send", send("ann@b.example", a.field(t, "captcha_token"))(k), false)
		synctest.Wait()
		lint("send, limited", k.send("ann@b.example"), false)
		a = k.login("ann@b.example", k.mails.last().Code)
		lint("login", a, false)
		lint("refresh", k.refresh(token), false)
		lint("sessions", k.do(k.withToken("GET", sessionsPath, token)), false)
		lint("refresh by cookie", k.as(asWeb).refresh(cookie), false)
		lint("sessions by cookie", k.as(asWeb).do(k.as(asWeb).withToken("GET", sessionsPath, cookie)), false)
		lint("logout by cookie", k.as(asWeb).do(k.as(asWeb).withToken("POST", logoutPath, cookie)), false)
		lint("logout", k.do(k.withToken("POST", logoutPath, token)), false)
		lint("nowhere", k.get("/nowhere"), false)
		for range 40 {
			a = k.get(captchaPath)
		}
		lint("limited", a, false)
		w := httptest.NewRecorder()
		k.auth.WriteError(w, k.request("GET", "/page", ""), auth.ReasonNotSignedIn)
		lint("refused by the app", written(w), false)
	})
}

// written is what a handler answered without a connection.
func written(w *httptest.ResponseRecorder) answer { return answer{w.Code, w.Header(), w.Body.Bytes()} }

// listingStore is a store of scs that can list all that it has, and must never
// be asked to.
type listingStore struct {
	*memstore.MemStore
	t *testing.T
}

func (s listingStore) All() (map[string][]byte, error) {
	s.t.Error("all sessions were asked for")
	return s.MemStore.All()
}

func (s listingStore) AllCtx(context.Context) (map[string][]byte, error) { return s.All() }

// No request, and nothing in the background, goes through all sessions there
// are.
func TestAbuse_F15_nobodyListsAllSessions(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.SessionStore = listingStore{memstore.NewWithCleanupInterval(0), t} }, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		web := k.as(asWeb)
		cookie, _ := web.signIn("bob@b.example")
		page := k.page(func(w http.ResponseWriter, r *http.Request) {
			k.auth.SessionManager().Put(r.Context(), "a", 1)
			whoami(w, r)
		})
		for _, token := range []string{token, strings.Repeat("A", 43), "x", ""} {
			page.with("Session-Token", token)
			page.with("Cookie", cookieHeader+token)
			k.refresh(token)
			for _, e := range endpoints {
				r := k.withToken(e.method, e.path, token)
				if e.body != "" {
					setBody(r, e.body)
				}
				if e.path != logoutPath || token == "" {
					k.do(r)
				}
			}
		}
		if _, err := k.auth.Sessions(k.Context(), c["sub"].(string)); !errors.Is(err, auth.ErrNoSessionIndex) {
			t.Errorf("Sessions: %v", err)
		}
		if err := k.auth.RevokeAllSessions(k.Context()); !errors.Is(err, auth.ErrNoSessionIndex) {
			t.Errorf("RevokeAllSessions: %v", err)
		}
		if err := k.auth.DisableUser(k.Context(), c["sub"].(string)); err != nil {
			t.Error(err)
		}
		if err := k.auth.DeleteUser(k.Context(), c["sub"].(string)); err != nil {
			t.Error(err)
		}
		if a := web.do(web.withToken("POST", logoutPath, cookie)); a.status != http.StatusOK {
			t.Errorf("logout: %s", a.body)
		}
		time.Sleep(10 * time.Minute)
	})
}

// What opens something is in no answer but the one that gives it away: not in a
// refusal, not in the answer to a panic, not in what a handler of the app prints.
// The end of the kit looks for it in the log.
func TestAbuse_F16_tokensInNoAnswer(t *testing.T) {
	onEachStore(t, func(c *auth.Config) { c.Store = &panickyStore{Store: c.Store} }, func(k *kit) {
		store := k.conf.Store.(*panickyStore)
		code := k.code("ann@b.example")
		ticket := k.ticket("carl@b.example")
		token, _ := k.signIn("bob@b.example")
		cookie, _ := k.as(asWeb).signIn("eve@b.example")
		secrets := []string{code, ticket, token, cookie, auth.HashToken(token), auth.HashToken(cookie)}
		search := func(what string, a answer) {
			t.Helper()
			var head bytes.Buffer
			_ = a.header.Write(&head)
			for _, found := range canary.Find(append(head.Bytes(), a.body...), canary.IsAlnum, secrets...) {
				t.Errorf("%s: the answer has %s: %s%s", what, found, &head, a.body)
			}
		}
		bodies := map[string]string{ // with what is secret where it belongs
			verifyPath: object("token", ticket, "sender", "ann@b.example", "captcha_code", code),
			sendPath:   object("email", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", ticket),
			loginPath:  object("email", "ann@b.example", "verify_code", code),
		}
		n := 0
		for _, verb := range []string{"", "FindSession", "FindChallenge", "TakeTicket", "TakeLimits"} {
			store.in.Store(verb)
			for _, e := range endpoints {
				for _, as := range []string{"app", "web", "other"} {
					n++
					k := manyPeers(k, n).as(func(k *kit) { k.client, k.device = as, "another" })
					r := k.request(e.method, e.path, e.body)
					r.Header.Set("Session-Token", token[:42]+"_")
					r.Header.Set("Authorization", "Bearer "+token+"=")
					r.Header.Set("Cookie", cookieHeader+cookie+"; "+cookieHeader+token)
					if e.body != "" {
						setBody(r, bodies[e.path])
					}
					search(fmt.Sprintf("%s %s in a panic of %q", e.method, e.path, verb), k.do(r))
				}
			}
		}
		page := k.page(func(w http.ResponseWriter, r *http.Request) {
			id, _ := auth.FromContext(r.Context())
			fmt.Fprintf(w, "%+v %+v %v %#v %v", id, k.auth, r.Context(), id, k.auth.SessionManager().Keys(r.Context()))
		})
		store.in.Store("FindSession")
		r := page.request("GET", "/page", "")
		r.Header.Set("Session-Token", token)
		if res, err := page.http.Do(r); err == nil { // net/http logs such a panic and closes the connection
			_ = res.Body.Close()
			t.Errorf("a page in a panic: %d", res.StatusCode)
		}
		store.in.Store("")
		search("a page that prints all it can", page.with("Session-Token", token))
		search("the same by cookie", page.with("Cookie", cookieHeader+cookie))
		if !k.alive(token) || !k.alive(cookie) {
			t.Error("a session did not survive it")
		}
	})
}
