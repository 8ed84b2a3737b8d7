// Package sqlite keeps everything in one SQLite file, without cgo: the
// default store.
//
//	store, err := sqlite.Open(ctx, "mailkey.db")
//
// The file belongs to one process: several may use it at once and stay
// correct, but SQLite's locks are not fair, so the others crawl. Where more
// than one instance is needed, use storage/postgres.
//
// What was answered is on the disk (WAL, synchronous=FULL), but for what may as
// well be lost when the power fails: counted limits, captchas and tickets that
// were not used yet, signs of life. Changes that arrive together share one
// commit, so durability costs little under load. Backups are taken as with any
// SQLite file in WAL mode, for example with VACUUM INTO from another connection;
// never by copying the file alone.
//
// A file that is damaged, as far as that can be seen within a second (of some
// 500 MB) and without comparing every index, is not opened; to look at all of a
// larger one, run PRAGMA integrity_check on a backup of it. When damage is found
// later, or the file or its log is removed or replaced while it is open, every
// call fails with storage.ErrBusy and says why, until the program is started
// anew. Nothing can be seen of a log that was cut short: that is the state of an
// earlier moment.
package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	moderncsqlite "modernc.org/sqlite"

	"database/sql"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer says that the file was written by a newer version of mailkey.
var ErrNewer = sqlstore.ErrNewer

// Store is a storage.Store on a SQLite file. It is safe for concurrent use.
type Store struct {
	*sqlstore.Store
	db *database
}

// Open opens the database, which is created, readable for its owner only,
// when it does not exist. Tables are brought up to date; several processes may
// do that at the same time. It refuses a file that others can read, a symbolic
// link, a file that is gone while its log is there, and a file that a newer
// version wrote ([ErrNewer]).
//
// ctx bounds opening alone.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &Store{Store: sqlstore.New(db), db: db}, nil
}

// Close waits for running statements and closes the file. Calls after Close
// fail.
func (s *Store) Close() error { return s.db.close() }

func open(ctx context.Context, path string) (*database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	writer, err := connect(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"1"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	if err := begin(ctx, writer); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	watch, err := newWatch(path)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader, err := connect(path, url.Values{"_query_only": {"1"}})
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	readers := min(max(4, 2*runtime.GOMAXPROCS(0)), 32) // each is some time to open, and has files of its own
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	if err := openAll(ctx, reader, readers); err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	return newDatabase(ctx, writer, reader, watch)
}

// openAll makes all connections of a pool, which then are there for good. One
// that is opened later may be to another file under the same name, beside which
// is the log of this one: SQLite applies it, or removes it when the file is
// empty, and with it what was answered.
func openAll(ctx context.Context, pool *sqlx.DB, n int) error {
	conns := make([]*sqlx.Conn, n)
	for i := range conns {
		var err error
		if conns[i], err = pool.Connx(ctx); err != nil {
			return err
		}
		defer conns[i].Close()
		if _, err = conns[i].ExecContext(ctx, "SELECT count(*) FROM sqlite_master"); err != nil { // this is when it opens the log
			return translate(err)
		}
	}
	return nil
}

// busyTimeout is how long to wait for a lock that another process has.
const busyTimeout = 5 * time.Second

// connect opens a pool. The settings are checked by the driver before any of
// them is applied.
func connect(path string, settings url.Values) (*sqlx.DB, error) {
	settings.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	settings.Set("_dqs", "0")
	settings.Set("mode", "rw") // if it was removed meanwhile, do not make another
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}
	connector, err := moderncsqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	return sqlx.NewDb(sql.OpenDB(connector), "sqlite3"), nil
}

// begin makes the first connection, and prepares the file. SQLite's busy timeout
// does not cover the switch to WAL: of processes that make it at the same time,
// one is refused at once and tries again.
func begin(ctx context.Context, db *sqlx.DB) error {
	late := time.After(busyTimeout)
	for {
		err := translate(prepare(ctx, db))
		if !errors.Is(err, storage.ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-late:
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkTime is how long Open may look whether the file is whole. It looks at
// every page, some 500 MB in a second, and a file may have many gigabytes. To
// look only after a crash would not help: a crash does not damage a file in WAL
// mode and disks do not wait for one, and it is then that a start has to be
// quick. Damage further on is noticed when it is read.
const checkTime = time.Second

// prepare looks whether the file is whole, as far as that can be seen in a
// while, and brings the tables up to date.
func prepare(ctx context.Context, db *sqlx.DB) error {
	if err := check(ctx, db, checkTime); err != nil {
		return err
	}
	return migrate(ctx, db)
}

// check looks for damage, for so long at most. What an index says is not
// compared with its table, which would take ten times as long.
func check(ctx context.Context, db *sqlx.DB, within time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var found string
	err := db.GetContext(limited, &found, "PRAGMA quick_check(1)")
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil && !isDamage(err):
		return nil // what was seen of it is whole
	case err != nil:
		return err
	case found != "ok":
		return fmt.Errorf("the file is damaged, restore a backup: %s", found)
	}
	return nil
}

func migrate(ctx context.Context, db *sqlx.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	tx, err := db.BeginTxx(ctx, nil) // immediate: the other process waits here
	if err != nil {
		return err
	}
	var begun bool
	err = tx.GetContext(ctx, &begun, `SELECT count(*) > 0 FROM sqlite_master WHERE name = 'mailkey_migrations'`)
	if err == nil {
		err = sqlstore.Migrate(ctx, tx, begun, files)
	}
	if err == nil { // a file that is read-only can be opened, and even this transaction begun
		_, err = tx.ExecContext(ctx, `DELETE FROM mailkey_migrations WHERE false`)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// private creates the file for its owner alone, before SQLite would create it
// for everybody (the files beside it take over its mode), or checks that it, and
// what is beside it, is so. An existing file is never opened here: closing it
// would drop the locks that SQLite holds in this process.
func private(path string) error {
	for _, beside := range []string{"-wal", "-shm"} {
		if err := checkPrivate(path + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := checkLog(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return checkPrivate(path)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// checkLog refuses a log whose file is gone, or empty: SQLite would remove the
// log, and with it what was answered last. The log is looked at first, for who
// makes a database writes to the file before there is one.
func checkLog(path string) error {
	log, err := size(path + "-wal")
	if err != nil || log == 0 {
		return err
	}
	file, err := size(path)
	if err != nil || file > 0 {
		return err
	}
	return fmt.Errorf("the file is gone, or empty, and its log is there: put the file back, or remove %s-wal", path)
}

// size is 0 where there is no file.
func size(path string) (int64, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// checkPrivate refuses links, too: whoever may change one chooses the file.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", info.Name())
	}
	switch mode := info.Mode().Perm(); {
	case runtime.GOOS == "windows":
	case mode&0o077 != 0:
		return fmt.Errorf("%s holds secrets and its mode is %#o: run chmod 600 on it", info.Name(), mode)
	case mode&0o600 != 0o600: // SQLite would open it, and the files beside it be as useless
		return fmt.Errorf("%s has to be read and written by its owner, and its mode is %#o: run chmod 600 on it", info.Name(), mode)
	}
	return nil
}
