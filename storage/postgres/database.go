package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

// How long things may take: the package comment tells operators.
const (
	poolTimeout        = time.Second     // until there is a connection
	lockTimeout        = time.Second     // in a transaction; by the server
	statementTimeout   = 2 * time.Second // in a transaction by the server, alone by the client
	transactionTimeout = 5 * time.Second // with all tries by the client; the server ends one that is idle for as long

	tries    = 4
	maxPause = 20 * time.Millisecond // after the first try; then twice as long each time
)

// begin and beginSoon go out as one message. What they set ends with the
// transaction: a pooler may give the connection to anybody afterwards.
var (
	begin = fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = %d; "+
		"SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d",
		lockTimeout.Milliseconds(), statementTimeout.Milliseconds(), transactionTimeout.Milliseconds())
	beginSoon = begin + "; SET LOCAL synchronous_commit = off"
)

// database runs statements on a pool of connections.
type database struct {
	pool *sqlx.DB
	dialect
}

// Read implements [sqlstore.Database].
func (d *database) Read(ctx context.Context) sqlstore.Conn { return &single{db: d, ctx: ctx} }

// Write implements [sqlstore.Database].
func (d *database) Write(ctx context.Context) sqlstore.Conn {
	return &single{db: d, ctx: ctx, writes: true}
}

// WriteSoon implements [sqlstore.Database].
func (d *database) WriteSoon(ctx context.Context) sqlstore.Conn {
	return &single{db: d, ctx: ctx, writes: true, soon: true}
}

// Transact implements [sqlstore.Database].
func (d *database) Transact(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.transact(ctx, begin, f)
}

// TransactSoon implements [sqlstore.Database].
func (d *database) TransactSoon(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.transact(ctx, beginSoon, f)
}

// do does work on a connection, and again when it was undone for a reason that
// passes.
//
// ctx ends the wait for a connection. What has begun is brought to its end:
// interrupting a statement costs the connection, and nobody is to take back a
// guess by going away.
func (d *database) do(ctx context.Context, timeout time.Duration, work func(context.Context, *sqlx.Conn) error) error {
	deadline := time.Now().Add(timeout)
	for try := 1; ; try++ {
		err := d.try(ctx, deadline, work)
		if f, ok := errors.AsType[*failure](err); !ok || !f.again || try == tries || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause(try)):
		}
	}
}

func (d *database) try(ctx context.Context, deadline time.Time, work func(context.Context, *sqlx.Conn) error) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	return work(ctx, conn)
}

// connect waits for a connection.
func (d *database) connect(ctx context.Context) (*sqlx.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	conn, err := d.pool.Connx(wait)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, &failure{means: storage.ErrBusy, cause: fmt.Errorf("connect: %w", err)}
}

// pause is random, so that those who were in each other's way are not again.
func pause(try int) time.Duration {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails
	return maxPause << (try - 1) * time.Duration(b[0]) / 256
}

func (d *database) transact(ctx context.Context, begin string, f func(sqlstore.Conn) error) error {
	return d.do(ctx, transactionTimeout, func(ctx context.Context, conn *sqlx.Conn) error {
		tx := &transaction{conn: conn, ctx: ctx, dialect: &d.dialect}
		defer tx.end()
		if _, err := conn.ExecContext(ctx, begin); err != nil {
			return translate(err, false)
		}
		if err := f(tx); err != nil {
			return err
		}
		return tx.commit()
	})
}

// single is a connection whose statements are transactions of their own.
type single struct {
	db     *database
	ctx    context.Context
	writes bool
	soon   bool // Exec does not wait for the disk
}

func (s *single) Get(dest any, query string, args ...any) (ok bool, err error) {
	err = s.do(func(ctx context.Context, conn *sqlx.Conn) error {
		ok, err = get(ctx, conn, dest, s.db.text(query), args)
		return err
	})
	return ok && err == nil, err
}

func (s *single) Select(dest any, query string, args ...any) error {
	return s.do(func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.SelectContext(ctx, dest, s.db.text(query), args...)
	})
}

func (s *single) Exec(query string, args ...any) (rows int64, err error) {
	text := s.db.text(query)
	if s.soon {
		text += notDurable
	}
	err = s.do(func(ctx context.Context, conn *sqlx.Conn) error {
		rows, err = affected(conn.ExecContext(ctx, text, args...))
		return err
	})
	return rows, err
}

func (s *single) do(work func(context.Context, *sqlx.Conn) error) error {
	return s.db.do(s.ctx, statementTimeout, func(ctx context.Context, conn *sqlx.Conn) error {
		return translate(work(ctx, conn), s.writes)
	})
}
