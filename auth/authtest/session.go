package authtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/mailkey/auth"
)

// As returns the request as somebody makes it who is signed in: with the token
// of a session that is in the store, as the cookie or in the session-token
// header, whichever the client uses. The middleware finds it there, and
// auth.FromContext the identity. It works for requests to a real server, too.
//
// Of the identity only Email is required, in lower case. UserID is made up
// unless the address has a user already; ClientID is the first one of
// Config.Clients; LoginAt is now, and may be in the past, for
// middleware.RequireRecentLogin; ByCookie follows from the client. No mail is
// sent, and no function of the app is called, such as Config.OnFirstLogin:
// [Kit.Login] does that.
func (k *Kit) As(tb testing.TB, r *http.Request, id auth.Identity) *http.Request {
	tb.Helper()
	client := k.client(tb, id.ClientID)
	id.ClientID = client.ID
	token := k.signIn(tb, id)
	r = r.Clone(r.Context())
	if client.Cookie {
		name := auth.CookieName
		if k.Config.InsecureCookie {
			name = auth.InsecureCookieName
		}
		r.AddCookie(&http.Cookie{Name: name, Value: token})
	} else {
		r.Header.Set(tokenHeader, token)
	}
	return r
}

// IDToken returns an id_token of somebody who is signed in, see [Kit.As], for
// services behind middleware.RequireIDToken or another verifier. It has the
// claims that Config.ExtraClaims adds.
//
// A verifier in the test's own process takes the keys from Auth; one that
// fetches them can do so from an [httptest.Server] of Auth.Handler(), or with
// [Kit.Client].
func (k *Kit) IDToken(tb testing.TB, id auth.Identity) string {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, pathRefresh, nil)
	setDevice(r, k.client(tb, id.ClientID).ID, id.Email)
	w := httptest.NewRecorder()
	k.Auth.RefreshHandler().ServeHTTP(w, k.As(tb, r, id))
	var reply struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || reply.IDToken == "" {
		tb.Fatalf("authtest: no id_token for %s: %d %s", id.Email, w.Code, w.Body)
	}
	return reply.IDToken
}

// client returns the registered client with the id, or the first one.
func (k *Kit) client(tb testing.TB, id string) auth.Client {
	tb.Helper()
	for _, c := range k.Config.Clients {
		if c.ID == id || id == "" {
			return c
		}
	}
	tb.Fatalf("authtest: there is no client %q: add it to Config.Clients", id)
	return auth.Client{}
}
