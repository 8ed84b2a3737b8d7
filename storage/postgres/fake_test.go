package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
)

// fake is a server that answers statements as a test says.
type fake struct {
	answer func(ctx context.Context, conn int, statement string) error // runs alone
	mu     sync.Mutex
	sent   strings.Builder
	opened int
	closed int
}

// state is an error as drivers report it.
type state string

func (s state) Error() string    { return "SQLSTATE " + string(s) }
func (s state) SQLState() string { return string(s) }

// connected returns a database of one connection at a time to the server.
func (f *fake) connected(t *testing.T) *database {
	t.Helper()
	pool := sqlx.NewDb(sql.OpenDB(f), "pgx")
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return &database{pool: pool, dialect: dialect{schema: "my"}}
}

// log is what was sent since the last time, each with a space before it.
func (f *fake) log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.sent.Reset()
	return f.sent.String()
}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeConn{f, f.opened}, nil
}

func (f *fake) Driver() driver.Driver { return nil }

type fakeConn struct {
	*fake
	number int
}

func (c *fakeConn) send(ctx context.Context, statement string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return driver.ErrBadConn // as pgx does: it was not sent
	}
	if statement == begin {
		statement = "BEGIN"
	}
	c.sent.WriteString(" " + statement)
	if c.answer == nil {
		return nil
	}
	return c.answer(ctx, c.number, statement)
}

func (c *fakeConn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.send(ctx, query)
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	return noRows{}, c.send(ctx, query)
}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func (c *fakeConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("nothing is prepared")
}

func (c *fakeConn) Begin() (driver.Tx, error) {
	return nil, errors.New("no transaction of the driver's")
}

type noRows struct{}

func (noRows) Columns() []string         { return []string{"one"} }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return sql.ErrNoRows }

// failing answers a statement with the errors, one each time.
func failing(statement string, errs ...error) func(context.Context, int, string) error {
	errs = slices.Clone(errs)
	return func(_ context.Context, _ int, sent string) error {
		if sent != statement || len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = slices.Delete(errs, 0, 1)
		return err
	}
}
