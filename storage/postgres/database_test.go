package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

// work is a transaction of one statement.
func work(tx sqlstore.Conn) error {
	_, err := tx.Exec("work")
	return err
}

// What a transaction does when the server answers a statement with errors, and
// what of it the caller is told.
func TestFailuresInATransaction(t *testing.T) {
	t.Parallel()
	const (
		done   = " BEGIN work COMMIT"
		undone = " BEGIN work ROLLBACK"
		unsure = " BEGIN work COMMIT ROLLBACK" // to know what state the connection is in
	)
	for _, row := range []struct {
		name      string
		statement string
		answers   []error
		want      error
		sent      string
	}{
		{"nothing", "", nil, nil, done},
		{"a race is lost", "work", []error{state("40001")}, nil, undone + done},
		{"a deadlock", "work", []error{state("40P01")}, nil, undone + done},
		{"a lock takes too long", "work", []error{state("55P03")}, nil, undone + done},
		{"all races are lost", "work", slices.Repeat([]error{state("40001")}, 9), storage.ErrBusy, undone + undone + undone + undone},
		{"the race is lost at the end", "COMMIT", []error{state("40001")}, nil, unsure + done},
		{"a duplicate", "work", []error{state("23505")}, storage.ErrConflict, undone},
		{"a statement takes too long", "work", []error{state("57014")}, storage.ErrBusy, undone},
		{"the disk is full", "work", []error{state("53100")}, storage.ErrBusy, undone},
		{"it became a standby", "BEGIN", []error{state("25006")}, storage.ErrBusy, " BEGIN ROLLBACK"},
		{"the connection was dead", "BEGIN", []error{driver.ErrBadConn}, nil, " BEGIN" + done},
		{"the connection dies", "work", []error{io.ErrUnexpectedEOF}, storage.ErrBusy, undone},
		{"the server stops", "work", []error{state("57P01")}, storage.ErrBusy, undone},
		{"nobody knows whether it was committed", "COMMIT", []error{io.ErrUnexpectedEOF}, storage.ErrUncertain, unsure},
		{"the server stops while it commits", "COMMIT", []error{state("57P01")}, storage.ErrUncertain, unsure},
		{"the pooler lost the server", "COMMIT", []error{state("08P01")}, storage.ErrUncertain, unsure},
		{"the server does not know", "COMMIT", []error{state("40003")}, storage.ErrUncertain, unsure},
		{"the driver believes that COMMIT was not sent", "COMMIT", []error{driver.ErrBadConn}, storage.ErrUncertain, done},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answer: failing(row.statement, row.answers...)}
			err := f.connected(t).Transact(t.Context(), work)
			if !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			if got := f.log(); got != row.sent {
				t.Errorf("sent%s, want%s", got, row.sent)
			}
			for _, cause := range row.answers {
				if errors.Is(err, cause) {
					t.Errorf("the driver's error left the store: %v", err)
				}
			}
		})
	}
}

// The same of statements that are transactions of their own.
func TestFailuresOfSingleStatements(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		answers []error
		read    error
		write   error
		sent    [2]string
	}{
		{"nothing", nil, nil, nil, [2]string{" work", " work"}},
		{"a race is lost", []error{state("40001")}, nil, nil, [2]string{" work work", " work work"}},
		{"all races are lost", slices.Repeat([]error{state("40001")}, 9), storage.ErrBusy, storage.ErrBusy, [2]string{" work work work work", " work work work work"}},
		{"the connection was dead", []error{driver.ErrBadConn}, nil, storage.ErrUncertain, [2]string{" work work", " work"}},
		{"the connection dies", []error{io.ErrUnexpectedEOF}, storage.ErrBusy, storage.ErrUncertain, [2]string{" work", " work"}},
		{"the server stops", []error{state("57P01")}, storage.ErrBusy, storage.ErrUncertain, [2]string{" work", " work"}},
		{"cancelled in time", []error{state("57014")}, storage.ErrBusy, storage.ErrBusy, [2]string{" work", " work"}},
		{"a duplicate", []error{state("23505")}, storage.ErrConflict, storage.ErrConflict, [2]string{" work", " work"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for i, want := range []error{row.read, row.write} {
				f := &fake{answer: failing("work", row.answers...)}
				d := f.connected(t)
				conn := []sqlstore.Conn{d.Read(t.Context()), d.Write(t.Context())}[i]
				if _, err := conn.Exec("work"); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
				if got := f.log(); got != row.sent[i] {
					t.Errorf("sent%s, want%s", got, row.sent[i])
				}
			}
		})
	}
}

// An error of which trying again does not get rid says nothing that is not so.
func TestBrokenStatements(t *testing.T) {
	t.Parallel()
	for _, answer := range []state{"22021", "42P01", "42501", "XX001"} { // text, no table, no right, broken data
		f := &fake{answer: failing("work", answer)}
		_, err := f.connected(t).Write(t.Context()).Exec("work")
		for _, meaning := range []error{storage.ErrBusy, storage.ErrConflict, storage.ErrUncertain} {
			if err == nil || errors.Is(err, meaning) {
				t.Errorf("%s: %v", answer, err)
			}
		}
		if f.log() != " work" {
			t.Errorf("%s was tried again", answer)
		}
	}
}

// A context ends nothing that has begun.
func TestContexts(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	f := &fake{answer: func(ctx context.Context, _ int, statement string) error {
		if statement == "work" {
			cancel()
		}
		if _, limited := ctx.Deadline(); ctx.Err() != nil || !limited {
			t.Errorf("%s: the context is %v, limited %v", statement, ctx.Err(), limited)
		}
		return nil
	}}
	d := f.connected(t)
	if err := d.Transact(gone, work); err != nil || f.log() != " BEGIN work COMMIT" {
		t.Error(err)
	}
	if err := d.Transact(gone, work); !errors.Is(err, context.Canceled) || f.log() != "" {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := d.Read(gone).Exec("work"); !errors.Is(err, context.Canceled) || f.log() != "" {
		t.Errorf("afterwards: %v", err)
	}
	if f.opened != 1 || f.closed != 0 {
		t.Errorf("%d connections were opened and %d closed, want one, in use", f.opened, f.closed)
	}
}

// A context that ends between two tries ends them: nothing was changed.
func TestContextsBetweenTries(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{answer: func(_ context.Context, _ int, statement string) error {
		if statement != "work" {
			return nil
		}
		cancel()
		return state("40001")
	}}
	if err := f.connected(t).Transact(ctx, work); !errors.Is(err, context.Canceled) || f.log() != " BEGIN work ROLLBACK" {
		t.Error(err)
	}
}

// Who gets no connection is told so after a second.
func TestPoolIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		d := f.connected(t)
		err := d.Transact(t.Context(), func(sqlstore.Conn) error {
			start := time.Now()
			_, err := d.Read(t.Context()).Exec("work")
			if waited := time.Since(start); !errors.Is(err, storage.ErrBusy) || waited != poolTimeout {
				t.Errorf("%v after %v", err, waited)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Between two tries there is a pause, and all of them together have an end.
func TestTriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(ctx context.Context, _ int, statement string) error {
			if statement != "work" {
				return nil
			}
			time.Sleep(2 * time.Second)
			return state("55P03")
		}}
		start := time.Now()
		err := f.connected(t).Transact(t.Context(), work)
		if took := time.Since(start); !errors.Is(err, storage.ErrBusy) || took > 7*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestPauses(t *testing.T) {
	t.Parallel()
	for try, most := range map[int]time.Duration{1: maxPause, 2: 2 * maxPause, 3: 4 * maxPause} {
		seen := make(map[time.Duration]bool)
		for range 50 {
			p := pause(try)
			if seen[p] = true; p < 0 || p >= most {
				t.Errorf("pause %v after try %d", p, try)
			}
		}
		if len(seen) < 10 {
			t.Errorf("after try %d the pauses are %v", try, seen)
		}
	}
}

// A statement that failed undoes the transaction even if nobody looked: COMMIT
// would roll back and call it a success.
func TestFailureThatNobodyLookedAt(t *testing.T) {
	t.Parallel()
	f := &fake{answer: failing("work", state("23505"))}
	err := f.connected(t).Transact(t.Context(), func(tx sqlstore.Conn) error {
		_ = work(tx)
		return nil
	})
	if !errors.Is(err, storage.ErrConflict) || f.log() != " BEGIN work ROLLBACK" {
		t.Error(err)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	f := &fake{}
	d := f.connected(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = d.Transact(t.Context(), func(sqlstore.Conn) error { panic("oops") })
	}()
	if sent := f.log(); sent != " BEGIN ROLLBACK" {
		t.Errorf("sent%s", sent)
	}
	if err := d.Transact(t.Context(), work); err != nil || f.opened != 1 {
		t.Errorf("afterwards: %v", err)
	}
}

// A connection of which nobody knows in what state it is is not used again.
func TestConnectionIsLeftBehind(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(_ context.Context, conn int, statement string) error {
		if conn == 1 && statement != "BEGIN" {
			return io.ErrUnexpectedEOF
		}
		return nil
	}}
	d := f.connected(t)
	if err := d.Transact(t.Context(), work); !errors.Is(err, storage.ErrBusy) {
		t.Error(err)
	}
	if err := d.Transact(t.Context(), work); err != nil || f.opened != 2 || f.closed != 1 {
		t.Errorf("%v; %d connections were opened and %d closed", err, f.opened, f.closed)
	}
}

// What is set is set for one transaction, in the message that begins it.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, statement := range strings.Split(beginSoon, "; ")[1:] {
		if !strings.HasPrefix(statement, "SET LOCAL ") {
			t.Errorf("%s outlives the transaction", statement)
		}
	}
	f := &fake{}
	d := f.connected(t)
	if err := d.TransactSoon(t.Context(), work); err != nil {
		t.Error(err)
	}
	if _, err := d.WriteSoon(t.Context()).Exec("work"); err != nil {
		t.Error(err)
	}
	if sent, want := f.log(), " "+beginSoon+" work COMMIT work"+notDurable; sent != want {
		t.Errorf("sent%s, want%s", sent, want)
	}
}
