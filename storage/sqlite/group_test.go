package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := db.Transact(context.Background(), func(sqlstore.Conn) error { close(held); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
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
	close(hold)
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
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = db.Transact(context.Background(), func(sqlstore.Conn) error { close(held); <-hold; return nil })
	})
	<-held
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
	close(hold)
	all.Wait()
}

// What was committed is not said to have failed because the store was closed
// right after.
func TestCloseTellsTheTruth(t *testing.T) {
	t.Parallel()
	for range 60 {
		db := openDatabase(t)
		hold, held := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			if err := db.Transact(context.Background(), func(sqlstore.Conn) error { close(held); <-hold; return nil }); err != nil {
				t.Error(err)
			}
		})
		<-held
		var ran, failed atomic.Int32
		for range 32 {
			all.Go(func() {
				if err := db.Transact(context.Background(), func(sqlstore.Conn) error { ran.Add(1); return nil }); err != nil {
					failed.Add(1)
				}
			})
		}
		all.Go(db.group.close)
		close(hold)
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
	hold, held := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		if err := db.Transact(context.Background(), func(sqlstore.Conn) error { close(held); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Transact(gone, put(1)); !errors.Is(err, context.Canceled) { // while the first is still at it
		t.Error(err)
	}
	close(hold)
	first.Wait()
	if err := db.Transact(context.Background(), put(2)); err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows were written", n)
	}
}
