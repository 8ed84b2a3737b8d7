package authtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
)

// failing is a test that notes how it fails.
type failing struct{ testing.TB }

// failed is what failing panics with.
type failed string

func (failing) Fatalf(format string, args ...any) { panic(failed(fmt.Sprintf(format, args...))) }

// failureOf returns what f tells the test that it fails with.
func failureOf(t *testing.T, f func(tb testing.TB)) (message string) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			message = string(v.(failed))
		}
	}()
	f(failing{t})
	return ""
}

// A test that makes a mistake is told what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	ann := auth.Identity{Email: "ann@b.example"}
	for _, row := range []struct {
		name string
		do   func(tb testing.TB)
		want string
	}{
		{"a wrong configuration", func(tb testing.TB) {
			authtest.New(tb, func(c *auth.Config) { c.Issuer = "app.example" })
		}, "Issuer"},
		{"an unknown client", func(tb testing.TB) {
			authtest.New(tb).As(tb, get(), auth.Identity{Email: "ann@b.example", ClientID: "tv"})
		}, `no client "tv": add it to Config.Clients`},
		{"no address", func(tb testing.TB) { authtest.New(tb).As(tb, get(), auth.Identity{UserID: "u_42"}) }, "Identity.Email must be"},
		{"an address in upper case", func(tb testing.TB) {
			authtest.New(tb).As(tb, get(), auth.Identity{Email: "Ann@b.example"})
		}, "lower case"},
		{"an address that is not ASCII", func(tb testing.TB) {
			authtest.New(tb).As(tb, get(), auth.Identity{Email: "ann@bücher.example"})
		}, "ASCII"},
		{"a session that has expired", func(tb testing.TB) {
			authtest.New(tb).As(tb, get(), auth.Identity{Email: "ann@b.example", LoginAt: time.Now().Add(-6 * 24 * time.Hour)})
		}, "LoginAt must be less than 120h"},
		{"two users of one address", func(tb testing.TB) {
			kit := authtest.New(tb)
			kit.As(tb, get(), auth.Identity{Email: "ann@b.example", UserID: "u_1"})
			kit.As(tb, get(), auth.Identity{Email: "ann@b.example", UserID: "u_2"})
		}, "ann@b.example and u_2 are not the same user"},
		{"two addresses of one user", func(tb testing.TB) {
			kit := authtest.New(tb)
			kit.As(tb, get(), auth.Identity{Email: "ann@b.example", UserID: "u_1"})
			kit.As(tb, get(), auth.Identity{Email: "ben@b.example", UserID: "u_1"})
		}, "ben@b.example and u_1 are not the same user"},
		{"a disabled user", func(tb testing.TB) {
			kit := authtest.New(tb)
			kit.As(tb, get(), auth.Identity{Email: "ann@b.example", UserID: "u_1"})
			if err := kit.Auth.DisableUser(tb.Context(), "u_1"); err != nil {
				tb.Fatal(err)
			}
			kit.As(tb, get(), ann)
		}, "call As before DisableUser"},
		{"a foreign session store", func(tb testing.TB) {
			store := memstore.NewWithCleanupInterval(0)
			authtest.New(tb, func(c *auth.Config) { c.SessionStore = store }).As(tb, get(), ann)
		}, "use Kit.Login"},
		{"no mail", func(tb testing.TB) { authtest.New(tb).Mailbox.Code(tb, "ann@b.example") }, "no mail came to ann@b.example within 10s"},
		{"nobody delivers", func(tb testing.TB) {
			kit := authtest.New(tb)
			kit.Stop()
			time.Sleep(time.Hour)
			kit.Login(tb, "ann@b.example")
		}, "IDAAS.SDK.CAPTCHA.0006"},
		{"no captcha for programs", func(tb testing.TB) {
			authtest.New(tb, func(c *auth.Config) { c.Captchas = []captcha.Engine{captcha.Digits()} }).Login(tb, "ann@b.example")
		}, "add captcha.ProofOfWork(1) to Config.Captchas"},
		{"an app without a login", func(tb testing.TB) {
			kit := authtest.New(tb)
			kit.Handler = http.NotFoundHandler()
			kit.Login(tb, "ann@b.example")
		}, "Kit.Handler has to serve Kit.Auth.Handler()"},
		{"too many mails", func(tb testing.TB) {
			kit := authtest.New(tb, func(c *auth.Config) { c.Limits = auth.Limits{} })
			for range 3 {
				kit.Login(tb, "ann@b.example")
			}
		}, "let some time pass"},
		{"a login that is refused", func(tb testing.TB) {
			authtest.New(tb, func(c *auth.Config) { c.Registration = auth.RegistrationClosed }).Login(tb, "ann@b.example")
		}, "IDAAS.SDK.USER.0001"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := failureOf(t, row.do); !strings.Contains(got, row.want) || !strings.HasPrefix(got, "authtest: ") {
					t.Errorf("the test is told %q, want %q in it", got, row.want)
				}
			})
		})
	}
}
