package house

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/sqlite"
)

// stores are all there are. Each opens an empty one and returns what connects
// one more instance to it.
var stores = map[string]func(*testing.T) (connect func() storage.Store){
	"memory": Memory, "sqlite": SQLite, "postgres": Postgres,
}

// Memory is a store in memory, which all instances share.
func Memory(*testing.T) (connect func() storage.Store) {
	store := memory.New()
	return func() storage.Store { return store }
}

// SQLite is a file, which all instances share as one process.
func SQLite(t *testing.T) (connect func() storage.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "house.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return func() storage.Store { return store }
}

// Postgres is a schema on a server, to which every instance has connections of
// its own. All of them are free at the end.
func Postgres(t *testing.T) (connect func() storage.Store) {
	t.Helper()
	url, schema := sharedPostgres(t), fmt.Sprint("house ", schemas.Add(1))
	return func() storage.Store {
		db, err := sqlx.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		t.Cleanup(func() {
			if n := db.Stats().InUse; n != 0 {
				t.Errorf("%d connections are still in use", n)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		store, err := postgres.Open(t.Context(), db, schema)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

var schemas atomic.Int64
