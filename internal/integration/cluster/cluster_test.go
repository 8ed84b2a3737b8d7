package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
)

// cluster is what instances share.
type cluster struct {
	database string // URL
	schema   string
	secret   auth.Secret
	file     string // that the secret is in
	relay    *smtpd.Server
	url      string // of the balancer, and the issuer

	pool *sqlx.DB // of the test
}

// instance is a process of the server.
type instance struct {
	*program.Process
	addr string
}

func (i *instance) url() string { return "http://" + i.addr }

var schemas atomic.Int64

// newCluster makes what instances need, in a schema of its own, and no instance.
func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	c := &cluster{
		database: postgresServer(tb).URL("postgres"), schema: fmt.Sprint("cluster ", schemas.Add(1)),
		secret: make(auth.Secret, 32), file: filepath.Join(directory(tb), "secret"),
		relay: smtpd.New(tb, smtpd.Config{}), url: "http://" + services.FreeAddr(tb),
	}
	_, _ = rand.Read(c.secret) // never fails
	if err := os.WriteFile(c.file, []byte(c.secretText()), 0o600); err != nil {
		tb.Fatal(err)
	}
	var err error
	if c.pool, err = sqlx.Open("pgx", c.database); err != nil {
		tb.Fatal(err)
	}
	c.pool.SetMaxOpenConns(8)
	tb.Cleanup(func() { c.pool.Close() })
	return c
}

func (c *cluster) secretText() string { return hex.EncodeToString(c.secret) }

// launch starts an instance that may or may not come up.
func (c *cluster) launch(tb testing.TB, path, addr string, args ...string) *instance {
	tb.Helper()
	args = append([]string{
		"-addr", addr, "-database", c.database, "-schema", c.schema, "-pool", "8", "-secret-file", c.file,
		"-issuer", c.url, "-client", "app", "-captcha", "pow", "-smtp", c.relay.URL(), "-trusted-proxies", "127.0.0.1",
	}, args...)
	cmd := exec.Command(path, args...)
	cmd.Dir = directory(tb)
	i := &instance{program.Start(tb, cmd), addr}
	tb.Cleanup(func() { i.check(tb, c.secretText()) })
	return i
}

// start starts an instance and waits until it serves.
func (c *cluster) start(tb testing.TB, path, addr string, args ...string) *instance {
	tb.Helper()
	i := c.launch(tb, path, addr, args...)
	i.serves(tb)
	return i
}

// serves waits until the instance is ready.
func (i *instance) serves(tb testing.TB) {
	tb.Helper()
	i.Await(tb, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, i.url()+"/healthz", nil)
		if err != nil {
			return err
		}
		response, err := plainHTTP.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("healthz: %s", response.Status)
		}
		return nil
	})
}

// check looks for what no log may have in it.
func (i *instance) check(tb testing.TB, secret string) {
	if tb.Failed() {
		tb.Logf("the log of %s:\n%s", i.addr, i.Log())
	}
	for _, bad := range []string{"DATA RACE", "panic", "@example.org", secret} {
		if strings.Contains(i.Log(), bad) {
			tb.Errorf("the log of an instance has %q in it:\n%s", bad, i.Log())
		}
	}
}

// startAll starts an instance at each address, all at once.
func (c *cluster) startAll(tb testing.TB, path string, addrs []string, args ...string) []*instance {
	tb.Helper()
	var instances []*instance
	for _, addr := range addrs {
		instances = append(instances, c.launch(tb, path, addr, args...))
	}
	for _, i := range instances {
		i.serves(tb)
	}
	return instances
}

func freeAddrs(tb testing.TB, n int) []string {
	tb.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = services.FreeAddr(tb)
	}
	return addrs
}

// trio is three instances and a balancer in front of them.
type trio struct {
	*cluster
	instances []*instance
}

func newTrio(tb testing.TB) *trio {
	tb.Helper()
	c := newCluster(tb)
	addrs := freeAddrs(tb, 3)
	instances := c.startAll(tb, current(tb), addrs)
	c.balance(tb, addrs)
	return &trio{c, instances}
}

// admin returns an instance in the test's own process, which delivers no mails:
// what an operator's own program would be. Its users may ask for a mail each
// second.
func (c *cluster) admin(tb testing.TB) *auth.Auth {
	tb.Helper()
	store, err := postgres.Open(tb.Context(), c.pool, c.schema)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := auth.New(auth.Config{
		Store: store, Secret: c.secret, Mailer: noMailer{}, Issuer: c.url, Clients: []auth.Client{{ID: "app"}},
		Captchas:       []captcha.Engine{captcha.ProofOfWork(0)},
		Limits:         auth.Limits{Address: storage.AddressLimits{Cooldown: time.Second}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Logger:         slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// serve serves an instance of the test's own process, and returns its URL.
func (c *cluster) serve(tb testing.TB, a *auth.Auth) string {
	tb.Helper()
	server := httptest.NewServer(a.Handler())
	tb.Cleanup(server.Close)
	return server.URL
}

// noMailer is for an instance that does not deliver.
type noMailer struct{}

func (noMailer) SendCode(context.Context, auth.CodeMail) error { return errors.New("not here") }

var (
	standingOnce sync.Once
	theStanding  *trio
)

// standing returns the trio of those tests that leave it as it is.
func standing(tb testing.TB) *trio {
	tb.Helper()
	standingOnce.Do(func() { theStanding = newTrio(lasting{tb}) })
	if theStanding == nil {
		tb.Skip("there is no cluster: see the first test")
	}
	return theStanding
}
