package integration

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/integration/services"
)

// What the first login of somebody costs a PostgreSQL server, from the captcha to
// the session, with the mail and what else is done in the background: messages to
// it, transactions that it commits, how often it waits for its disk, and what it
// writes there.
func BenchmarkPostgresLogin(b *testing.B) {
	// The disk is waited for by who needs it, and by nobody else.
	server := services.StartPostgres(b, "fsync=on", "wal_writer_delay=10s", "checkpoint_timeout=1h")
	var messages atomic.Int64
	proxy := services.StartProxy(b, server.Addr, func([]byte) services.Cut {
		messages.Add(1)
		return services.Pass
	})
	db := pool(b, strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), 16)
	store := openPostgres(b, db, "mailkey")
	kit := authtest.New(b, func(c *auth.Config) { c.Store, c.Logger = store, slog.New(slog.DiscardHandler) })
	own := pool(b, server.URL("postgres"), 1)
	before := costsOf(b, own)
	messages.Store(0)
	for b.Loop() {
		serve(b, kit, "POST", "login/email-verify-code", logins(b, kit, 1)[0], nil)
	}
	sent := messages.Load()
	kit.Stop()
	if err := db.Close(); err != nil { // a connection tells what it did when it ends, at the latest
		b.Fatal(err)
	}
	after := costsOf(b, own)
	for unit, n := range map[string]int64{
		"messages/op":     sent,
		"commits/op":      after.Commits - before.Commits,
		"syncs/op":        after.Syncs - before.Syncs,
		"written-rows/op": after.Rows - before.Rows,
		"WAL-bytes/op":    after.Bytes - before.Bytes,
	} {
		b.ReportMetric(float64(n)/float64(b.N), unit)
	}
}

// costs are what a server has spent so far.
type costs struct{ Commits, Syncs, Rows, Bytes int64 }

func costsOf(b *testing.B, db *sqlx.DB) (c costs) {
	b.Helper()
	err := db.GetContext(b.Context(), &c, `
		SELECT xact_commit AS commits, wal_sync AS syncs, pg_current_wal_lsn() - '0/0' AS bytes,
		       tup_inserted + tup_updated + tup_deleted AS rows
		  FROM pg_stat_database, pg_stat_wal WHERE datname = current_database()`)
	if err != nil {
		b.Fatal(err)
	}
	return c
}
