package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage/internal/sqlstore"
)

// transaction is a connection between BEGIN and COMMIT. database/sql has
// transactions, too, but would spend one more message on the settings.
type transaction struct {
	conn    *sqlx.Conn
	ctx     context.Context
	dialect *dialect
	failed  error // what a statement failed with: the server has given up on the transaction
	ended   bool
}

func (t *transaction) Get(dest any, query string, args ...any) (bool, error) {
	ok, err := get(t.ctx, t.conn, dest, t.dialect.text(query), args)
	return ok, t.note(err)
}

func (t *transaction) Select(dest any, query string, args ...any) error {
	return t.note(t.conn.SelectContext(t.ctx, dest, t.dialect.text(query), args...))
}

func (t *transaction) Exec(query string, args ...any) (int64, error) {
	rows, err := affected(t.conn.ExecContext(t.ctx, t.dialect.text(query), args...))
	return rows, t.note(err)
}

// note remembers that a statement failed.
func (t *transaction) note(err error) error {
	if err != nil && t.failed == nil {
		t.failed = translate(err, false)
	}
	return t.failed
}

// commit fails when a statement has failed, even if nobody cared: the server
// would roll back and not call that an error.
func (t *transaction) commit() error {
	if t.failed != nil {
		return t.failed
	}
	_, err := t.conn.ExecContext(t.ctx, "COMMIT")
	t.ended = err == nil
	return translate(err, true)
}

// end rolls back what was not committed. A connection that cannot even do that
// is not used again.
func (t *transaction) end() {
	if t.ended {
		return
	}
	if _, err := t.conn.ExecContext(t.ctx, "ROLLBACK"); err != nil {
		_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// get scans one row; ok is false when there is none.
func get(ctx context.Context, conn *sqlx.Conn, dest any, text string, args []any) (ok bool, err error) {
	if row, ok := dest.(sqlstore.Row); ok {
		err = conn.QueryRowContext(ctx, text, args...).Scan(row.Columns()...)
	} else {
		err = conn.GetContext(ctx, dest, text, args...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
