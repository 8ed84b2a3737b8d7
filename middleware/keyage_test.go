package middleware_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
)

// The last good keys stay in use for as long as configured and no longer, and
// the first fetch that succeeds opens the service again.
func TestFault_R41_ageOfTheKeys(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		maxAge time.Duration
		want   time.Duration
	}{
		{"a day by default", 0, 24 * time.Hour},
		{"two hours", 2 * time.Hour, 2 * time.Hour},
		{"the least", 10 * time.Minute, 10 * time.Minute},
	} {
		for how, answer := range map[string]func(*http.Request) (*http.Response, error){
			"hangs": hangs, "says 500": says(500, "{}"), "says nothing of keys": says(200, `{"keys":[]}`),
		} {
			t.Run(row.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					k1 := newSigner(t, auth.ES256, "k1")
					good := says(200, jwks(t, k1))
					n := newNetwork(good)
					h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, HTTPClient: n.client(), MaxKeyAge: row.maxAge})
					opens := func() bool { return serve(h, request("GET", "/", byBearer(k1.valid(t)))).Code == 200 }

					// As long as the issuer answers, nothing grows old.
					time.Sleep(3*row.want + time.Second)
					if !opens() {
						t.Fatal("refused while the issuer answers")
					}
					// From the last good fetch on the age counts.
					var failed time.Time
					n.become(func(r *http.Request) (*http.Response, error) {
						if failed.IsZero() {
							failed = time.Now()
						}
						return answer(r)
					})
					time.Sleep(5 * time.Minute) // after the last good fetch comes the first bad one
					synctest.Wait()
					time.Sleep(time.Until(failed.Add(row.want - 5*time.Minute)))
					if !opens() {
						t.Errorf("refused when the keys are %v old", row.want)
					}
					time.Sleep(time.Nanosecond)
					before := time.Now()
					wantNotSignedIn(t, serve(h, request("GET", "/", byBearer(k1.valid(t)))))
					if waited := time.Since(before); waited != 0 {
						t.Errorf("the refusal took %v", waited)
					}
					n.become(good)
					time.Sleep(16 * time.Second) // ten, and a fetch that is on its way
					if !opens() {
						t.Error("refused after the issuer is back")
					}
				})
			})
		}
	}
}

func TestMaxKeyAgeIsChecked(t *testing.T) {
	t.Parallel()
	for age, ok := range map[time.Duration]bool{
		0: true, 10 * time.Minute: true, 365 * 24 * time.Hour: true,
		-time.Hour: false, time.Nanosecond: false, 10*time.Minute - 1: false,
	} {
		_, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
			Issuer: "https://app.example", Clients: []string{"app"}, HTTPClient: newNetwork(says(500, "")).client(), MaxKeyAge: age,
		})
		if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), "MaxKeyAge: ")) {
			t.Errorf("%v: %v", age, err)
		}
	}
}
