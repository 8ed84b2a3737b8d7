package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"example.com/mailkey/storage"
)

// watch notices that the files of an open database are not what they were, and
// has everything refused from then on. The system lets a process write on to a
// file that was removed, or replaced by a backup: all that it writes is gone
// when it ends, and connections that it opens meanwhile are to another file.
type watch struct {
	files map[string]fs.FileInfo // as they were opened
	fault atomic.Pointer[error]
}

// newWatch remembers the files of a database that was written to.
func newWatch(path string) (*watch, error) {
	w := &watch{files: make(map[string]fs.FileInfo)}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		w.files[name] = info
	}
	return w, nil
}

// look is for those who are about to commit: it fails when a file is not where
// it was.
func (w *watch) look() error {
	for name, opened := range w.files {
		info, err := os.Stat(name)
		if err == nil && !os.SameFile(info, opened) {
			err = errors.New("it is another file")
		}
		if err != nil {
			return w.found(fmt.Errorf("%s was removed or replaced while it was open, put it back and start anew: %w", name, err))
		}
	}
	return w.err()
}

// found refuses everything from now on.
func (w *watch) found(cause error) error {
	err := fmt.Errorf("%w: %v", storage.ErrBusy, cause)
	w.fault.Store(&err)
	return err
}

// err is what was found. It is for those who read: to ask the system would cost
// as much as to read.
func (w *watch) err() error {
	if err := w.fault.Load(); err != nil {
		return *err
	}
	return nil
}
