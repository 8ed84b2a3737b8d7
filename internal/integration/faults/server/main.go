// Command server is a login on either database, for tests that break what is
// beneath it. It can be looked into at /state, and its failpoints and clock be
// set at /failpoints and /clock. The functions of the host have failpoints, too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/jmoiron/sqlx"
	"github.com/redis/go-redis/v9"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/internal/integration/faults"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/sqlite"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer end()
	database := flag.String("database", "", "SQLite `file`, or postgres:// URL")
	schema := flag.String("schema", "mailkey", "`name` of the schema in PostgreSQL")
	pool := flag.Int("pool", 8, "`number` of connections to PostgreSQL")
	smtp := flag.String("smtp", "", "`URL` of the mail relay")
	dns := flag.String("dns", "", "`address` of the name server to ask instead of the system's")
	redisAt := flag.String("redis", "", "`address` of a Redis that keeps the sessions")
	pending := flag.Int("pending", 1000, "`number` of mails that may wait")
	flag.Parse()

	opening, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	db, err := open(opening, *database, *schema, *pool)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if *dns != "" {
		askAt(*dns)
	}
	relay, err := smtpmailer.New(smtpmailer.Config{URL: *smtp, From: "login@faults.example"})
	if err != nil {
		return err
	}
	var sessions scs.Store
	if *redisAt != "" {
		client := redis.NewClient(&redis.Options{Addr: *redisAt, ReadTimeout: time.Second, ContextTimeoutEnabled: true})
		defer func() { err = errors.Join(err, client.Close()) }()
		sessions = goredisstore.New(client)
	}
	a, err := auth.New(withHooks(auth.Config{
		Store:            db.store,
		Mailer:           mailer{relay},
		SessionStore:     sessions,
		Secret:           auth.Secret(faults.Secret),
		Issuer:           "https://faults.example",
		Clients:          []auth.Client{{ID: "app"}},
		Captchas:         []captcha.Engine{captcha.ProofOfWork(1), captcha.Digits()},
		SigningAlgorithm: auth.ES256,
		TrustedProxies:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Limits: auth.Limits{
			SendCodeDevice: auth.Rate{Count: 1000, Per: time.Hour},
			LoginDevice:    auth.Rate{Count: 1000, Per: time.Hour},
			Address: storage.AddressLimits{
				Cooldown: time.Second, PerHour: 100, PerDay: 100, StrangersPerHour: 100, StrangersPerDay: 100,
			},
			MaxPendingMails: *pending,
		},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	background := make(chan error, 1)
	go func() { background <- a.Run(ctx) }()

	fmt.Fprintf(os.Stdout, "open http://%s/\n", listener.Addr())
	err = serve(ctx, listener, a.Handler(), db)
	stop()
	return errors.Join(err, <-background)
}

// opened is a store, and what is beneath it.
type opened struct {
	store storage.Store
	io.Closer
	inUse func() int // connections
}

func open(ctx context.Context, database, schema string, size int) (opened, error) {
	if !strings.HasPrefix(database, "postgres:") {
		store, err := sqlite.Open(ctx, database)
		return opened{store, store, func() int { return 0 }}, err
	}
	pool, err := sqlx.Open("pgx", database)
	if err != nil {
		return opened{}, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	store, err := postgres.Open(ctx, pool, schema)
	if err != nil {
		return opened{}, errors.Join(err, pool.Close())
	}
	return opened{store, pool, func() int { return pool.Stats().InUse }}, nil
}

// serve serves until ctx ends.
func serve(ctx context.Context, l net.Listener, login http.Handler, db opened) error {
	mux := http.NewServeMux()
	mux.Handle("/", login)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		writeState(w, db.inUse())
	})
	mux.HandleFunc("PUT /failpoints", set(failpoint.Set))
	mux.HandleFunc("PUT /clock", set(setClock))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return srv.Shutdown(grace)
}

func writeState(w io.Writer, connections int) {
	files, _ := os.ReadDir("/proc/self/fd") // where there is none nobody looks
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = json.NewEncoder(w).Encode(faults.State{ // the client went away: nothing to do
		Goroutines: runtime.NumGoroutine(), Connections: connections, Files: len(files), Memory: int(m.HeapAlloc),
	})
}

// set is a handler that does what the body says.
func set(do func(text string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = do(string(text))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func setClock(text string) error {
	wrong, err := time.ParseDuration(text)
	if err == nil {
		failpoint.SetClock(wrong)
	}
	return err
}

// askAt has names looked up at a name server of the test.
func askAt(addr string) {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}
