package main

import (
	"fmt"
	"strings"
	"time"
)

// idTokenRules are about the id_token of the login.
var idTokenRules = []rule{
	{8, "id-token/signature", "its kid is that of a public key, which verifies it", loggedIn(func(r *run) error {
		return verify(r.login.text("id_token"), r.send(public(jwksPath)).body)
	})},
	{8, "id-token/header", "its header says JWT, and an algorithm that is announced", idTokenRule(func(r *run, t idToken) error {
		announced, _ := r.send(public(discoveryPath)).json["id_token_signing_alg_values_supported"].([]any)
		for _, alg := range announced {
			if t.header["alg"] == alg && t.header["typ"] == "JWT" {
				return nil
			}
		}
		return fmt.Errorf("the header is %v, and announced is %v", t.header, announced)
	})},
	{8, "id-token/issuer", "its iss is the issuer", idTokenRule(func(r *run, t idToken) error { return t.has("iss", r.issuer) })},
	{8, "id-token/audience", "its aud is the client id", idTokenRule(func(r *run, t idToken) error { return t.has("aud", r.app.id) })},
	{8, "id-token/times", "it is valid now, and not for long; iat and auth_time are those of the login", idTokenRule(func(_ *run, t idToken) error {
		now, skew := float64(time.Now().Unix()), 60.0
		iat, nbf, exp, login := t.number("iat"), t.number("nbf"), t.number("exp"), t.number("auth_time")
		if iat > now+skew || iat < now-3600 || nbf > now+skew || exp <= now-skew || exp <= iat || exp > iat+3600 || login > iat || login < iat-skew {
			return fmt.Errorf("now is %.0f, iat %.0f, nbf %.0f, exp %.0f, auth_time %.0f", now, iat, nbf, exp, login)
		}
		return nil
	})},
	{8, "id-token/user", "it tells the address that was proved, in lower case, and how", idTokenRule(func(r *run, t idToken) error {
		if err := t.has("email", strings.ToLower(r.address)); err != nil {
			return err
		}
		if amr, _ := t.claims["amr"].([]any); t.claims["email_verified"] != true || len(amr) != 1 || amr[0] != "otp" {
			return fmt.Errorf("email_verified is %v, amr %v", t.claims["email_verified"], t.claims["amr"])
		}
		return nil
	})},
	{8, "id-token/names", "it names the user, the session as it is listed, and itself", idTokenRule(func(r *run, t idToken) error {
		id, err := currentSession(r.send(r.app.get(sessionsPath)), r.app)
		if err != nil {
			return uncheckedError("the session is not listed")
		}
		if sub, _ := t.claims["sub"].(string); sub == "" || strings.Contains(sub, "@") {
			return fmt.Errorf("sub is %q", sub)
		}
		if jti, _ := t.claims["jti"].(string); jti == "" {
			return fmt.Errorf("jti is %q", jti)
		}
		return t.has("sid", id)
	})},
}

// idTokenRule is a check of the token of the login.
func idTokenRule(check func(*run, idToken) error) func(*run) error {
	return loggedIn(func(r *run) error {
		t, err := parseIDToken(r.login.text("id_token"))
		if err != nil {
			return err
		}
		return check(r, t)
	})
}
