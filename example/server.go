package main

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
	"example.com/mailkey/storage/sqlite"
)

// shutdownGrace is for the requests that are being served when the server ends.
const shutdownGrace = 10 * time.Second

// serve runs the server until ctx ends.
func serve(ctx context.Context, cfg config, stdout io.Writer, logs slog.Handler) (err error) {
	secret, err := loadSecret(cfg.secretFile)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, cfg.database)
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
	issuer := cmp.Or(cfg.issuer, "http://"+net.JoinHostPort(cfg.host, port))

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

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	background := make(chan error, 1)
	go func() { background <- a.Run(ctx) }()

	fmt.Fprintln(stdout, greeting(issuer, cfg))
	err = serveHTTP(ctx, listener, router, logs)
	stop()
	return errors.Join(err, <-background)
}

func greeting(issuer string, cfg config) string {
	line := "mailkey is ready: open " + issuer + "/"
	if cfg.devMail {
		line += " (codes appear here and at " + issuer + devMailPath + ")"
	}
	return line
}

// serveHTTP serves until ctx ends, and then what is being served.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, logs slog.Handler) error {
	srv := &http.Server{
		Handler:           h,
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
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		logger.Warn("requests were cut off", "cause", err)
		return srv.Close()
	}
	return nil
}
