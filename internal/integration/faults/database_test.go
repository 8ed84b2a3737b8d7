package faults_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// database is one that servers are started on, and tests look into.
type database struct {
	args        []string // of the server
	driver, dsn string
	file        string // of SQLite
}

// onEachDatabase runs a test on each kind of database. fresh makes an empty one.
func onEachDatabase(t *testing.T, f func(t *testing.T, fresh func(testing.TB) database)) {
	t.Parallel()
	for name, fresh := range map[string]func(testing.TB) database{"sqlite": freshSQLite, "postgres": freshPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, fresh)
		})
	}
}

func freshSQLite(tb testing.TB) database { return sqliteIn(tb.TempDir()) }

func freshPostgres(tb testing.TB) database {
	tb.Helper()
	return postgresAt(shared.postgresURL(tb))
}

func sqliteIn(dir string) database {
	file := filepath.Join(dir, "mailkey.db")
	return database{
		args: []string{"-database", file}, file: file,
		driver: "sqlite", dsn: "file:" + file + "?_pragma=busy_timeout(5000)",
	}
}

var schemas atomic.Int64

// postgresAt is a schema of its own on a server.
func postgresAt(at string) database {
	schema := fmt.Sprint("faults_", schemas.Add(1))
	u, _ := url.Parse(at) // was made by a program
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return database{args: []string{"-database", at, "-schema", schema}, driver: "pgx", dsn: u.String()}
}

// with returns the database for servers with further arguments.
func (d database) with(args ...string) database {
	d.args = append(append([]string(nil), d.args...), args...)
	return d
}

// open opens the database beside a server that runs.
func (d database) open(tb testing.TB) *sql.DB {
	tb.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(2)
	return db
}

// exec runs statements beside a server.
func (d database) exec(tb testing.TB, statements ...string) {
	tb.Helper()
	db := d.open(tb)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// number is the one value of a query.
func (d database) number(tb testing.TB, query string) (n int) {
	tb.Helper()
	db := d.open(tb)
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n
}
