package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
	"example.com/mailkey/storage/storagetest"
)

func open(t *testing.T) storage.Store { return openAt(t, filepath.Join(t.TempDir(), "test.db")) }

func openAt(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestConformance(t *testing.T) { storagetest.Run(t, open) }

func TestRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(torture.Rounds(8, 1000)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			storagetest.RunRandom(t, open, seed, 2000)
		})
	}
}

// Decoys keep the times alike. Where somebody has removed them, all else is as it
// was.
func TestWithoutDecoys(t *testing.T) {
	t.Parallel()
	storagetest.RunRandom(t, func(t *testing.T) storage.Store {
		path := filepath.Join(t.TempDir(), "test.db")
		store := openAt(t, path)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, table := range []string{"addresses", "challenges"} {
			removed, err := db.Exec("DELETE FROM " + table)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := removed.RowsAffected(); n != 256 || err != nil {
				t.Fatalf("%d rows of %s were removed: %v", n, table, err)
			}
		}
		return store
	}, 1, 2000)
}

func TestAbuse_J03_FilesArePrivate(t *testing.T) {
	t.Parallel()
	// A path with characters that mean something in a URI.
	path := filepath.Join(t.TempDir(), "a?b#c d%20.db")
	store := openAt(t, path)
	if err := store.Beat(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q, want the database and two beside it", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %#o", f, info.Mode().Perm())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a file that others can read", func(t *testing.T, path string) {
			openAt(t, path)
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "chmod 600"},
		{"a file that cannot be written", func(t *testing.T, path string) {
			openAt(t, path)
			if err := os.Chmod(path, 0o400); err != nil {
				t.Fatal(err)
			}
		}, "chmod 600"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
		{"a folder that is missing", func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, "no such file"},
		{"something else than a database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database"},
		{"a database of a newer version", func(t *testing.T, path string) {
			openAt(t, path)
			exec(t, path, `INSERT INTO mailkey_migrations (version) VALUES (999)`)
		}, sqlite.ErrNewer.Error()},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			row.make(t, path)
			store, err := sqlite.Open(context.Background(), path)
			if err == nil {
				_ = store.Close()
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want the path and %q", err, row.want)
			}
		})
	}
}

// exec changes a database behind the store's back, as another program would.
func exec(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(context.Background(), statement)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			store, err := sqlite.Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// Two stores on one file see each other, and share its limits.
func TestTwoOnOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	stores := []*sqlite.Store{openAt(t, path), openAt(t, path)}
	taken := make([]int, 2)
	var all sync.WaitGroup
	now := time.Now()
	for i, s := range stores {
		all.Go(func() {
			for range 20 {
				wait, err := s.TakeLimits(t.Context(), now, storage.Limit{Key: []byte("k"), Count: 10, Window: time.Hour})
				if err != nil {
					t.Error(err)
				} else if wait == 0 {
					taken[i]++
				}
			}
		})
	}
	all.Wait()
	if taken[0]+taken[1] != 10 {
		t.Errorf("%v were taken, want 10 together", taken)
	}
}

func TestSurvivesReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := first.SaveKeys(t.Context(), []byte("sealed"), 0); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Beat(t.Context(), time.Now()); err == nil {
		t.Error("a closed store took a write")
	}
	if sealed, version, err := openAt(t, path).LoadKeys(t.Context()); string(sealed) != "sealed" || version != 1 || err != nil {
		t.Errorf("%q, %d, %v", sealed, version, err)
	}
}

// Sessions of more users than are taken at a time end, and each once, that of a
// user who has more than that included.
func TestEndSessionsOfMany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	store := openAt(t, path)
	now := time.Now()
	exec(t, path, fmt.Sprintf(`
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
		INSERT INTO sessions (token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at, expires_at)
		SELECT 'hash ' || i, 'id ' || i, CASE WHEN i < 1200 THEN 'm' ELSE 'user ' || i END, 'app', '', '', '', '', x'', 0, 0, %d FROM n`,
		now.Add(time.Hour).UnixMilli()))
	if n, err := store.EndSessions(t.Context(), storage.SessionFilter{}, now); n != 2500 || err != nil {
		t.Errorf("%d of 2500 sessions ended: %v", n, err)
	}
}

// Another program that holds the write lock is waited for, and then the call
// fails as busy, changing nothing.
func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	store := openAt(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := store.Beat(t.Context(), time.Now()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	if waited := time.Since(start); waited < 4*time.Second || waited > 9*time.Second {
		t.Errorf("waited %v, want about 5 s", waited)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := store.Beat(t.Context(), time.Now()); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "mailkey.db"))
	if err != nil {
		panic(err)
	}
	defer store.Close()

	_, known, err := store.UserByEmail(context.Background(), "ann@b.example")
	fmt.Println(known, err)
	// Output: false <nil>
}
