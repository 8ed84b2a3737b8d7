package sqlite

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage/internal/sqlstore"
)

// database is one connection that writes and a pool of those that read.
type database struct {
	writer *sqlx.DB // at most one connection, which is conn
	conn   *sqlx.Conn
	tx     *sqlstore.Statements // on conn
	group  *group

	reader *sqlx.DB
	reads  *sqlstore.Statements
}

func newDatabase(ctx context.Context, writer, reader *sqlx.DB) (*database, error) {
	conn, err := writer.Connx(ctx)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	d := &database{
		writer: writer, conn: conn, tx: sqlstore.Prepare(conn),
		reader: reader, reads: sqlstore.Prepare(reader),
	}
	d.group = newGroup(d.tx.Conn(context.Background(), translate), d.setSynchronous)
	return d, nil
}

// Read implements [sqlstore.Database]. A statement takes microseconds, so ctx
// is asked before it and not during it, which would cost two goroutines.
func (d *database) Read(ctx context.Context) sqlstore.Conn {
	if err := ctx.Err(); err != nil {
		return failed{err}
	}
	return d.reads.Conn(context.WithoutCancel(ctx), translate)
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
	return translate(err)
}

// Write implements [sqlstore.Database].
func (d *database) Write(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.group.write(ctx, f, true)
}

// WriteSoon implements [sqlstore.Database].
func (d *database) WriteSoon(ctx context.Context, f func(sqlstore.Conn) error) error {
	return d.group.write(ctx, f, false)
}

func (d *database) close() error {
	d.group.close()
	return errors.Join(d.reads.Close(), d.reader.Close(), d.tx.Close(), d.conn.Close(), d.writer.Close())
}

// failed is a connection that was refused.
type failed struct{ err error }

func (f failed) Get(any, string, ...any) (bool, error) { return false, f.err }
func (f failed) Select(any, string, ...any) error      { return f.err }
func (f failed) Exec(string, ...any) (int64, error)    { return 0, f.err }
