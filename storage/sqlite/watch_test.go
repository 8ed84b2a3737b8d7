package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// A file that was removed, or replaced, is not written to any more, nor read.
func TestFileMoved(t *testing.T) {
	t.Parallel()
	for name, suffix := range map[string]string{"the file": "", "its log": "-wal"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			store := openAt(t, path)
			if err := store.Beat(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+suffix, path+".aside"); err != nil {
				t.Fatal(err)
			}
			if err := store.Beat(t.Context(), time.Now()); !errors.Is(err, storage.ErrBusy) {
				t.Errorf("a write: %v, want ErrBusy", err)
			}
			if _, err := store.LastBeat(t.Context()); !errors.Is(err, storage.ErrBusy) {
				t.Errorf("a read: %v, want ErrBusy", err)
			}
			if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a new file was made: %v", err)
			}
		})
	}
}

// takenAway returns a store that was written to and stays open, so that it has a
// log, and its path, where there is no file any more. putBack puts the file back,
// and looks whether what was written is there.
func takenAway(t *testing.T) (store *sqlite.Store, path string, putBack func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	store = openAt(t, path)
	at := time.Now().Truncate(time.Second)
	if err := store.Beat(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".aside"); err != nil {
		t.Fatal(err)
	}
	return store, path, func() {
		t.Helper()
		if err := os.Rename(path+".aside", path); err != nil {
			t.Fatal(err)
		}
		if got, err := openAt(t, path).LastBeat(t.Context()); err != nil || !got.Equal(at) {
			t.Errorf("when the file is back: %v, %v, want %v", got, err, at)
		}
	}
}

// Who reads while the file is replaced opens no connection to the other one:
// SQLite removes the log of a file that is empty, and with it what was answered.
func TestFault_R13_anEmptyFileInItsPlace(t *testing.T) {
	t.Parallel()
	store, path, putBack := takenAway(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 100 {
		readers.Go(func() {
			for range 20 {
				if _, err := store.LastBeat(t.Context()); err != nil && !errors.Is(err, storage.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()
	putBack()
}

// A log is not taken for that of a new file, which SQLite would remove.
func TestFault_R13_logWithoutItsFile(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(path string) error{
		"gone":  func(string) error { return nil },
		"empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, path, putBack := takenAway(t)
			if err := leave(path); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "the file is gone, or empty, and its log is there") {
				t.Errorf("opened: %v", err)
			}
			if info, err := os.Stat(path); err == nil && (name == "gone" || info.Size() > 0) {
				t.Error("a new file was made")
			}
			putBack()
		})
	}
}

// Damage that is found while the file is open has everything refused, and the
// file is not opened again.
func TestFileDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := store.SaveKeys(t.Context(), []byte(strings.Repeat("key", 10_000)), 0); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store, err = sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, path)
	if _, _, err := store.LoadKeys(t.Context()); !errors.Is(err, storage.ErrBusy) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("what is damaged: %v", err)
	}
	if err := store.Beat(t.Context(), now); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("anything else: %v, want ErrBusy", err)
	}
	_ = store.Close() // says so, too, or not
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("opened again: %v", err)
	}
}

// spoil overwrites all but the first page of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("\xff", int(info.Size())-4096)), 4096); err != nil {
		t.Fatal(err)
	}
}
