package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
)

const (
	shutdownGrace = 10 * time.Second // from SIGTERM until what is still being served is cut off
	maxDrain      = shutdownGrace / 2
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, cfg config, stdout io.Writer, logs slog.Handler) (err error) {
	secret, err := loadSecret(cfg.secretFile, cfg.makeSecret)
	if err != nil {
		return err
	}
	store, err := cfg.kind.Open(ctx, cfg.database, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	listener, err := net.Listen("tcp", net.JoinHostPort(cfg.host, cfg.port))
	if err != nil {
		return err
	}
	defer listener.Close()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	own := "http://" + net.JoinHostPort(cfg.host, port)
	issuer := cmp.Or(cfg.issuer, own)

	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	var mailer auth.Mailer = cfg.mailer
	if cfg.devMail {
		dev := &devMailer{compose: cfg.mailer, terminal: stdout}
		dev.routes(router)
		mailer = dev
	}
	a, err := auth.New(auth.Config{
		Store:          store,
		Mailer:         mailer,
		Secret:         secret,
		Issuer:         issuer,
		Clients:        cfg.clients,
		ProductName:    "mailkey",
		Captchas:       cfg.captchas,
		Registration:   cfg.registration,
		TrustedProxies: cfg.trustedProxies,
		Logger:         slog.New(logs),
		InsecureCookie: cfg.insecureCookie,
	})
	if err != nil {
		return err
	}
	router.PathPrefix("/api/").Handler(a.Handler())
	router.PathPrefix("/.well-known/").Handler(a.Handler())
	router.Handle("/openapi.json", a.OpenAPIHandler())
	if err := pageRoutes(router, a, cfg.devMail); err != nil {
		return err
	}
	health := &health{inService: a.InService}
	health.routes(router)

	// Mails are accepted, and so delivered, until the last request is answered.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	background := make(chan error, 1)
	go func() { background <- a.Run(working) }()

	fmt.Fprintln(stdout, greeting(issuer, own, cfg))
	err = serveHTTP(ctx, listener, router, health, cfg.drain, logs)
	stop()
	return errors.Join(err, <-background)
}

func greeting(issuer, own string, cfg config) string {
	line := "mailkey is ready: open " + issuer + "/"
	if cfg.devMail {
		line += " (codes appear here and at " + own + devMailPath + ")"
	}
	return line
}

// serveHTTP serves until ctx ends, for a while more with drain, and then what is
// being served.
func serveHTTP(ctx context.Context, l net.Listener, router http.Handler, health *health, drain time.Duration, logs slog.Handler) error {
	srv := &http.Server{
		Handler:           health.parting(router),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logs, slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger := slog.New(logs)
	logger.Info("stopping")
	health.stopping.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	select {
	case err := <-failed:
		return err
	case <-time.After(drain):
	}
	if err := srv.Shutdown(grace); err != nil {
		logger.Warn("requests were cut off", "cause", err)
		return srv.Close()
	}
	return nil
}
