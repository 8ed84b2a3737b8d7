package sqlite

import (
	"context"
	"reflect"

	"example.com/mailkey/storage/internal/sqlstore"
)

// OpenTraced opens a store that tells of each of its statements, with how many
// rows it found or changed.
func OpenTraced(ctx context.Context, path string, tell func(statement string, rows int64)) (*Store, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Store{Store: sqlstore.New(traced{db, tell}), db: db}, nil
}

type traced struct {
	*database
	tell func(string, int64)
}

func (d traced) Read(ctx context.Context) sqlstore.Conn {
	return tracedConn{d.database.Read(ctx), d.tell}
}

func (d traced) Write(ctx context.Context) sqlstore.Conn {
	return tracedConn{d.database.Write(ctx), d.tell}
}

func (d traced) WriteSoon(ctx context.Context) sqlstore.Conn {
	return tracedConn{d.database.WriteSoon(ctx), d.tell}
}

func (d traced) Transact(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.transact(d.database.Transact(ctx, d.inside(f)))
}

func (d traced) TransactSoon(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.transact(d.database.TransactSoon(ctx, d.inside(f)))
}

func (d traced) inside(f func(sqlstore.Conn) error) func(sqlstore.Conn) error {
	return func(c sqlstore.Conn) error {
		d.tell("BEGIN", 0)
		return f(tracedConn{c, d.tell})
	}
}

func (d traced) transact(err error) error {
	if err != nil {
		d.tell("ROLLBACK", 0)
	} else {
		d.tell("COMMIT", 0)
	}
	return err
}

type tracedConn struct {
	sqlstore.Conn
	tell func(string, int64)
}

func (c tracedConn) Get(dest any, query string, args ...any) (ok bool, err error) {
	ok, err = c.Conn.Get(dest, query, args...)
	rows := int64(0)
	if ok {
		rows = 1
	}
	c.tell(query, rows)
	return ok, err
}

func (c tracedConn) Select(dest any, query string, args ...any) error {
	err := c.Conn.Select(dest, query, args...)
	c.tell(query, int64(reflect.ValueOf(dest).Elem().Len()))
	return err
}

func (c tracedConn) Exec(query string, args ...any) (rows int64, err error) {
	rows, err = c.Conn.Exec(query, args...)
	c.tell(query, rows)
	return rows, err
}
