package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables of the schema up to date, in one transaction:
// whoever is killed in the middle of it has done nothing.
func migrate(ctx context.Context, pool *sqlx.DB, schema string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	tx, err := pool.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	if err := migrateIn(ctx, tx, schema, files); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// alone begins the transaction: it waits until nobody else migrates the schema
// or imports into it, however long that takes (ctx is what ends it), and sees
// what they did. Afterwards it waits for a table for a while only, since all who
// use the table wait behind it.
func alone(ctx context.Context, tx *sqlx.Tx, schema string) error {
	const patient = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; " +
		"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
	if _, err := tx.ExecContext(ctx, patient); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('mailkey'), hashtext($1))", schema); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = '10s'")
	return err
}

func migrateIn(ctx context.Context, tx *sqlx.Tx, schema string, files fs.FS) error {
	if err := alone(ctx, tx, schema); err != nil {
		return err
	}
	var found struct {
		Encoding string `db:"encoding"`
		Schema   bool   `db:"schema"`
		Versions bool   `db:"versions"`
	}
	if err := tx.GetContext(ctx, &found, `SELECT current_setting('server_encoding') AS encoding,
		to_regnamespace($1) IS NOT NULL AS schema, to_regclass($1 || '.mailkey_migrations') IS NOT NULL AS versions`,
		quote(schema)); err != nil {
		return err
	}
	if found.Encoding != "UTF8" {
		return fmt.Errorf("the encoding of the database is %s: it has to be UTF8", found.Encoding)
	}
	if !found.Schema { // no IF NOT EXISTS, which asks for the right to create it even if it is there
		if _, err := tx.ExecContext(ctx, "CREATE SCHEMA "+quote(schema)); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "SET LOCAL search_path = "+quote(schema)); err != nil {
		return err
	}
	err := sqlstore.Migrate(ctx, tx, found.Versions, files)
	if errors.Is(err, sqlstore.ErrNewer) {
		return nil // while instances are replaced one by one; nothing that they need is ever taken away
	}
	return err
}
