package sqlite

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/storage"
)

// A file is looked through for damage for as long as that may take, and is taken
// for whole as far as that was not enough.
func TestCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		ticket := storage.Ticket{ID: []byte{byte(i)}, Binding: make([]byte, 1000), ExpiresAt: time.Now()}
		if err := store.PutTicket(t.Context(), ticket); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, row := range []struct {
		name    string
		damaged bool
		ctx     context.Context
		within  time.Duration
		want    string
	}{
		{"whole", false, t.Context(), time.Minute, ""},
		{"whole, and the caller has gone", false, ended, time.Minute, context.Canceled.Error()},
		{"damaged", true, t.Context(), time.Minute, "damaged"},
		{"damaged further on", true, t.Context(), 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.damaged {
				overwriteLastPage(t, path)
			}
			db, err := connect(path, url.Values{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = check(row.ctx, db, row.within)
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func overwriteLastPage(t *testing.T, path string) {
	t.Helper()
	const page = 4096
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt([]byte(strings.Repeat("damage", page/6)), info.Size()-page)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
