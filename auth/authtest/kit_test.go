package authtest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
)

// Each kit is a world of its own.
func TestNew_secrets(t *testing.T) {
	t.Parallel()
	a, b := authtest.New(t), authtest.New(t)
	if bytes.Equal(a.Config.Secret, b.Config.Secret) || len(a.Config.Secret) < 32 {
		t.Error("two kits have the same secret")
	}
	if a.Config.Store == b.Config.Store {
		t.Error("two kits have the same store")
	}
}

// The functions are called in turn, and see what those before them did.
func TestNew_changes(t *testing.T) {
	t.Parallel()
	kit := authtest.New(t,
		func(c *auth.Config) { c.ProductName = "Acme" },
		func(c *auth.Config) { c.ProductName += " Ltd" })
	if got := kit.Config.ProductName; got != "Acme Ltd" {
		t.Errorf("got %q", got)
	}
	kit.Login(t, "ann@b.example")
	if mails := kit.Mailbox.Mails(); len(mails) != 1 || mails[0].Product != "Acme Ltd" {
		t.Errorf("%+v", mails)
	}
}

// With the test, everything that a kit began has ended. A bubble would not end
// before; this is a test outside of one.
func TestNothingIsLeftBehind(t *testing.T) {
	// Not parallel: other tests have kits, too.
	t.Run("a test", func(t *testing.T) {
		kit := authtest.New(t)
		kit.Handler = newApp(kit.Auth)
		client := kit.Login(t, "ann@b.example")
		if status, _ := read(t, client, "https://app.example/account"); status != 200 {
			t.Errorf("%d", status)
		}
		kit.IDToken(t, auth.Identity{Email: "ann@b.example"})
		if !isAtWork() {
			t.Error("nothing works in the background, and so nothing can be left behind")
		}
	})
	deadline := time.Now().Add(5 * time.Second) // for the last instructions of what has ended
	for isAtWork() {
		if time.Now().After(deadline) {
			t.Fatalf("a kit left goroutines behind:\n%s", stacks())
		}
		runtime.Gosched()
	}
}

// isAtWork reports whether a goroutine runs code of a kit.
func isAtWork() bool {
	all := stacks()
	return strings.Contains(all, reflect.TypeFor[auth.Auth]().PkgPath()+".") ||
		strings.Contains(all, reflect.TypeFor[authtest.Kit]().PkgPath()+".")
}

// stacks are those of all goroutines.
func stacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := authtest.New(t)
		kit.Login(t, "ann@b.example")
		kit.Stop()
		kit.Stop()
		start := time.Now()
		time.Sleep(20 * 365 * 24 * time.Hour) // would take long if anything woke up in it
		if got := time.Since(start); got < 24*time.Hour {
			t.Errorf("slept for %v", got)
		}
	})
}

// quiet keeps the lines of the log out of the results of a benchmark.
func quiet(c *auth.Config) { c.Logger = slog.New(slog.DiscardHandler) }

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		authtest.New(b).Stop()
	}
}

func BenchmarkAs(b *testing.B) {
	kit := authtest.New(b)
	for i := 0; b.Loop(); i++ {
		kit.As(b, get(), auth.Identity{Email: fmt.Sprintf("ann%d@b.example", i)})
	}
}

func BenchmarkLogin(b *testing.B) {
	for b.Loop() {
		kit := authtest.New(b, quiet)
		kit.Login(b, "ann@b.example")
		kit.Stop()
	}
}
