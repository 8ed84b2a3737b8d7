package postgres_test

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/storage/postgres"
)

// The driver is imported by the app: _ "github.com/jackc/pgx/v5/stdlib".
func Example() {
	ctx := context.Background()
	db, err := sqlx.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)

	store, err := postgres.Open(ctx, db, "mailkey")
	if err != nil {
		log.Fatal(err)
	}
	_, known, err := store.UserByEmail(ctx, "ann@b.example")
	log.Println(known, err)
}
