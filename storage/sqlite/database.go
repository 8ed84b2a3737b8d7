package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

// database is one connection that writes and a pool of those that read.
type database struct {
	writer *sqlx.DB // at most one connection, which is conn
	conn   *sqlx.Conn
	tx     *sqlstore.Statements // on conn
	group  *group

	reader  *sqlx.DB
	reads   *sqlstore.Statements
	read    sqlstore.Conn // on reads
	reading chan struct{} // one for each statement that has a connection of the pool

	watch *watch
}

func newDatabase(ctx context.Context, writer, reader *sqlx.DB, watch *watch) (*database, error) {
	conn, err := writer.Connx(ctx)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	d := &database{
		writer: writer, conn: conn, tx: sqlstore.Prepare(conn),
		reader: reader, reads: sqlstore.Prepare(reader), watch: watch,
		reading: make(chan struct{}, reader.Stats().MaxOpenConnections),
	}
	d.read = d.reads.Conn(context.Background(), d.translate)
	d.group = newGroup(d.tx.Conn(context.Background(), d.translate), d.setSynchronous, watch.look)
	return d, nil
}

// Read implements [sqlstore.Database].
func (d *database) Read(ctx context.Context) sqlstore.Conn {
	if err := ctx.Err(); err != nil {
		return failed{err}
	}
	if err := d.watch.err(); err != nil {
		return failed{err}
	}
	return reading{ctx, d}
}

// setSynchronous decides whether commits wait for the disk. In WAL mode those
// that do not are made durable by the next one that does, and in any case are
// whole or not there.
func (d *database) setSynchronous(on bool) error {
	mode := "NORMAL"
	if on {
		mode = "FULL"
	}
	_, err := d.conn.ExecContext(context.Background(), "PRAGMA synchronous = "+mode)
	return d.translate(err)
}

// translate is the function of that name, which learns of damage.
func (d *database) translate(err error) error {
	if isDamage(err) {
		return d.watch.found(translate(err))
	}
	return translate(err)
}

// Write implements [sqlstore.Database].
func (d *database) Write(ctx context.Context) sqlstore.Conn { return single{ctx, d.group, true} }

// WriteSoon implements [sqlstore.Database].
func (d *database) WriteSoon(ctx context.Context) sqlstore.Conn { return single{ctx, d.group, false} }

// Transact implements [sqlstore.Database].
func (d *database) Transact(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.group.write(ctx, f, true)
}

// TransactSoon implements [sqlstore.Database].
func (d *database) TransactSoon(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.group.write(ctx, f, false)
}

func (d *database) close() error {
	d.group.close()
	return errors.Join(d.reads.Close(), d.reader.Close(), d.tx.Close(), d.conn.Close(), d.writer.Close())
}

// reading is a connection of the pool. A statement takes microseconds, so ctx is
// not asked during it, which would cost two goroutines. But those who have all
// the connections may wait for a disk that hangs: nobody waits for them for long.
type reading struct {
	ctx context.Context
	d   *database
}

func (r reading) begin() error {
	select {
	case r.d.reading <- struct{}{}:
		return nil
	default:
	}
	late := time.NewTimer(busyTimeout)
	defer late.Stop()
	select {
	case r.d.reading <- struct{}{}:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-late.C:
		return fmt.Errorf("%w: all connections that read are in use", storage.ErrBusy)
	}
}

func (r reading) end() { <-r.d.reading }

func (r reading) Get(dest any, query string, args ...any) (ok bool, err error) {
	if err := r.begin(); err != nil {
		return false, err
	}
	defer r.end()
	return r.d.read.Get(dest, query, args...)
}

func (r reading) Select(dest any, query string, args ...any) error {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.end()
	return r.d.read.Select(dest, query, args...)
}

func (r reading) Exec(query string, args ...any) (rows int64, err error) {
	if err := r.begin(); err != nil {
		return 0, err
	}
	defer r.end()
	return r.d.read.Exec(query, args...)
}

// single is a connection whose statements are transactions of their own.
type single struct {
	ctx   context.Context
	group *group
	sync  bool
}

func (s single) Get(dest any, query string, args ...any) (ok bool, err error) {
	err = s.group.write(s.ctx, func(c sqlstore.Conn) error {
		ok, err = c.Get(dest, query, args...)
		return err
	}, s.sync)
	return ok && err == nil, err
}

func (s single) Select(dest any, query string, args ...any) error {
	return s.group.write(s.ctx, func(c sqlstore.Conn) error { return c.Select(dest, query, args...) }, s.sync)
}

func (s single) Exec(query string, args ...any) (rows int64, err error) {
	err = s.group.write(s.ctx, func(c sqlstore.Conn) error {
		rows, err = c.Exec(query, args...)
		return err
	}, s.sync)
	return rows, err
}

// failed is a connection that was refused.
type failed struct{ err error }

func (f failed) Get(any, string, ...any) (bool, error) { return false, f.err }
func (f failed) Select(any, string, ...any) error      { return f.err }
func (f failed) Exec(string, ...any) (int64, error)    { return 0, f.err }
