package integration

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/storagetest"
)

// pool opens a pool of connections to a server.
func pool(tb testing.TB, url string, size int) *sqlx.DB {
	tb.Helper()
	db, err := sqlx.Open("pgx", url)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

var schemas atomic.Int64

// emptyStores returns a function that opens stores in schemas of their own.
func emptyStores(db *sqlx.DB) func(*testing.T) storage.Store {
	return func(t *testing.T) storage.Store {
		t.Helper()
		store, err := postgres.Open(context.Background(), db, fmt.Sprint("test ", schemas.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	open := emptyStores(pool(t, services.StartPostgres(t).URL("postgres"), 20))
	storagetest.Run(t, open)
	t.Run("random calls", func(t *testing.T) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				storagetest.RunRandom(t, open, seed, 1000)
			})
		}
	})
}
