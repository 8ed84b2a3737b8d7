// Package server is the example: the whole of mailkey in one process, and a
// page to try it by hand. There are two programs of it, example on SQLite and
// example/cluster, which knows PostgreSQL, too.
//
// Read server.go first: it is what an app of your own needs.
package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Main runs the server as a program, on SQLite or one of the other kinds of
// database, and ends the process.
func Main(others ...Database) { os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr, others)) }

// run returns the exit status: 0 after a clean end, 1 when the server could
// not start or broke down, 2 when the flags are wrong.
func run(args []string, env func(string) string, stdout, stderr io.Writer, others []Database) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	cfg, err := parseConfig(args, env, stdout, others)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		complain(stderr, err)
		return 2
	}
	if err := serve(ctx, cfg, stdout, slog.NewTextHandler(stderr, nil)); err != nil && !errors.Is(err, ErrDone) {
		complain(stderr, err)
		return 1
	}
	return 0
}

// complain writes joined errors a line each.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "mailkey: %s\n", strings.TrimRight(line, "\n"))
	}
}
