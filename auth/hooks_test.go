package auth_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// Functions of the host as they go wrong.
var (
	errHost    = errors.New("the host's database is down")
	errRefused = fmt.Errorf("too young: %w", auth.ErrLoginRefused)
)

// ways is how a function of the host can end, but for a value of its own.
var ways = []struct {
	name string
	call func(context.Context) error
	log  string // what the log says of it
	took time.Duration
}{
	{"an error", func(context.Context) error { return errHost }, errHost.Error(), 0},
	{"a panic", func(context.Context) error { panic("a bug of the host") }, "panic: a bug of the host", 0},
	{"a panic with nil", func(context.Context) error { panic(nil) }, "panic: ", 0},
	{"a nil pointer", func(context.Context) error { var p *int; *p = 1; return nil }, "nil pointer", 0},
	{"it ends its goroutine", func(context.Context) error { runtime.Goexit(); return nil }, "did not return", 0},
	{"it waits for its context", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "", 2 * time.Second},
	{"it does not come back", func(context.Context) error { time.Sleep(time.Minute); return nil }, "took too long", 2 * time.Second},
	{"it comes back too late", func(context.Context) error { time.Sleep(2*time.Second + time.Millisecond); return nil }, "took too long", 2 * time.Second},
}

// hooks sets each of the host's functions to one that ends in a way.
var hooks = map[string]func(*auth.Config, func(context.Context) error){
	"AllowRegistration": func(c *auth.Config, f func(context.Context) error) {
		c.AllowRegistration = func(ctx context.Context, _, _ string) (bool, error) { return true, f(ctx) }
	},
	"OnFirstLogin": func(c *auth.Config, f func(context.Context) error) {
		c.OnFirstLogin = func(ctx context.Context, _ auth.Identity) error { return f(ctx) }
	},
	"OnLogin": func(c *auth.Config, f func(context.Context) error) {
		c.OnLogin = func(ctx context.Context, _ auth.Identity) error { return f(ctx) }
	},
	"ExtraClaims": func(c *auth.Config, f func(context.Context) error) {
		c.ExtraClaims = func(ctx context.Context, _ auth.Identity) (map[string]any, error) {
			return map[string]any{"extra": true}, f(ctx)
		}
	},
}

// Whatever a function of the host does, it costs two seconds at most, grants
// nothing, and the code works when the host works again.
func TestFailingHooks(t *testing.T) {
	t.Parallel()
	for hook, set := range hooks {
		for _, way := range ways {
			t.Run(hook+" "+way.name, func(t *testing.T) {
				t.Parallel()
				var broken atomic.Bool
				broken.Store(true)
				play(t, func(c *auth.Config) {
					set(c, func(ctx context.Context) error {
						if broken.Load() {
							return way.call(ctx)
						}
						return nil
					})
				}, func(k *kit) {
					code := k.code("ann@b.example")
					start := time.Now()
					a := k.login("ann@b.example", code)
					if a.code() != string(auth.ReasonBusy) || a.status != 500 || a.header.Get("Retry-After") == "" || a.header.Get("Set-Cookie") != "" {
						t.Errorf("%d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
					}
					if took := time.Since(start); took != way.took {
						t.Errorf("it took %v, want %v", took, way.took)
					}
					if log := k.log.String(); !strings.Contains(log, hook+": ") || !strings.Contains(log, way.log) {
						t.Errorf("the log lacks %q: %s", way.log, log)
					}
					if strings.Contains(string(a.body), "host") {
						t.Errorf("the client is told why: %s", a.body)
					}
					if _, exists, err := k.conf.Store.UserByEmail(k.Context(), "ann@b.example"); exists || err != nil {
						t.Errorf("a user was made: %v", err)
					}
					broken.Store(false)
					if a := k.login("ann@b.example", code); a.status != 200 {
						t.Errorf("the code afterwards: %s", a.body)
					}
					time.Sleep(time.Minute) // for what does not come back
				})
			})
		}
	}
}

// A failing function gives nobody guesses, and takes none.
func TestFailingHooksCountNothing(t *testing.T) {
	t.Parallel()
	broken := true
	play(t, func(c *auth.Config) {
		c.OnLogin = func(context.Context, auth.Identity) error {
			if broken {
				return errHost
			}
			return nil
		}
	}, func(k *kit) {
		code := k.code("ann@b.example")
		for range 4 {
			k.login("ann@b.example", wrong(code))
			k.login("ann@b.example", code)
		}
		broken = false
		if a := k.login("ann@b.example", code); a.status != 200 {
			t.Errorf("the right code as the fifth that is counted: %s", a.body)
		}
		k.pass(time.Hour)
		broken = true
		code = k.code("ann@b.example")
		for range 5 {
			k.login("ann@b.example", code)
			k.login("ann@b.example", wrong(code))
		}
		broken = false
		if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
			t.Errorf("the right code after five wrong ones: %s", a.body)
		}
	})
}

func TestAbuse_D13_Registration(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		mode   auth.Registration
		allow  func(email, client string) bool
		asked  int
		first  string // the answer to a new address
		second string // and to one that is a user
	}{
		{"open", auth.RegistrationOpen, nil, 0, "200", "200"},
		{"closed", auth.RegistrationClosed, nil, 0, string(auth.ReasonUserUnknown), "200"},
		{"allowed", auth.RegistrationOpen, func(string, string) bool { return true }, 1, "200", "200"},
		{"not allowed", auth.RegistrationOpen, func(string, string) bool { return false }, 1, string(auth.ReasonUserUnknown), "200"},
		{"closed, whatever the host allows", auth.RegistrationClosed, func(string, string) bool { return true }, 0, string(auth.ReasonUserUnknown), "200"},
		{"allowed by domain", auth.RegistrationOpen, func(email, _ string) bool { return strings.HasSuffix(email, "@b.example") }, 1, "200", "200"},
		{"not allowed by client", auth.RegistrationOpen, func(_, client string) bool { return client != "app" }, 1, string(auth.ReasonUserUnknown), "200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			asked, called := 0, 0
			play(t, func(c *auth.Config) {
				c.OnLogin = func(context.Context, auth.Identity) error { called++; return nil }
			}, func(k *kit) {
				k.login("user@b.example", k.code("user@b.example"))
				called = 0
				k.stop()
				k.conf.Registration = row.mode
				if row.allow != nil {
					k.conf.AllowRegistration = func(_ context.Context, email, client string) (bool, error) {
						asked++
						if email != "new@b.example" || client != "app" {
							t.Errorf("asked about %q at %q", email, client)
						}
						return row.allow(email, client), nil
					}
				}
				k.restart()
				k.run()
				time.Sleep(time.Minute)

				k.login("New@B.example", wrong(k.code("New@B.example")))
				code := k.mails.last().Code
				if asked != 0 {
					t.Error("the host was asked before the code was right")
				}
				if a := k.login("New@B.example", code); a.code() != row.first {
					t.Errorf("a new address: %s", a.body)
				}
				if _, exists, _ := k.conf.Store.UserByEmail(k.Context(), "new@b.example"); exists != (row.first == "200") {
					t.Errorf("a user exists: %v", exists)
				}
				if a := k.login("New@B.example", code); a.code() != string(auth.ReasonCode) {
					t.Errorf("the code again: %s", a.body)
				}
				if a := k.login("user@b.example", k.code("user@b.example")); a.code() != row.second {
					t.Errorf("a user: %s", a.body)
				}
				if asked != row.asked {
					t.Errorf("asked %d times, want %d", asked, row.asked)
				}
				if want := map[bool]int{true: 2, false: 1}[row.first == "200"]; called != want {
					t.Errorf("OnLogin was called %d times, want %d", called, want)
				}
			})
		})
	}
}

// A new user is announced once, before it exists, and before the login.
func TestFirstLogin(t *testing.T) {
	t.Parallel()
	var k *kit
	var order []string
	var seen []auth.Identity
	note := func(name string) func(context.Context, auth.Identity) error {
		return func(ctx context.Context, id auth.Identity) error {
			order, seen = append(order, name), append(seen, id)
			_, exists, err := k.conf.Store.UserByEmail(ctx, id.Email)
			if exists != (len(order) > 2) || err != nil {
				t.Errorf("call %d of %s: the user exists: %v (%v)", len(order), name, exists, err)
			}
			if _, limited := ctx.Deadline(); !limited {
				t.Error("its context has no end")
			}
			return nil
		}
	}
	play(t, func(c *auth.Config) {
		c.OnFirstLogin, c.OnLogin = note("first"), note("login")
		c.ExtraClaims = func(_ context.Context, id auth.Identity) (map[string]any, error) {
			order, seen = append(order, "claims"), append(seen, id)
			return nil, nil
		}
	}, func(played *kit) {
		k = played
		k.login("Ann@B.example", wrong(k.code("Ann@B.example")))
		if len(order) != 0 {
			t.Errorf("called for a wrong code: %v", order)
		}
		at := time.Now()
		c := claims(t, k.login("Ann@B.example", k.mails.last().Code).field(t, "id_token"))
		want := auth.Identity{
			UserID: c["sub"].(string), Email: "ann@b.example", SessionID: c["sid"].(string), ClientID: "app", LoginAt: at,
		}
		for i, id := range seen {
			if !id.LoginAt.Equal(at) {
				t.Errorf("LoginAt %v, want %v", id.LoginAt, at)
			}
			if id.LoginAt = at; id != want {
				t.Errorf("%s was told %+v, want %+v", order[i], id, want)
			}
		}
		k.pass(time.Hour)
		c = claims(t, k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token"))
		if last := seen[len(seen)-1]; last.UserID != want.UserID || last.SessionID != c["sid"] || last.SessionID == want.SessionID {
			t.Errorf("the second login: %+v after %+v", last, want)
		}
		if !slices.Equal(order, []string{"first", "login", "claims", "login", "claims"}) {
			t.Errorf("called %v", order)
		}
	})
}

// The id that OnFirstLogin was told stays the address's, whatever fails after
// it, with this code or a later one, on this device or another.
func TestFirstLoginAgain(t *testing.T) {
	t.Parallel()
	var ids []string
	var first, later error
	play(t, func(c *auth.Config) {
		c.OnFirstLogin = func(_ context.Context, id auth.Identity) error { ids = append(ids, id.UserID); return first }
		c.OnLogin = func(context.Context, auth.Identity) error { return later }
	}, func(k *kit) {
		code := k.code("ann@b.example")
		try := func(k *kit, code, want string) {
			t.Helper()
			if a := k.login("ann@b.example", code); a.code() != want {
				t.Errorf("%s, want %s", a.body, want)
			}
		}
		first = errHost
		try(k, code, string(auth.ReasonBusy))
		first, later = nil, errHost
		try(k, code, string(auth.ReasonBusy))
		k.pass(time.Hour)
		try(k, k.code("ann@b.example"), string(auth.ReasonBusy))
		k.pass(time.Hour)
		other := k.as(onDevice("another"))
		code = other.code("ann@b.example")
		try(other, code, string(auth.ReasonBusy))
		later = nil
		try(other, code, "200")
		user, _, err := k.conf.Store.UserByEmail(k.Context(), "ann@b.example")
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Repeat([]string{user.ID}, 5); !slices.Equal(ids, want) {
			t.Errorf("told %v, but the user is %s", ids, user.ID)
		}
		k.pass(time.Hour)
		try(k, k.code("ann@b.example"), "200")
		if len(ids) != 5 {
			t.Error("called for a user that there is")
		}
		if bob := k.code("bob@b.example"); bob != "" {
			k.login("bob@b.example", bob)
		}
		if ids[5] == user.ID {
			t.Error("two people have one id")
		}
	})
}

// A login that the host refuses looks as if the user were disabled, and spends
// the code.
func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{false, true} {
		refuse := false
		play(t, func(c *auth.Config) {
			c.OnLogin = func(_ context.Context, id auth.Identity) error {
				if refuse && id.Email == "ann@b.example" {
					return errRefused
				}
				return nil
			}
		}, func(k *kit) {
			if exists {
				k.login("ann@b.example", k.code("ann@b.example"))
				time.Sleep(time.Minute)
			}
			refuse = true
			code := k.code("ann@b.example")
			a := k.login("ann@b.example", code)
			if a.code() != string(auth.ReasonUserDisabled) || a.status != 400 || a.header.Get("Retry-After") != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if _, there, _ := k.conf.Store.UserByEmail(k.Context(), "ann@b.example"); there != exists {
				t.Errorf("a user exists: %v", there)
			}
			refuse = false
			if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
				t.Errorf("the code again: %s", a.body)
			}
			if a := k.login("bob@b.example", k.code("bob@b.example")); a.status != 200 {
				t.Errorf("somebody else: %s", a.body)
			}
		})
	}
}

// A user who is disabled is not asked about.
func TestHooksAreNotCalledForDisabledUsers(t *testing.T) {
	t.Parallel()
	called := 0
	play(t, func(c *auth.Config) {
		c.OnLogin = func(context.Context, auth.Identity) error { called++; return nil }
	}, func(k *kit) {
		k.login("ann@b.example", k.code("ann@b.example"))
		user, _, err := k.conf.Store.UserByEmail(k.Context(), "ann@b.example")
		if err == nil {
			_, err = k.conf.Store.SetUserDisabled(k.Context(), user.ID, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if a := k.login("ann@b.example", k.code("ann@b.example")); a.code() != string(auth.ReasonUserDisabled) {
			t.Errorf("%s", a.body)
		}
		if called != 1 {
			t.Errorf("called %d times, want once", called)
		}
	})
}
