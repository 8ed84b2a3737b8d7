// Command cluster is the example for more than one instance: it is the same
// server, and -database may also be the URL of a PostgreSQL database, which all
// instances share. They share the secret, too. See docs/cluster.md.
//
//	go run ./example/cluster -database postgres://… -secret-file mailkey.secret
//
// With -import it moves everything over from a SQLite file, and ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/example/internal/server"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/sqlite"
)

func main() { server.Main(new(database)) }

// database is a PostgreSQL database for the server.
type database struct {
	pool   int
	schema string
	from   string // the file to import from, instead of serving
}

// Flags implements [server.Database].
func (d *database) Flags(fs *flag.FlagSet) {
	fs.Lookup("database").Usage = "postgres:// `URL` of the database that the instances share (better in MAILKEY_DATABASE, if it has a password),\n" +
		"or a SQLite file, created when it does not exist"
	fs.IntVar(&d.pool, "pool", 16, "`number` of connections to PostgreSQL; those of all instances have to stay below its max_connections")
	fs.StringVar(&d.schema, "schema", "mailkey", "`name` of the schema in PostgreSQL that the tables are in, created when it does not exist")
	fs.StringVar(&d.from, "import", "", "SQLite `file` to copy into a PostgreSQL schema that no instance has used yet, instead of serving")
}

// Check implements [server.Database].
func (d *database) Check(database string) (mine bool, err error) {
	if !strings.HasPrefix(database, "postgres://") && !strings.HasPrefix(database, "postgresql://") {
		if d.from != "" {
			return true, errors.New("-import needs the postgres:// URL to import into as -database")
		}
		return false, nil
	}
	if d.pool < 1 {
		return true, fmt.Errorf("-pool: %d is not 1 or more", d.pool)
	}
	return true, nil
}

// Open implements [server.Database].
func (d *database) Open(ctx context.Context, database string, stdout io.Writer) (server.Store, error) {
	pool, err := sqlx.Open("pgx", database)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(d.pool)
	pool.SetMaxIdleConns(d.pool)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	s, err := postgres.Open(ctx, pool, d.schema)
	if err == nil && d.from != "" {
		err = importFrom(ctx, d.from, s, stdout)
	}
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return store{s, pool}, nil
}

// store closes its pool.
type store struct {
	*postgres.Store
	pool *sqlx.DB
}

// Close implements [server.Store].
func (s store) Close() error { return s.pool.Close() }

// importFrom copies a SQLite file and says what was in it. The error is
// ErrDone when all is well.
func importFrom(ctx context.Context, file string, to *postgres.Store, stdout io.Writer) (err error) {
	if _, err := os.Stat(file); err != nil { // would be made
		return err
	}
	from, err := sqlite.Open(ctx, file) // after its server was stopped
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	imported, err := to.Import(ctx, from) // says how many rows of which table
	if err != nil {
		return err
	}
	for _, i := range imported {
		fmt.Fprintf(stdout, "%s: %d\n", i.Table, i.Rows)
	}
	return server.ErrDone
}
