package auth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
)

// values is a page that shows the session's values, and before that changes
// them as its query says: put, remove, clear.
func (k *kit) values() *kit {
	m := k.auth.SessionManager()
	return k.page(func(w http.ResponseWriter, r *http.Request) {
		for name, v := range r.URL.Query() {
			switch name {
			case "remove":
				m.Remove(r.Context(), v[0])
			case "clear":
				_ = m.Clear(r.Context())
			default:
				var value any
				_ = json.Unmarshal([]byte(v[0]), &value)
				m.Put(r.Context(), name, value)
			}
		}
		all := make(map[string]any)
		for _, name := range m.Keys(r.Context()) {
			all[name] = m.Get(r.Context(), name)
		}
		_ = json.NewEncoder(w).Encode(all)
	})
}

func (k *kit) show(token, query string) string {
	k.Helper()
	r := bare(k, "GET", "/page?"+query)
	r.Header.Set("Session-Token", token)
	return strings.TrimSpace(string(k.do(r).body))
}

func TestSessionValues(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		store := k.counted()
		ann, _ := k.signIn("ann@b.example")
		bob, _ := k.signIn("bob@b.example")
		page := k.values()
		for _, step := range []struct {
			token, query, want string
			saves              int32
		}{
			{ann, "", `{}`, 0},
			{ann, `name="Ann\u003cb>"`, `{"name":"Ann\u003cb\u003e"}`, 1},
			{ann, "", `{"name":"Ann\u003cb\u003e"}`, 1},
			{ann, `cart={"items":[1,2],"open":true,"none":null}`, `{"cart":{"items":[1,2],"none":null,"open":true},"name":"Ann\u003cb\u003e"}`, 2},
			{bob, "", `{}`, 2},
			{bob, "name=1", `{"name":1}`, 3},
			{ann, "remove=cart", `{"name":"Ann\u003cb\u003e"}`, 4},
			{ann, "remove=cart", `{"name":"Ann\u003cb\u003e"}`, 4},
			{ann, "clear=1", `{}`, 5},
			{ann, "", `{}`, 5},
			{bob, "", `{"name":1}`, 5},
		} {
			if got := page.show(step.token, step.query); got != step.want || store.saves.Load() != step.saves {
				t.Errorf("%q: %s after %d savings, want %s after %d", step.query, got, store.saves.Load(), step.want, step.saves)
			}
			k.restart() // nothing is kept in the instance
			page = k.values()
		}
		k.pass(5 * 24 * time.Hour)
		if got := page.show(bob, ""); got != "{}" {
			t.Errorf("after its end: %s", got)
		}
	})
}

// Values are JSON: what one handler puts in as a number or a struct comes out
// as float64 and map.
func TestSessionValuesAreJSON(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		m := k.auth.SessionManager()
		k.page(func(_ http.ResponseWriter, r *http.Request) {
			m.Put(r.Context(), "int", 41)
			m.Put(r.Context(), "struct", struct{ A int }{1})
			m.Put(r.Context(), "string", "\x00ſ\u2028")
		}).with("Session-Token", token)
		k.page(func(_ http.ResponseWriter, r *http.Request) {
			got := fmt.Sprintf("%#v %#v %q", m.Get(r.Context(), "int"), m.Get(r.Context(), "struct"), m.GetString(r.Context(), "string"))
			if want := `41 map[string]interface {}{"A":1} "\x00ſ\u2028"`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if _, ok := m.Get(r.Context(), "int").(float64); !ok {
				t.Errorf("a number is a %T", m.Get(r.Context(), "int"))
			}
			m.Put(r.Context(), "channel", make(chan int)) // no JSON: nothing of this is stored
			m.Put(r.Context(), "int", 42)
		}).with("Session-Token", token)
		if !strings.Contains(k.log.String(), "unsupported type") {
			t.Errorf("the log says nothing of a value that cannot be stored: %s", k.log)
		}
		if got := k.values().show(token, "remove=struct&remove=string"); !strings.Contains(got, `"int":41`) {
			t.Errorf("%s, want the values before", got)
		}
	})
}

// A request that loaded the session before a logout, and changes values after
// it, does not bring the session back.
func TestAbuse_F05_slowRequestAfterLogout(t *testing.T) {
	for name, change := range map[string]func(*auth.Config){"without IdleTimeout": nil, "with IdleTimeout": idleAfterTen} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, change, func(k *kit) {
				token, _ := k.signIn("ann@b.example")
				loaded, goOn, done := make(chan bool), make(chan bool), make(chan answer)
				m := k.auth.SessionManager()
				page := k.page(func(w http.ResponseWriter, r *http.Request) {
					m.Put(r.Context(), "a", "before")
					close(loaded)
					<-goOn
					m.Put(r.Context(), "a", "after")
					whoami(w, r)
				})
				go func() { done <- page.with("Session-Token", token) }()
				<-loaded
				out := k.request("POST", logoutPath, "")
				out.Header.Set("Session-Token", token)
				if a := k.do(out); a.status != 200 {
					t.Errorf("logout: %s", a.body)
				}
				time.Sleep(time.Second)
				close(goOn)
				if a := <-done; a.status != 200 {
					t.Errorf("the slow request: %d %s", a.status, a.body)
				}
				synctest.Wait()
				if a := k.page(whoami).with("Session-Token", token); string(a.body) != "nobody" || k.alive(token) {
					t.Errorf("the session is alive again: %s", a.body)
				}
				if got := k.values().show(token, ""); got != "{}" {
					t.Errorf("its values can be read: %s", got)
				}
				if !strings.Contains(k.log.String(), "the session has ended") {
					t.Errorf("the log says nothing of it: %s", k.log)
				}
			})
		})
	}
}

// What is stored as a session's values and is not what we wrote is a fault of
// the server, and nobody is let in with it.
func TestDamagedSessionData(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		page := k.page(whoami)
		fine, _, err := k.conf.Store.FindSession(k.Context(), auth.HashToken(token), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string]string{
			"nothing": "", "seven bytes": string(fine.Data[:7]), "no JSON": string(fine.Data) + "x", "an array": string(fine.Data) + "[]",
			"half of it": string(fine.Data) + `{"a":`, "more than it": string(fine.Data) + `{}{}`,
		} {
			if ok, err := k.conf.Store.SaveSessionData(k.Context(), auth.HashToken(token), []byte(data), time.Now()); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if a := page.with("Session-Token", token); a.code() != string(auth.ReasonBusy) || a.status != 500 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if _, err := k.conf.Store.SaveSessionData(k.Context(), auth.HashToken(token), fine.Data, time.Now()); err != nil {
			t.Fatal(err)
		}
		if a := page.with("Session-Token", token); string(a.body) != c["sub"] {
			t.Errorf("afterwards: %s", a.body)
		}
	})
}

// The app's own scs manager works beside ours, in either order, with names of
// its own, and does not know our tokens.
func TestManagerOfTheAppBesideOurs(t *testing.T) {
	t.Parallel()
	for _, outside := range []bool{true, false} {
		own := scs.New() // outside the bubble, since its first store has a goroutine that stays
		own.Store = memstore.NewWithCleanupInterval(0)
		play(t, nil, func(k *kit) {
			token, c := k.signIn("ann@b.example")
			ours := k.auth.SessionManager()
			page := func(w http.ResponseWriter, r *http.Request) {
				n, m := own.GetInt(r.Context(), "n"), ours.Get(r.Context(), "n")
				own.Put(r.Context(), "n", n+1)
				if m == nil {
					m = 100.0
				}
				ours.Put(r.Context(), "n", m.(float64)+1)
				id, _ := auth.FromContext(r.Context())
				fmt.Fprint(w, n, " ", m, " ", id.UserID == c["sub"])
			}
			handler := own.LoadAndSave(guarded(k.auth, page))
			if !outside {
				handler = guarded(k.auth, own.LoadAndSave(http.HandlerFunc(page)).ServeHTTP)
			}
			app := k.as(func(o *kit) { o.http = k.serve(handler) })
			a := app.with("Session-Token", token)
			cookie := cookieOf(t, a)
			b := app.with("Session-Token", token, "Cookie", "session="+cookie.Value)
			if string(a.body) != "0 100 true" || string(b.body) != "1 101 true" || cookie.Name != "session" {
				t.Errorf("outside %v: %s, then %s, cookie %v", outside, a.body, b.body, cookie)
			}
			if a := app.with("Cookie", "session="+token); !strings.HasPrefix(string(a.body), "0 100 false") {
				t.Errorf("our token as the app's: %s", a.body)
			}
			if a := app.with("Cookie", cookieHeader+cookie.Value); !strings.HasSuffix(string(a.body), "false") {
				t.Errorf("the app's token as ours: %s", a.body)
			}
		})
	}
}

// Values of somebody who is not signed in have nowhere to be kept.
func TestSessionValuesOfNobody(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		k.page(func(_ http.ResponseWriter, r *http.Request) {
			k.auth.SessionManager().Put(r.Context(), "seen", true)
		}).with()
		if log := k.log.String(); strings.Contains(log, "not stored") {
			t.Errorf("the log speaks of a fault: %s", log)
		}
	})
}
