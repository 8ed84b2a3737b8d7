package middleware

import (
	"net/http"
	"time"

	"example.com/mailkey/auth"
)

// RequireRecentLogin lets only callers through who logged in less than maxAge
// ago, for routes that matter more than others: behind [RequireSession] or
// [RequireIDToken]. Others get 401 and have to log in again.
func RequireRecentLogin(maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, ok := auth.FromContext(r.Context())
			if !ok || time.Since(id.LoginAt) >= maxAge {
				auth.WriteError(w, r, auth.ReasonNotSignedIn)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
