// Command hello is the smallest app that asks people to log in, to begin an app
// of your own with. Nothing is kept: users are forgotten when it ends, and codes
// appear in the terminal.
//
//	go run ./example/hello
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

func main() {
	login, err := auth.New(auth.Config{
		Store:   memory.New(),                           // to keep users: sqlite.Open
		Secret:  auth.Secret(rand.Text() + rand.Text()), // then the same at each start
		Mailer:  auth.MailerFunc(show),                  // for others than yourself: smtpmailer.New
		Issuer:  "http://127.0.0.1:8080",                // and the https URL that they see
		Clients: []auth.Client{{ID: "web", Cookie: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	page, err := loginpage.New(login, loginpage.Options{})
	if err != nil {
		log.Fatal(err)
	}
	go login.Run(context.Background())

	http.Handle("/api/", login.Handler())
	http.Handle("/login", page)
	http.Handle("/login/", page)
	http.Handle("/", middleware.RequireSession(login, middleware.LoginPage("/login"))(http.HandlerFunc(hello)))
	listener, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("open http://127.0.0.1:8080/")
	log.Fatal((&http.Server{ReadHeaderTimeout: 5 * time.Second}).Serve(listener))
}

// hello is the app: a page for people who are signed in.
func hello(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello %s. To sign out: /login/sessions\n", id.Email)
}

// show mails nothing.
func show(_ context.Context, m auth.CodeMail) error {
	_, err := fmt.Println("the code for", m.To, "is", m.Code)
	return err
}
