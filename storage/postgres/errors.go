package postgres

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"example.com/mailkey/storage"
)

// failure is an error of the driver: its text, and what it means.
type failure struct {
	means error // storage.ErrBusy and its like; nil: the store is broken
	again bool  // the work was undone, and the next try may succeed
	cause error
}

func (f *failure) Error() string {
	if f.means == nil {
		return fmt.Sprintf("postgres: %v", f.cause)
	}
	return fmt.Sprintf("%v: %v", f.means, f.cause)
}

func (f *failure) Unwrap() error { return f.means }

// translate says what an error of the driver means, in answer to a statement
// that commits, or to one whose transaction cannot have been committed.
func translate(err error, commits bool) error {
	if err == nil {
		return nil
	}
	f := &failure{cause: err}
	state := sqlState(err)
	class := state[:min(2, len(state))]
	switch {
	case commits && lost(state): // ErrBadConn, too, which pgx says as well when it has sent the statement
		f.means = storage.ErrUncertain
	case errors.Is(err, driver.ErrBadConn): // a connection that was idle for long
		f.means, f.again = storage.ErrBusy, true
	case state == "40001", state == "40P01", state == "55P03": // lost a race, a deadlock, waited too long for a lock
		f.means, f.again = storage.ErrBusy, true
	case class == "23": // a constraint
		f.means = storage.ErrConflict
	case lost(state), class == "40", class == "53", class == "55", class == "57", state == "25006": // the last: a standby
		f.means = storage.ErrBusy
	}
	return f
}

// lost reports whether the error ended the connection, so that nobody said
// what became of the statement.
func lost(state string) bool {
	switch state {
	case "", // the driver's own error: cut, or too late
		"40003",                                     // statement completion unknown
		"57P01", "57P02", "57P03", "57P04", "57P05", // the server stops, or wants no connection
		"58000", "58030": // the server's disk
		return true
	}
	return strings.HasPrefix(state, "08") // of the connection, as poolers report it
}

// sqlState is the state that the server reported; drivers tell it by a method
// of that name.
func sqlState(err error) string {
	if reported, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return reported.SQLState()
	}
	return ""
}
