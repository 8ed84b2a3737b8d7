package sqlite

import (
	"errors"
	"fmt"
	"slices"

	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/mailkey/storage"
)

// errIO is of a disk that fails.
var errIO = fmt.Errorf("%w: I/O error", storage.ErrBusy)

// translate keeps the driver's errors inside the store, but for their text.
func translate(err error) error {
	driver, ok := errors.AsType[*moderncsqlite.Error](err)
	if !ok {
		return err
	}
	switch driver.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %v", storage.ErrBusy, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: %v", errIO, err)
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%w: %v", storage.ErrConflict, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file is damaged, restore a backup: %v", err)
	}
	return fmt.Errorf("sqlite: %v", err)
}

// isDamage reports whether SQLite came upon what it would not have written.
func isDamage(err error) bool {
	driver, ok := errors.AsType[*moderncsqlite.Error](err)
	return ok && slices.Contains([]int{sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}, driver.Code()&0xff)
}
