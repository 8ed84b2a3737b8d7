package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
)

// oidcIssuer is a login that serves on a port of its own.
type oidcIssuer struct {
	auth   *auth.Auth
	config auth.Config
	url    string
	mails  *authtest.Mailbox
	client *http.Client
}

// newOIDCIssuer serves a login under a path, which may be empty.
func newOIDCIssuer(t *testing.T, algorithm, path string, changes ...func(*auth.Config)) *oidcIssuer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String() + path
	kit := authtest.New(t, func(c *auth.Config) {
		c.Issuer, c.Clients, c.SigningAlgorithm = url, []auth.Client{{ID: "app"}, {ID: "other"}}, algorithm
		for _, change := range changes {
			change(c)
		}
	})
	server.Config.Handler = kit.Auth.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return &oidcIssuer{auth: kit.Auth, config: kit.Config, url: url, mails: kit.Mailbox, client: server.Client()}
}

// call makes a request that is answered with 200.
func (i *oidcIssuer) call(t *testing.T, method, path, client, token, body string) map[string]any {
	t.Helper()
	status, reply := i.do(t, method, path, client, token, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", path, status, reply)
	}
	return reply
}

// do makes a request and reads the JSON of its answer.
func (i *oidcIssuer) do(t *testing.T, method, path, client, token, body string) (status int, reply map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, i.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Operating-Sys-Version": "windows10.1.1", "X-Agent": "Mozilla/5.0", "X-Device-Fingerprint": "156aysdna213sc50", "X-Client-Id": client,
	} {
		r.Header.Set(name, value)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("session-token", token)
	}
	res, err := i.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return res.StatusCode, reply
}

const loginPath = "/api/v2/sdk/login/email-verify-code"

// login logs in from the captcha to the tokens.
func (i *oidcIssuer) login(t *testing.T, client, email string) (sessionToken, idToken string) {
	t.Helper()
	reply := i.call(t, "POST", loginPath, client, "", fmt.Sprintf(`{"email":%q,"verify_code":%q}`, email, i.code(t, client, email)))
	return reply["session_token"].(string), reply["id_token"].(string)
}

// code has a code mailed.
func (i *oidcIssuer) code(t *testing.T, client, email string) string {
	t.Helper()
	c := i.call(t, "GET", "/api/v2/sdk/captcha", client, "", "")
	pow := c["pow"].(map[string]any)
	answer := authtest.Solve(captcha.Proof{Salt: pow["salt"].(string), Difficulty: int(pow["difficulty"].(float64))})
	ticket := i.call(t, "POST", "/api/v2/sdk/captcha/verify", client, "",
		fmt.Sprintf(`{"token":%q,"sender":%q,"captcha_code":%q}`, c["token"], email, answer))
	i.call(t, "POST", "/api/v2/sdk/email/send", client, "",
		fmt.Sprintf(`{"email":%q,"type":"LOGIN_EMS","captcha_token":%q}`, email, ticket["captcha_token"]))
	return i.mails.Code(t, email)
}

func (i *oidcIssuer) refresh(t *testing.T, client, sessionToken string) (idToken string) {
	t.Helper()
	return i.call(t, "POST", "/api/v2/sdk/sso/session-token/id-token", client, sessionToken, "")["id_token"].(string)
}

// spoil changes a character in the middle of the signature.
func spoil(token string) string {
	at := strings.LastIndexByte(token, '.') + 20
	c := byte('A')
	if token[at] == c {
		c = 'B'
	}
	return token[:at] + string(c) + token[at+1:]
}

// onEachOIDCIssuer runs f for each algorithm, at the root and under a path.
func onEachOIDCIssuer(t *testing.T, f func(t *testing.T, i *oidcIssuer)) {
	t.Helper()
	for _, row := range []struct{ algorithm, path string }{{auth.RS256, ""}, {auth.ES256, ""}, {auth.EdDSA, ""}, {auth.RS256, "/auth"}} {
		t.Run(row.algorithm+row.path, func(t *testing.T) {
			t.Parallel()
			f(t, newOIDCIssuer(t, row.algorithm, row.path))
		})
	}
}

// A standard OpenID Connect client needs nothing but the issuer's URL.
func TestOIDC(t *testing.T) {
	t.Parallel()
	onEachOIDCIssuer(t, func(t *testing.T, i *oidcIssuer) {
		session, idToken := i.login(t, "app", "Ann@b.example")
		_, foreign := i.login(t, "other", "ben@b.example")
		ctx := oidc.ClientContext(t.Context(), i.client)
		provider, err := oidc.NewProvider(ctx, i.url)
		if err != nil {
			t.Fatal(err)
		}
		verifier := provider.Verifier(&oidc.Config{ClientID: "app"})
		verified, err := verifier.Verify(ctx, idToken)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Email         string   `json:"email"`
			EmailVerified bool     `json:"email_verified"`
			AuthTime      int64    `json:"auth_time"`
			AMR           []string `json:"amr"`
		}
		if err := verified.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		u, err := i.auth.UserByEmail(t.Context(), "ann@b.example")
		if err != nil {
			t.Fatal(err)
		}
		if verified.Issuer != i.url || verified.Subject != u.ID || len(verified.Audience) != 1 || verified.Expiry.Sub(verified.IssuedAt) != 5*time.Minute ||
			claims.Email != "ann@b.example" || !claims.EmailVerified || len(claims.AMR) != 1 || claims.AMR[0] != "otp" || claims.AuthTime == 0 {
			t.Errorf("got %+v %+v", verified, claims)
		}
		for name, token := range map[string]string{"of another client": foreign, "spoilt": spoil(idToken), "of a session": session} {
			if _, err := verifier.Verify(ctx, token); err == nil {
				t.Errorf("a token %s is accepted", name)
			}
		}
		// Both before and after a rotation.
		if err := i.auth.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{"from before": idToken, "from after": i.refresh(t, "app", session)} {
			if _, err := verifier.Verify(ctx, token); err != nil {
				t.Errorf("a token %s the rotation: %v", name, err)
			}
		}
	})
}
