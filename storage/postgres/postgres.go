// Package postgres keeps everything in PostgreSQL: the store for more than one
// instance.
//
//	db, err := sqlx.Open("pgx", os.Getenv("DATABASE_URL")) // import _ "github.com/jackc/pgx/v5/stdlib"
//	db.SetMaxOpenConns(16)
//	db.SetMaxIdleConns(16)
//	store, err := postgres.Open(ctx, db, "mailkey")
//
// The tables live in a schema of their own, beside the app's. The package
// imports no driver: it wants one for database/sql that takes $1 for a
// parameter and whose errors have a method SQLState, as those of
// github.com/jackc/pgx/v5 do.
//
// # Pool
//
// The pool has to be bounded, and all instances together have to stay below
// the server's max_connections, or what is over is refused. More than twice as
// many connections as the server has cores make nothing faster. Keep as many
// idle as open: the default of two has connections made and closed all the time.
// Who gets no connection within a second is told storage.ErrBusy. The pool may
// be shared with the app.
//
// # Transactions
//
// They run at READ COMMITTED, whatever the default of the database, and lock
// what they have to. A statement waits for at most one second for a lock
// (lock_timeout), and takes at most two (statement_timeout). A transaction that
// the server undid because of others (40001, 40P01, 55P03) is tried again, three
// times at most, after a short random pause; all of it takes at most five
// seconds, and the server ends one whose instance is silent for as long. Most
// verbs are one statement and no transaction around it: that is cancelled after
// two seconds.
//
// Nothing is tried again of which it is not certain that it was undone. When the
// connection is lost while something is being committed, the error is
// storage.ErrUncertain.
//
// A context ends the wait for a connection. What has begun is brought to its
// end: nobody takes back a guess by going away, and no connection is lost.
//
// # Poolers
//
// Nothing that is set or prepared outlives its transaction, so PgBouncer and its
// like may be in transaction mode. Then the driver must not prepare statements
// either: for pgx, add default_query_exec_mode=exec to the URL.
//
// # Durability
//
// What was answered is on the server's disk, and on its synchronous standbys',
// if synchronous_commit is on, as it is by default. What may as well be lost in
// a power failure does not wait for that: counted limits, captchas and tickets
// that were not used yet, signs of life.
//
// # Moving from SQLite
//
// Store.Import copies what a store of storage/sqlite holds: users, their
// sessions, the keys, what addresses remember.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

// Store is a storage.Store on PostgreSQL. It is safe for concurrent use, and
// has nothing to close: the pool is the caller's.
type Store struct {
	*sqlstore.Store
	db     *database
	schema string
}

var _ storage.Clock = (*Store)(nil)

// Open returns a store on the tables of a schema. They are made, or brought up
// to date, if need be; any number of instances may do that at once.
//
// ctx bounds opening alone.
func Open(ctx context.Context, pool *sqlx.DB, schema string) (*Store, error) {
	db, err := open(ctx, pool, schema)
	if err != nil {
		return nil, fmt.Errorf("open the schema %q: %w", schema, err)
	}
	return &Store{Store: sqlstore.New(db), db: db, schema: schema}, nil
}

// Clock implements [storage.Clock].
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	var at time.Time
	_, err := s.db.Read(ctx).Get(&at, "SELECT clock_timestamp()")
	return at, err
}

func open(ctx context.Context, pool *sqlx.DB, schema string) (*database, error) {
	if schema == "" || len(schema) > 63 { // the server would cut it
		return nil, errors.New("the name of a schema has 1 to 63 bytes")
	}
	if pool.Stats().MaxOpenConnections == 0 {
		return nil, errors.New("the pool is not bounded: call SetMaxOpenConns")
	}
	// Whatever the caller's driver is called, and however fields are named there.
	pool = sqlx.NewDb(pool.DB, "pgx")
	if err := migrate(ctx, pool, schema); err != nil {
		return nil, translate(err, false)
	}
	return &database{pool: pool, dialect: dialect{schema: quote(schema)}}, nil
}
