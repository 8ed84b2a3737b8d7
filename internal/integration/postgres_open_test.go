package integration

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/storagetest"
)

// as is the URL with another user.
func as(tb testing.TB, raw, user string) string {
	tb.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.User(user)
	return u.String()
}

// works checks that a store reads and writes.
func works(tb testing.TB, store *postgres.Store) {
	tb.Helper()
	now := time.UnixMilli(1_800_000_000_000).UTC()
	if err := store.Beat(tb.Context(), now); err != nil {
		tb.Error(err)
	}
	if at, err := store.LastBeat(tb.Context()); err != nil || !at.Equal(now) {
		tb.Errorf("last beat %v, %v", at, err)
	}
}

// Twenty instances start at once, and one is killed in the middle of making the
// tables. They see each other's tables whatever the database's isolation level is.
func TestFault_R34_PostgresMigration(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	execute(t, pool(t, server.URL("postgres"), 1), "ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'")
	db := pool(t, server.URL("postgres"), 25)

	// Somebody holds the name of a table back, and with it the migration.
	execute(t, db, "CREATE SCHEMA mailkey")
	other, err := db.BeginTxx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("CREATE TABLE mailkey.keys ()"); err != nil {
		t.Fatal(err)
	}
	killed := make(chan error, 1)
	go func() {
		_, err := postgres.Open(context.Background(), db, "mailkey")
		killed <- err
	}()
	const inTheMiddle = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%CREATE TABLE captchas%'"
	eventually(t, func() bool { return ask[int](t, db, "SELECT count(*) "+inTheMiddle) == 1 })
	execute(t, db, "SELECT pg_terminate_backend(pid) "+inTheMiddle)
	if err := <-killed; err == nil {
		t.Error("the migration ended well")
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'mailkey'"); n != 0 {
		t.Errorf("%d tables were left behind", n)
	}

	var all sync.WaitGroup
	stores := make([]*postgres.Store, 20)
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = postgres.Open(context.Background(), db, "mailkey"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	works(t, stores[0])
	if n := ask[int](t, db, "SELECT count(*) FROM mailkey.mailkey_migrations"); n < 1 {
		t.Errorf("%d migrations", n)
	}
}

// eventually waits for what another process does.
func eventually(tb testing.TB, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("it does not happen")
		}
	}
}

// Stores in schemas of one database do not see each other, whatever the names
// are.
func TestPostgresSchemas(t *testing.T) {
	t.Parallel()
	db := pool(t, services.StartPostgres(t).URL("postgres"), 5)
	execute(t, db, "CREATE TABLE users (id INT)", "CREATE TABLE sessions (id INT)")
	for i, schema := range []string{"public", "mailkey", `Ann's "own" $1 ?`} {
		if schema == "public" {
			execute(t, db, "DROP TABLE users, sessions")
		}
		store := openPostgres(t, db, schema)
		if ok, err := store.SaveKeys(t.Context(), []byte(schema), 0); err != nil || !ok {
			t.Fatal(i, ok, err)
		}
		if sealed, _, err := openPostgres(t, db, schema).LoadKeys(t.Context()); err != nil || string(sealed) != schema {
			t.Errorf("%q, %v", sealed, err)
		}
	}
}

func TestPostgresOpenRefuses(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	db := pool(t, server.URL("postgres"), 5)
	execute(t, db, "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1", "CREATE ROLE guest LOGIN")
	unbounded, err := sqlx.Open("pgx", server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer unbounded.Close()
	for _, row := range []struct {
		name   string
		db     *sqlx.DB
		schema string
		want   string
	}{
		{"no schema", db, "", "1 to 63 bytes"},
		{"a name that the server would cut", db, strings.Repeat("a", 64), "1 to 63 bytes"},
		{"a pool without a bound", unbounded, "mailkey", "SetMaxOpenConns"},
		{"texts that cannot be kept", pool(t, server.URL("latin"), 5), "mailkey", "has to be UTF8"},
		{"a role that may not make a schema", pool(t, as(t, server.URL("postgres"), "guest"), 5), "mailkey", "permission denied"},
		{"no such database", pool(t, server.URL("nowhere"), 5), "mailkey", "does not exist"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), row.db, row.schema)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

// While instances are replaced one by one, those of the version before go on,
// and are even started.
func TestFault_R33_PostgresNewer(t *testing.T) {
	t.Parallel()
	db := pool(t, services.StartPostgres(t).URL("postgres"), 5)
	openPostgres(t, db, "mailkey")
	execute(t, db, "INSERT INTO mailkey.mailkey_migrations (version) VALUES (999)", "ALTER TABLE mailkey.beats ADD COLUMN another INT")
	works(t, openPostgres(t, db, "mailkey"))
}

// The statements of docs/postgresql.md give the roles what they need, and the
// one that serves requests nothing else.
func TestPostgresAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of SQL", len(blocks))
	}
	server := services.StartPostgres(t)
	setup := func(database string, blocks ...[][]byte) (url string) {
		execute(t, pool(t, server.URL("postgres"), 1), "CREATE DATABASE "+database)
		db := pool(t, server.URL(database), 1)
		for _, b := range blocks {
			execute(t, db, string(b[1]))
		}
		return server.URL(database)
	}
	t.Run("one role", func(t *testing.T) {
		url := setup("simple", blocks[0], blocks[2])
		db := pool(t, as(t, url, "mailkey"), 5)
		works(t, openPostgres(t, db, "mailkey"))
		if got := ask[string](t, db, "SHOW lock_timeout"); got != "1s" {
			t.Errorf("lock_timeout is %s", got)
		}
	})
	t.Run("two roles", func(t *testing.T) {
		url := setup("strict", blocks[1])
		app := pool(t, as(t, url, "mailkey_app"), 5)
		if _, err := postgres.Open(t.Context(), app, "mailkey"); err == nil {
			t.Error("the app made the tables")
		}
		openPostgres(t, pool(t, as(t, url, "mailkey_owner"), 5), "mailkey")
		storagetest.RunRandom(t, func(t *testing.T) storage.Store { return openPostgres(t, app, "mailkey") }, 1, 500)
		if _, err := app.ExecContext(t.Context(), "DROP TABLE mailkey.beats"); err == nil {
			t.Error("the app can drop tables")
		}
	})
}
