package auth_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"

	_ "modernc.org/sqlite" // the app's own database

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// accounts is the app's own table of users. mailkey knows who somebody is, the
// app knows the rest.
type accounts struct{ db *sql.DB }

// create is for Config.OnFirstLogin. It may be called again for the same user,
// and an error keeps the user out for now.
func (a accounts) create(ctx context.Context, id auth.Identity) error {
	_, err := a.db.ExecContext(ctx, `INSERT INTO accounts (user_id, plan) VALUES (?, 'free') ON CONFLICT DO NOTHING`, id.UserID)
	return err
}

// show is a page of the app.
func (a accounts) show(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	var plan string
	err := a.db.QueryRowContext(r.Context(), `SELECT plan FROM accounts WHERE user_id = ?`, id.UserID).Scan(&plan)
	if err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s has the %s plan", id.Email, plan)
}

// An app with a table of its own for its users: a row is made at the first
// login, and found by the id that never changes, other than the address.
func ExampleConfig_onFirstLogin() {
	db, err := sql.Open("sqlite", "file:/accounts?vfs=memdb")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE accounts (user_id TEXT PRIMARY KEY, plan TEXT NOT NULL) STRICT`); err != nil {
		panic(err)
	}
	users := accounts{db}

	t := exampletest.New() // stands in for a test; auth.New takes the same Config
	defer t.End()
	kit := authtest.New(t, func(c *auth.Config) { c.OnFirstLogin = users.create })
	app := http.NewServeMux()
	app.Handle("/api/", kit.Auth.Handler())
	app.Handle("/account", middleware.RequireSession(kit.Auth)(http.HandlerFunc(users.show)))
	kit.Handler = app
	kit.Login(t, "ann@b.example")

	ann, err := kit.Auth.UserByEmail(t.Context(), "ann@b.example")
	if err != nil {
		panic(err)
	}
	if err := kit.Auth.ChangeEmail(t.Context(), ann.ID, "ann@new.example"); err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, kit.As(t, httptest.NewRequest("GET", "/account", nil), auth.Identity{Email: "ann@new.example"}))
	fmt.Println(w.Body)
	// Output: ann@new.example has the free plan
}
