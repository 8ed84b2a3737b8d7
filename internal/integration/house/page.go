package house

import (
	"fmt"
	"io"
	"net/http"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// withPage adds a page of the app, which keeps something in the session, is as
// slow as the request's body, and keeps something else.
func withPage(a *auth.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.Handler())
	mux.Handle("POST "+page, middleware.LoadSession(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := auth.FromContext(r.Context())
		if !ok {
			auth.WriteError(w, r, auth.ReasonNotSignedIn)
			return
		}
		values := a.SessionManager()
		values.Put(r.Context(), "a", "before")
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			auth.WriteError(w, r, err)
			return
		}
		values.Put(r.Context(), "a", "after")
		fmt.Fprintf(w, `{"user": %q}`, id.UserID)
	})))
	return mux
}
