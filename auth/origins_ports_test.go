package auth_test

import (
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

// Browsers leave the default port out of an origin, and name any other: what
// they could never send is a mistake of the configuration.
func TestAbuse_E22_portsOfConfiguredOrigins(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		origin string
		ok     bool
	}{
		{"https://spa.example", true},
		{"http://spa.example", true},
		{"https://spa.example:8443", true},
		{"http://spa.example:8080", true},
		{"https://spa.example:1", true},
		{"https://spa.example:65535", true},
		{"https://spa.example:80", true}, // not the default of https
		{"http://spa.example:443", true}, // nor this of http
		{"http://localhost:3000", true},
		{"http://127.0.0.1:3000", true},
		{"https://[2001:db8::1]", true},
		{"https://[2001:db8::1]:8443", true},

		{"https://spa.example:443", false},
		{"http://spa.example:80", false},
		{"https://[2001:db8::1]:443", false},
		{"http://[::1]:80", false},
		{"http://127.0.0.1:80", false},
		{"https://spa.example:", false},
		{"https://spa.example:0", false},
		{"https://spa.example:0443", false},
		{"https://spa.example:08443", false},
		{"https://spa.example:65536", false},
		{"https://spa.example:99999", false},
		{"https://spa.example:-1", false},
		{"https://spa.example:+443", false},
		{"https://spa.example:443:443", false},
		{"https://spa.example: 8443", false},
		{"https://spa.example:https", false},
		{"https://spa.example:8443/", false},
		{"https://spa.example:*", false},
		{"https://*:8443", false},
		{"https://*.spa.example", false},
		{"https://:8443", false},
		{"https://2001:db8::1", false},
		{"https://[2001:db8::1", false},
		{"https://[2001:db8::1]8443", false},
	} {
		_, err := auth.New(auth.Config{
			Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example", SigningAlgorithm: auth.ES256,
			Clients: []auth.Client{{ID: "app", Origins: []string{row.origin}}},
		})
		if row.ok && err != nil || !row.ok && (err == nil || !strings.Contains(err.Error(), "is not an origin")) {
			t.Errorf("%s: %v, want it accepted: %v", row.origin, err, row.ok)
		}
	}
}

// A port is a part of the origin, and so is its absence.
func TestAbuse_E22_portsOfRequests(t *testing.T) {
	t.Parallel()
	origins := []string{"https://spa.example", "https://spa.example:8443", "http://spa.example:443", "https://[2001:db8::1]:8443"}
	play(t, func(c *auth.Config) { c.Clients = []auth.Client{{ID: "app", Origins: origins}} }, func(k *kit) {
		for _, row := range []struct {
			origin string
			ok     bool
		}{
			{"https://spa.example", true},
			{"https://spa.example:8443", true},
			{"http://spa.example:443", true},
			{"https://[2001:db8::1]:8443", true},

			{"https://spa.example:443", false}, // the same place, but nothing that a browser sends
			{"https://spa.example:08443", false},
			{"https://spa.example:8444", false},
			{"https://spa.example:84430", false},
			{"https://spa.example:844", false},
			{"https://spa.example:", false},
			{"http://spa.example", false},
			{"http://spa.example:80", false},
			{"http://spa.example:8443", false},
			{"https://[2001:db8::1]", false},
			{"https://[2001:db8::1]:443", false},
			{"https://[2001:db8:0::1]:8443", false},
			{"https://2001:db8::1:8443", false},
		} {
			allowed := ""
			if row.ok {
				allowed = row.origin
			}
			ask := bare(k, "OPTIONS", loginPath)
			ask.Header.Set("Origin", row.origin)
			ask.Header.Set("Access-Control-Request-Method", "POST")
			a := k.do(ask)
			checkCORS(t, "preflight of "+row.origin, a, allowed)
			if (a.status == 204) != row.ok {
				t.Errorf("preflight of %s: %d", row.origin, a.status)
			}
			a = k.do(k.fromOrigin("POST", loginPath, row.origin, "{}"))
			checkCORS(t, "login of "+row.origin, a, allowed)
			if (a.code() == string(auth.ReasonEmailEmpty)) != row.ok || (a.code() == string(auth.ReasonCrossOrigin)) == row.ok {
				t.Errorf("login of %s: %s", row.origin, a.body)
			}
		}
	})
}
