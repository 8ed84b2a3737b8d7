package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
)

// Export calls f with a transaction in which the tables can be read as they were
// at one moment. It is what Store.Import of storage/postgres reads from.
func (s *Store) Export(ctx context.Context, f func(*sqlx.Tx) error) error {
	tx, err := s.db.reader.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}
