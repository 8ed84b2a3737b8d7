package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/internal/exampletest"
	"example.com/mailkey/middleware"
)

// signOut is for a button of the app's own, in a form with method="post".
func signOut(login *auth.Auth) http.Handler {
	return middleware.RequireSession(login)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		if err := login.RevokeSession(r.Context(), id.UserID, id.SessionID); err != nil {
			login.WriteError(w, r, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
}

// signOutEverywhere ends all sessions of somebody, on all instances.
func signOutEverywhere(ctx context.Context, login *auth.Auth, email string) error {
	user, err := login.UserByEmail(ctx, email)
	if err != nil {
		return err
	}
	return login.RevokeSessions(ctx, user.ID)
}

// A route of the app signs out whoever calls it, an administrator somebody else.
func ExampleAuth_RevokeSession() {
	t := exampletest.New() // stands in for a test
	defer t.End()
	kit := authtest.New(t)
	app := http.NewServeMux()
	app.Handle("POST /logout", signOut(kit.Auth))

	ann := auth.Identity{Email: "ann@b.example"}
	post := kit.As(t, httptest.NewRequest("POST", "/logout", nil), ann)
	for range 2 { // the second time nobody is signed in
		w := httptest.NewRecorder()
		app.ServeHTTP(w, post)
		fmt.Println(w.Code)
	}
	fmt.Println(signOutEverywhere(t.Context(), kit.Auth, "ann@b.example"))
	// Output:
	// 303
	// 401
	// <nil>
}
