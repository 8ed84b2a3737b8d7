//go:build unix

package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/storage/sqlite"
)

// The mask of the process has no say in who can read the files. It is not
// parallel: the mask is everybody's.
func TestAbuse_J03_UnderAnyMask(t *testing.T) {
	for _, mask := range []int{0o000, 0o022, 0o177} {
		dir := t.TempDir()
		before := syscall.Umask(mask)
		store, err := sqlite.Open(context.Background(), filepath.Join(dir, "test.db"))
		if err == nil {
			err = store.Beat(t.Context(), time.Now())
		}
		syscall.Umask(before)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 3 {
			t.Errorf("files %q, %v", files, err)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("under %#o: %s has mode %#o, %v", mask, f, info.Mode().Perm(), err)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file that others can read refuses the start, and so does one beside it,
// which holds as much.
func TestAbuse_J03_OthersCanRead(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for _, mode := range []os.FileMode{0o604, 0o640, 0o644, 0o660, 0o602, 0o610, 0o777} {
			path := filepath.Join(t.TempDir(), "test.db")
			openAt(t, path) // and stays open: the files beside it are there
			if err := os.Chmod(path+suffix, mode); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, path, "test.db"+suffix+" holds secrets and its mode is ")
		}
	}
}

// What is not the file that was named, but leads to one, is refused.
func TestAbuse_J04_Links(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(path, elsewhere string) error{
		"a link":                   func(path, elsewhere string) error { return os.Symlink(elsewhere, path) },
		"a link to nothing":        func(path, elsewhere string) error { return os.Symlink(elsewhere+"x", path) },
		"a link to itself":         func(path, _ string) error { return os.Symlink(path, path) },
		"a pipe":                   func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
		"a device":                 func(path, _ string) error { return os.Symlink("/dev/null", path) },
		"a link as the log":        func(path, elsewhere string) error { return os.Symlink(elsewhere, path+"-wal") },
		"a link as shared memory":  func(path, elsewhere string) error { return os.Symlink(elsewhere, path+"-shm") },
		"a folder as the log":      func(path, _ string) error { return os.Mkdir(path+"-wal", 0o700) },
		"a link to a file of ours": func(path, elsewhere string) error { return os.Symlink(filepath.Base(elsewhere), path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, elsewhere := filepath.Join(dir, "test.db"), filepath.Join(dir, "elsewhere.db")
			if err := os.WriteFile(elsewhere, []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := link(path, elsewhere); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, path, "is not a regular file")
			if content, err := os.ReadFile(elsewhere); err != nil || string(content) != "kept" {
				t.Errorf("the other file is %q, %v", content, err)
			}
			if _, err := os.Lstat(elsewhere + "x"); err == nil {
				t.Error("a file was made elsewhere")
			}
		})
	}
}

// A relative path is that of the start, whatever the process does later.
func TestAbuse_J04_RelativePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	store, err := sqlite.Open(context.Background(), "test.db")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	other := t.TempDir()
	t.Chdir(other)
	for range 20 { // connections that are opened from here, too
		if err := store.Beat(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
		if _, _, err := store.UserByID(t.Context(), "x"); err != nil {
			t.Error(err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(other, "*")); len(files) > 0 {
		t.Errorf("files %q", files)
	}
}

func wantRefused(t *testing.T, path, want string) {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err == nil {
		_ = store.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
