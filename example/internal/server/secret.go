package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"example.com/mailkey/auth"
)

// loadSecret reads the secret from its file, which may be made by the first
// start. It has to be kept as long as the database: without it, the database is
// of no use, and it is what the database must not be stolen together with.
func loadSecret(path string, create bool) (auth.Secret, error) {
	secret, err := readSecret(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(path); err != nil {
			return nil, fmt.Errorf("create the secret: %w", err)
		}
		secret, err = readSecret(path) // perhaps another process's, which was faster
	}
	return secret, err
}

func readSecret(path string) (auth.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s: others can read the secret, its mode is %#o: run chmod 600 on it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(secret) < 32 {
		return nil, fmt.Errorf("%s: not a secret of 64 hexadecimal digits or more: make one with openssl rand -hex 32", path)
	}
	return secret, nil
}

// createSecret makes the file appear with all of its content or not at all,
// and never instead of another. CreateTemp makes it readable for its owner
// only.
func createSecret(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".secret-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never returns an error
	_, err = fmt.Fprintf(f, "%x\n", secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir writes the directory itself: the database that is made next must not
// survive a power cut that this file does not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
