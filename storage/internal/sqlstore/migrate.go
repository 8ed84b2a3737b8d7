package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/failpoint"
)

// ErrNewer says that a database was written by a newer version of mailkey.
var ErrNewer = errors.New("the database was made by a newer version of mailkey: upgrade the program, or restore a backup from before")

// Migrate brings the tables up to date. It runs inside a transaction that
// excludes every other migration, and does nothing when there is nothing to
// do. Each file of migrations is applied once, in the order of the names;
// files are only ever added. begun says whether there is the table of versions,
// mailkey_migrations.
func Migrate(ctx context.Context, tx sqlx.ExtContext, begun bool, migrations fs.FS) error {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	if !begun {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE mailkey_migrations (version INTEGER PRIMARY KEY)`); err != nil {
			return err
		}
	}
	var done int
	if err := sqlx.GetContext(ctx, tx, &done, `SELECT coalesce(max(version), 0) FROM mailkey_migrations`); err != nil {
		return err
	}
	if done > len(files) {
		return fmt.Errorf("%w (its version is %d, this program knows %d)", ErrNewer, done, len(files))
	}
	for i := done; i < len(files); i++ {
		text, err := fs.ReadFile(migrations, files[i])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", files[i], err)
		}
		if err := failpoint.Hit("migrate: file applied"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO mailkey_migrations (version) VALUES (?)`), i+1); err != nil {
			return err
		}
	}
	return nil
}
