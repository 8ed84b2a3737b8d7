package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Source is a store to import from: a *sqlite.Store.
type Source interface {
	// Export calls f with a transaction in which the tables can be read as they
	// were at one moment.
	Export(ctx context.Context, f func(*sqlx.Tx) error) error
}

// Imported says how much of a table was copied.
type Imported struct {
	Table string
	Rows  int
}

// imports are the tables that are copied: all but what lives for minutes
// (captchas, tickets, the sign of life) and what the migrations have put there
// (locks, and the decoys with keys of one byte). A row is JSON on its way:
// PostgreSQL takes the columns from it by name.
var imports = []struct{ table, read, write string }{
	{"keys", "SELECT * FROM keys", "INSERT INTO keys SELECT * FROM json_populate_recordset(NULL::keys, $1)"},
	{"users", "SELECT * FROM users", "INSERT INTO users SELECT * FROM json_populate_recordset(NULL::users, $1)"},
	{"sessions", "SELECT * FROM sessions", "INSERT INTO sessions SELECT * FROM json_populate_recordset(NULL::sessions, $1)"},
	{"addresses", "SELECT * FROM addresses WHERE length(key) > 1", "INSERT INTO addresses SELECT * FROM json_populate_recordset(NULL::addresses, $1)"},
	{"devices", "SELECT * FROM devices", "INSERT INTO devices SELECT * FROM json_populate_recordset(NULL::devices, $1)"},
	{"challenges", "SELECT * FROM challenges WHERE length(binding) > 1", "INSERT INTO challenges SELECT * FROM json_populate_recordset(NULL::challenges, $1)"},
	{"failure_hours", "SELECT * FROM failure_hours", "INSERT INTO failure_hours SELECT * FROM json_populate_recordset(NULL::failure_hours, $1)"},
	{"limits", "SELECT * FROM limits", "INSERT INTO limits SELECT * FROM json_populate_recordset(NULL::limits, $1)"},
}

// importBatch is how many rows go into one statement.
const importBatch = 500

// Import copies from another store, whose server has to be stopped before: what
// happens there afterwards would be lost, and sessions that end there would go on
// here. The schema must not have been used yet; no instance may have started on
// it. Everything is copied or nothing.
//
// Under the same Secret nothing changes for anybody: users keep their ids and
// sessions, id_tokens stay valid, codes that are out work, with as many guesses
// as were left, mails that wait are delivered, and no failure and no limit is
// forgotten. Only who is looking at a captcha needs another one.
func (s *Store) Import(ctx context.Context, from Source) ([]Imported, error) {
	var done []Imported
	err := from.Export(ctx, func(source *sqlx.Tx) error {
		tx, err := s.db.pool.BeginTxx(ctx, nil)
		if err != nil {
			return err
		}
		if done, err = importIn(ctx, tx, s.schema, source); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	if err != nil {
		return nil, fmt.Errorf("import into the schema %q: %w", s.schema, err)
	}
	return done, nil
}

func importIn(ctx context.Context, tx *sqlx.Tx, schema string, source *sqlx.Tx) ([]Imported, error) {
	if err := alone(ctx, tx, schema); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "SET LOCAL search_path = "+quote(schema)); err != nil {
		return nil, err
	}
	// Keys are what an instance makes first: without them there is nothing else,
	// and whoever starts now waits with making some.
	if _, err := tx.ExecContext(ctx, "LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return nil, err
	}
	var used bool
	if err := tx.GetContext(ctx, &used, "SELECT count(*) > 0 FROM keys"); err != nil {
		return nil, err
	}
	if used {
		return nil, errors.New("an instance has used it already")
	}
	var done []Imported
	for _, i := range imports {
		n, err := copyRows(ctx, tx, i.write, source, i.read)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i.table, err)
		}
		done = append(done, Imported{i.table, n})
	}
	return done, nil
}

func copyRows(ctx context.Context, tx *sqlx.Tx, write string, source *sqlx.Tx, read string) (n int, err error) {
	rows, err := source.QueryxContext(ctx, read)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var batch []map[string]any
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		doc, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		batch = batch[:0]
		_, err = tx.ExecContext(ctx, write, string(doc))
		return err
	}
	for rows.Next() {
		row := make(map[string]any)
		if err := rows.MapScan(row); err != nil {
			return 0, err
		}
		for column, value := range row {
			if b, ok := value.([]byte); ok {
				row[column] = `\x` + hex.EncodeToString(b) // as PostgreSQL writes bytes
			}
		}
		batch = append(batch, row)
		if n++; len(batch) == importBatch {
			if err := flush(); err != nil {
				return 0, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	return n, flush()
}
