// Package authtest is for tests of apps that log people in with package auth,
// as net/http/httptest is for tests of handlers.
//
// [New] makes a complete login in memory, within a millisecond, and ends it
// with the test. A handler behind the middleware is tested with a request that
// is signed in:
//
//	kit := authtest.New(t)
//	account := middleware.RequireSession(kit.Auth)(accountHandler)
//
//	r := httptest.NewRequest("GET", "/account", nil)
//	w := httptest.NewRecorder()
//	account.ServeHTTP(w, kit.As(t, r, auth.Identity{Email: "ann@b.example"}))
//
// An app as a whole is tested with clients that logged in as people do:
//
//	kit.Handler = newApp(kit.Auth)
//	ann := kit.Login(t, "ann@b.example")
//	res, err := ann.Get("https://app.example/account")
//
// A service that checks id_tokens takes those of [Kit.IDToken].
//
// Nothing here is a fake of package auth: sessions are sessions, tokens are
// signed, and what is refused in production is refused here. Only the mails go
// to a [Mailbox], captchas are easy, and limits are wide.
//
// # Time
//
// There is no network, so all of it works inside the bubble of a
// [testing/synctest.Test], where a session expires without anybody waiting for
// it. Make the kit inside the bubble. Its background work looks for mails every
// second: call [Kit.Stop] before a bubble lets months pass.
package authtest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// Kit is a login for one test. Make one with [New].
type Kit struct {
	Auth    *auth.Auth  // for the app, and for middleware
	Config  auth.Config // what Auth was made from
	Mailbox *Mailbox    // where the mails go

	// Handler is what the clients of Client and Login talk to: the app, once it
	// is assigned. Default: Auth.Handler().
	Handler http.Handler

	stop func()
}

// New makes a login, which the end of the test ends. Its configuration, before
// the given functions change it:
//
//   - an empty store in memory, and a random secret;
//   - the issuer https://app.example;
//   - two clients: web, a cookie client, and app, a header client;
//   - id_tokens signed with ES256, whose keys are made quickly;
//   - a proof of work of one bit as captcha, see [Solve];
//   - a log that goes to the test's;
//   - limits that no test meets, but for a second between two mails to one
//     address. auth.Limits{} are those of production.
func New(tb testing.TB, changes ...func(*auth.Config)) *Kit {
	tb.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never returns an error
	k := &Kit{Mailbox: new(Mailbox)}
	k.Config = auth.Config{
		Store:            memory.New(),
		Mailer:           k.Mailbox,
		Secret:           secret,
		Issuer:           "https://app.example",
		Clients:          []auth.Client{{ID: "web", Cookie: true}, {ID: "app"}},
		Captchas:         []captcha.Engine{captcha.ProofOfWork(1)},
		SigningAlgorithm: auth.ES256,
		Limits:           wide(),
		Logger:           slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	for _, change := range changes {
		change(&k.Config)
	}
	var err error
	if k.Auth, err = auth.New(k.Config); err != nil {
		tb.Fatalf("authtest: the configuration, as it was changed, is wrong: %v", err)
	}
	k.Handler = k.Auth.Handler()
	k.run(tb)
	return k
}

// run starts the background work.
func (k *Kit) run(tb testing.TB) {
	tb.Helper()
	// A code may be asked for before Run has begun.
	if err := k.Config.Store.Beat(tb.Context(), time.Now()); err != nil {
		tb.Fatalf("authtest: the store cannot be used: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Auth.Run(ctx) }()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("authtest: Run: %v", err)
		}
	})
	tb.Cleanup(k.stop)
}

// Stop ends the background work before the test ends. No mail is delivered
// afterwards; everything else goes on.
func (k *Kit) Stop() { k.stop() }

// wide are limits that tests do not meet.
func wide() auth.Limits {
	const most = 1000
	much := auth.Rate{Count: 1_000_000, Per: 1_000_000 * time.Second}
	return auth.Limits{
		Captcha: much, VerifyCaptcha: much, WrongCaptcha: much,
		SendCode: much, SendCodeLong: much, Login: much,
		SendCodeDevice: much, LoginDevice: much,
		Address: storage.AddressLimits{
			Cooldown: time.Second, PerHour: most, PerDay: most, StrangersPerHour: most, StrangersPerDay: most,
			StrangerGuessesPerDay: most,
		},
	}
}
