package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

func openDatabase(t *testing.T) *database {
	t.Helper()
	db, err := open(context.Background(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(n int) func(sqlstore.Conn) error {
	return func(c sqlstore.Conn) error {
		_, err := c.Exec("INSERT INTO failure_hours (hour, shard, n) VALUES (?, 0, 1)", n)
		return err
	}
}

// hold keeps the writer busy, so that others wait, until release is called.
func hold(ctx context.Context, t *testing.T, db *database) (release func()) {
	t.Helper()
	held, released := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- db.Transact(ctx, func(sqlstore.Conn) error { close(held); <-released; return nil })
	}()
	<-held
	return func() {
		close(released)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func count(t *testing.T, db *database) (n int) {
	t.Helper()
	if _, err := db.Read(context.Background()).Get(&n, "SELECT count(*) FROM failure_hours"); err != nil {
		t.Fatal(err)
	}
	return n
}

// Jobs that fail, panic or were given up do not touch the others of their
// group.
func TestGroup(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	boom := errors.New("boom")

	// While one holds the writer, the others gather into one group.
	release := hold(context.Background(), t, db)
	var all sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		ctx, f := context.Background(), put(i)
		switch i % 4 {
		case 1:
			f = func(c sqlstore.Conn) error { return errors.Join(put(i)(c), boom) }
		case 2:
			f = func(c sqlstore.Conn) error { _ = put(i)(c); panic("oops") }
		case 3:
			ctx = gone
		}
		all.Go(func() { errs[i] = db.Transact(ctx, f) })
	}
	for len(db.group.queue) < len(errs) { // they are on their way
	}
	release()
	all.Wait()

	for i, err := range errs {
		ok := false
		switch i % 4 {
		case 0:
			ok = err == nil
		case 1:
			ok = errors.Is(err, boom)
		case 2:
			ok = err != nil && strings.Contains(err.Error(), "oops")
		case 3:
			ok = errors.Is(err, context.Canceled)
		}
		if !ok {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if n := count(t, db); n != 10 {
		t.Errorf("%d rows, want those of the 10 jobs that did not fail", n)
	}
}

// A transaction that SQLite gives up as a whole fails for all of its group,
// and the next one works.
func TestGroupFailsAsAWhole(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	if err := db.group.exec("PRAGMA max_page_count = 1"); err != nil { // no page more than there are
		t.Fatal(err)
	}
	err := db.Transact(context.Background(), func(c sqlstore.Conn) error {
		_, err := c.Exec("INSERT INTO keys (id, version, sealed) VALUES (1, 1, zeroblob(1000000))")
		return err
	})
	if !errors.Is(err, storage.ErrBusy) {
		t.Errorf("on a full disk: %v, want ErrBusy", err)
	}
	if err := db.group.exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Transact(context.Background(), put(1)); err != nil || count(t, db) != 1 {
		t.Errorf("afterwards: %v, %d rows", err, count(t, db))
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	release := hold(context.Background(), t, db)
	var all sync.WaitGroup
	for range queueBound {
		all.Go(func() {
			if err := db.Transact(context.Background(), func(sqlstore.Conn) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for len(db.group.queue) < queueBound { // they are on their way
	}
	if err := db.Transact(context.Background(), put(1)); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	release()
	all.Wait()
}

// What was committed is not said to have failed because the store was closed
// right after.
func TestCloseTellsTheTruth(t *testing.T) {
	t.Parallel()
	for range 60 {
		db := openDatabase(t)
		release := hold(context.Background(), t, db)
		var all sync.WaitGroup
		var ran, failed atomic.Int32
		for range 32 {
			all.Go(func() {
				if err := db.Transact(context.Background(), func(sqlstore.Conn) error { ran.Add(1); return nil }); err != nil {
					failed.Add(1)
				}
			})
		}
		all.Go(db.group.close)
		release()
		all.Wait()
		if ran.Load()+failed.Load() != 32 {
			t.Fatalf("%d ran and %d failed of 32", ran.Load(), failed.Load())
		}
	}
}

// Whoever may wait no longer leaves while others hold the writer, and what they
// came for is not done.
func TestGroupIsLeft(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	release := hold(context.Background(), t, db)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Transact(gone, put(1)); !errors.Is(err, context.Canceled) { // while the first is still at it
		t.Error(err)
	}
	release()
	if err := db.Transact(context.Background(), put(2)); err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows were written", n)
	}
}

// A queue full of those who have gone is worked off by whoever comes next.
func TestQueueOfTheGone(t *testing.T) {
	t.Parallel()
	for range 10 { // whether whoever held the writer does it is chance
		db := openDatabase(t)
		impatient, cancel := context.WithCancel(context.Background())
		release := hold(impatient, t, db)
		var others sync.WaitGroup
		for range queueBound {
			others.Go(func() {
				if err := db.Transact(impatient, put(1)); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		for len(db.group.queue) < queueBound { // they are on their way
		}
		cancel()
		others.Wait()
		release()
		if err := db.Transact(context.Background(), put(2)); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != 1 {
			t.Errorf("%d rows were written", n)
		}
	}
}

// brokenConn fails at one statement.
type brokenConn struct {
	sqlstore.Conn
	at string
}

func (c brokenConn) Exec(query string, args ...any) (int64, error) {
	if query == c.at {
		return 0, errIO
	}
	return c.Conn.Exec(query, args...)
}

// When a group is given up, each of its jobs learns what became of it: the one
// that failed, why; and the others not what means something else to them. After
// a COMMIT that failed nobody knows.
func TestGroupIsGivenUp(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("refused: %w", storage.ErrConflict)
	for _, row := range []struct {
		at           string
		failed, well error
	}{
		{"BEGIN IMMEDIATE", storage.ErrBusy, storage.ErrBusy},
		{"SAVEPOINT job", storage.ErrBusy, storage.ErrBusy},
		{"ROLLBACK TO job", refused, storage.ErrBusy},
		{"RELEASE job", storage.ErrBusy, storage.ErrBusy},
		{"COMMIT", refused, storage.ErrUncertain},
	} {
		db := openDatabase(t)
		db.group.conn = brokenConn{db.group.conn, row.at}
		jobs := []*job{
			{ctx: t.Context(), f: put(1), done: make(chan error, 1)},
			{ctx: t.Context(), f: func(c sqlstore.Conn) error { return errors.Join(put(2)(c), refused) }, done: make(chan error, 1)},
			{ctx: t.Context(), f: put(3), done: make(chan error, 1)},
		}
		for _, j := range jobs {
			db.group.queue <- j
		}
		db.group.commit()
		for i, j := range jobs {
			err, want := <-j.done, row.well
			if i == 1 {
				want = row.failed
			}
			if !errors.Is(err, want) {
				t.Errorf("%s fails: job %d: %v, want %v", row.at, i, err, want)
			}
			if i != 1 && errors.Is(err, storage.ErrConflict) {
				t.Errorf("%s fails: job %d is told that it conflicts: %v", row.at, i, err)
			}
		}
		db.group.conn = db.group.conn.(brokenConn).Conn
		if err := db.Transact(t.Context(), put(4)); err != nil || count(t, db) != 1 {
			t.Errorf("after %s failed: %v, %d rows", row.at, err, count(t, db))
		}
	}
}

// Those who have the connections that read may wait for the disk. Others wait
// for them as long as they want to, and not for ever.
func TestReadersAreNotWaitedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := openDatabase(t)
		for range cap(db.reading) {
			db.reading <- struct{}{}
		}
		var n int
		read := func(ctx context.Context) error {
			_, err := db.Read(ctx).Get(&n, "SELECT count(*) FROM failure_hours")
			return err
		}
		start := time.Now()
		if err := read(t.Context()); !errors.Is(err, storage.ErrBusy) || time.Since(start) != busyTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		start = time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := read(impatient); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.AfterFunc(time.Second, func() { <-db.reading })
		if err := read(t.Context()); err != nil {
			t.Errorf("when one is free: %v", err)
		}
	})
}
