package auth_test

import (
	"context"
	"log"
	"net/http"
	"os"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/storage/sqlite"
)

// A whole login in an app: open the store, name the mail relay, mount the
// handler, run the background work.
func Example() {
	store, err := sqlite.Open(context.Background(), "mailkey.db")
	if err != nil {
		log.Fatal(err)
	}
	mailer, err := smtpmailer.New(smtpmailer.Config{URL: os.Getenv("SMTP_URL"), From: "Example <login@app.example>"})
	if err != nil {
		log.Fatal(err)
	}
	login, err := auth.New(auth.Config{
		Store: store, Mailer: mailer, Secret: auth.Secret(os.Getenv("SECRET")), // openssl rand -hex 32
		Issuer: "https://app.example", Clients: []auth.Client{{ID: "web", Cookie: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	go login.Run(context.Background()) // delivers the mails
	mux := http.NewServeMux()
	mux.Handle("/api/", login.Handler())
	mux.Handle("/.well-known/", login.Handler())
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", mux))
}
