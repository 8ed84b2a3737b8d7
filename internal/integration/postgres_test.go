package integration

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
	"example.com/mailkey/storage/storagetest"
)

// In a database whose texts are ordered as people in America order them.
func TestPostgres(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	execute(t, pool(t, server.URL("postgres"), 1), "CREATE DATABASE american TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
	db := pool(t, server.URL("american"), 20)
	open := emptyStores(db)
	storagetest.Run(t, open)
	t.Run("random calls", func(t *testing.T) {
		for seed := range uint64(torture.Rounds(4, 200)) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				storagetest.RunRandom(t, open, seed, 1000)
			})
		}
	})
	t.Run("random calls, without decoys", func(t *testing.T) {
		storagetest.RunRandom(t, func(t *testing.T) storage.Store {
			schema := fmt.Sprint("test ", schemas.Add(1))
			store := openPostgres(t, db, schema)
			execute(t, db, `DELETE FROM "`+schema+`".addresses`, `DELETE FROM "`+schema+`".challenges`)
			return store
		}, 1, 1000)
	})
	if n := ask[int](t, db, "SELECT deadlocks FROM pg_stat_database WHERE datname = 'american'"); n > 0 {
		t.Errorf("there were %d deadlocks: two transactions take rows in another order", n)
	}
}

// Behind a pooler each transaction may run on another connection, of which
// there are fewer than clients.
func TestFault_R23_Pooled(t *testing.T) {
	t.Parallel()
	pooler := services.StartPgbouncer(t, services.StartPostgres(t), "default_pool_size=4")
	storagetest.Run(t, emptyStores(pool(t, pooler.URL("postgres")+"&default_query_exec_mode=exec", 20)))
}

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
		return openPostgres(t, db, fmt.Sprint("test ", schemas.Add(1)))
	}
}

func openPostgres(tb testing.TB, db *sqlx.DB, schema string) *postgres.Store {
	tb.Helper()
	store, err := postgres.Open(context.Background(), db, schema)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// execute runs statements of the test's own.
func execute(tb testing.TB, db *sqlx.DB, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(tb.Context(), s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// ask returns the one value of a query.
func ask[T any](tb testing.TB, db *sqlx.DB, query string, args ...any) (value T) {
	tb.Helper()
	if err := db.GetContext(tb.Context(), &value, query, args...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return value
}
