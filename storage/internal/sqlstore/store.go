// Package sqlstore is the part that the stores on SQLite and PostgreSQL
// share: the statements, one file each under queries, and the transactions
// they form. What differs between the two is behind [Database].
package sqlstore

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/mailkey/storage"
)

// Database runs statements. They are written with ? placeholders, in the
// subset of SQL that both databases share. What is between /*postgres and */ is
// for PostgreSQL alone, where others write at the same time, and what is between
// /*sqlite*/ and /**/ is not for PostgreSQL.
//
// Transactions take the rows that they write in one order, so that no two wait
// for each other: the address, the outbox, the challenge, the user, sessions,
// devices, counts; of limits, those with the smaller keys first. Where only one
// transaction holds the address, what comes after it may be in any order; a
// guess that holds a decoy takes no more than a challenge and a count. What
// writes many rows that it does not own skips those that somebody else is at.
type Database interface {
	// Read returns a connection for single statements that only read.
	Read(ctx context.Context) Conn

	// Write returns a connection for single statements, each of which is a
	// transaction.
	Write(ctx context.Context) Conn

	// WriteSoon is Write for what may be lost when the power fails a moment
	// after it returned, though not when the process dies: Exec does not wait
	// for the disk.
	WriteSoon(ctx context.Context) Conn

	// Transact runs f in a transaction and commits it when f returns nil. A row
	// that f has written, or read with FOR UPDATE, is nobody else's before f
	// ends, and each statement sees what was committed before it: whoever locks
	// first and reads then sees all that matters. f may run more than once and
	// must not keep the Conn.
	Transact(ctx context.Context, f func(Conn) error) error

	// TransactSoon is to Transact what WriteSoon is to Write.
	TransactSoon(ctx context.Context, f func(Conn) error) error
}

// Conn runs statements on behalf of one caller.
type Conn interface {
	// Get scans one row into dest, which may be a Row; ok is false when there is
	// none.
	Get(dest any, query string, args ...any) (ok bool, err error)
	// Select scans all rows into the slice that dest points to.
	Select(dest any, query string, args ...any) error
	// Exec reports how many rows were changed.
	Exec(query string, args ...any) (rows int64, err error)
}

// Row says where the columns of a row go, in their order. That is cheaper than
// finding the fields of a struct by their names, and worth it in a statement that
// every request waits for.
type Row interface{ Columns() []any }

// Store implements [storage.Store] on a Database.
type Store struct {
	db       Database
	captchas atomic.Int64 // how many were put
}

var _ storage.Store = (*Store)(nil)

// New returns a store on db, whose tables exist.
func New(db Database) *Store { return &Store{db: db} }

// get returns the one row of a query.
func get[T any](c Conn, query string, args ...any) (row T, ok bool, err error) {
	ok, err = c.Get(&row, query, args...)
	return row, ok, err
}

// exec is for statements of which it is known how many rows they change.
func exec(c Conn, query string, args ...any) error {
	_, err := c.Exec(query, args...)
	return err
}

// execOK reports whether a statement changed anything.
func execOK(c Conn, query string, args ...any) (bool, error) {
	n, err := c.Exec(query, args...)
	return n > 0, err
}

// millis is how times are stored; the zero time is NULL.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// moment is the reverse of millis.
func moment(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}
