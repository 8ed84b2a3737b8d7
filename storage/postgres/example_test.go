package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage/postgres"
)

// open is what an app does when it starts. The pool lives as long as the store.
func open(ctx context.Context, url string) (*postgres.Store, *sqlx.DB, error) {
	db, err := sqlx.Open("pgx", url) // import _ "github.com/jackc/pgx/v5/stdlib"
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	store, err := postgres.Open(ctx, db, "mailkey")
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db, nil
}

// Which driver is used is decided by the app, which imports it. Here it was
// forgotten.
func Example() {
	_, _, err := open(context.Background(), "postgres://mailkey@db.example.net/app?sslmode=verify-full")
	fmt.Println(err)
	// Output: sql: unknown driver "pgx" (forgotten import?)
}
