package house

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/sqlite"
)

// Database is an empty store, and what is beneath it.
type Database struct {
	Connect func() storage.Store // for one more instance

	// The tables, and all that is copied from them: backups, what a replica gets
	// to see. A store in memory has neither.
	Rows   *sqlx.DB
	Copies func() map[string][]byte
}

// databases are those that keep rows, and stores are all there are.
var (
	databases = map[string]func(*testing.T) Database{"sqlite": SQLite, "postgres": Postgres}
	stores    = map[string]func(*testing.T) Database{"memory": Memory, "sqlite": SQLite, "postgres": Postgres}
)

// Memory is a store in memory, which all instances share.
func Memory(*testing.T) Database {
	store := memory.New()
	return Database{Connect: func() storage.Store { return store }}
}

// SQLite is a file, which all instances share as one process.
func SQLite(t *testing.T) Database {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	rows := pool(t, "sqlite", path+"?_pragma=busy_timeout(10000)", 1)
	return Database{
		Connect: func() storage.Store { return store },
		Rows:    rows,
		Copies: func() map[string][]byte {
			t.Helper()
			backup := filepath.Join(dir, fmt.Sprint("backup ", schemas.Add(1)))
			if _, err := rows.ExecContext(t.Context(), "VACUUM INTO ?", backup); err != nil {
				t.Fatal(err)
			}
			return map[string][]byte{"a backup": read(t, backup), "the file": read(t, path), "the log": read(t, path+"-wal")}
		},
	}
}

// Postgres is a schema on a server, to which every instance has connections of
// its own. All of them are free at the end.
func Postgres(t *testing.T) Database {
	t.Helper()
	server, schema := sharedPostgres(t), fmt.Sprint("house ", schemas.Add(1))
	url := server.URL("postgres")
	rows := pool(t, "pgx", url, 1)
	if _, err := rows.ExecContext(t.Context(), `SET search_path TO "`+schema+`"`); err != nil {
		t.Fatal(err)
	}
	return Database{
		Connect: func() storage.Store {
			store, err := postgres.Open(t.Context(), pool(t, "pgx", url, 16), schema)
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		Rows: rows,
		Copies: func() map[string][]byte {
			t.Helper()
			return map[string][]byte{"a backup": server.Dump(t, "postgres", schema), "the log": server.WAL(t)}
		},
	}
}

var schemas atomic.Int64

// pool opens a pool of connections. All of them are free at the end.
func pool(t *testing.T, driver, source string, size int) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	t.Cleanup(func() {
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections are still in use", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
