package auth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/sqlite"
)

// A whole login in an app: open the store, name the mail relay, run the
// background work, mount the handler and the page, guard the app's own routes.
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
	page, err := loginpage.New(login, loginpage.Options{Home: "/account"})
	if err != nil {
		log.Fatal(err)
	}
	go login.Run(context.Background()) // delivers the mails
	http.Handle("/api/", login.Handler())
	http.Handle("/.well-known/", login.Handler())
	http.Handle("/login", page)
	http.Handle("/login/", page)
	http.Handle("/account", middleware.RequireSession(login, middleware.LoginPage("/login"))(account))
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

// account is a page of the app, for people who are signed in.
var account = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello %s\n", id.Email) // but key your tables on id.UserID
})
