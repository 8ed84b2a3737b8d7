package authtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
)

// A test of what ends by itself: in a bubble of fake time, five days are over
// in a moment.
func TestSessionEndsAfterFiveDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := authtest.New(t, func(c *auth.Config) { c.SessionLifetime = 5 * 24 * time.Hour })
		kit.Handler = newApp(kit.Auth)
		ann := kit.Login(t, "ann@b.example")

		for _, row := range []struct {
			wait time.Duration
			want int
		}{
			{0, http.StatusOK},
			{5*24*time.Hour - time.Second, http.StatusOK},
			{time.Second, http.StatusUnauthorized},
		} {
			time.Sleep(row.wait)
			res, err := ann.Get("https://app.example/account")
			if err != nil {
				t.Fatal(err)
			}
			if res.Body.Close(); res.StatusCode != row.want {
				t.Errorf("%v later: %d, want %d", row.wait, res.StatusCode, row.want)
			}
		}
	})
}
