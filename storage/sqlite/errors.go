package sqlite

import (
	"errors"
	"fmt"

	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/mailkey/storage"
)

// translate keeps the driver's errors inside the store, but for their text.
func translate(err error) error {
	driver, ok := errors.AsType[*moderncsqlite.Error](err)
	if !ok {
		return err
	}
	switch driver.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: %v", storage.ErrBusy, err)
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%w: %v", storage.ErrConflict, err)
	}
	return fmt.Errorf("sqlite: %v", err)
}
