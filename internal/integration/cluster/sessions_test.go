package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// subject is the user that a login's id_token is about.
func subject(tb testing.TB, login reply) string {
	tb.Helper()
	parts := strings.Split(login.field("id_token"), ".")
	if len(parts) != 3 {
		tb.Fatalf("no id_token in %s", login.text)
	}
	doc, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(doc, &claims); err != nil {
		tb.Fatal(err)
	}
	return claims.Sub
}

// However a session ends, no instance takes it a second later.
func TestAbuse_F04_theEndIsSeenEverywhere(t *testing.T) {
	t.Parallel()
	c := standing(t)
	admin := c.admin(t)
	for _, test := range []struct {
		name string
		end  func(ctx context.Context, d device, user auth.User) error
	}{
		{"logout", func(_ context.Context, d device, _ auth.User) error {
			d.at(c.instances[1].url()).do(t, "POST", logoutPath, nil, ok)
			return nil
		}},
		{"logout from the list of sessions", func(_ context.Context, d device, _ auth.User) error {
			list := d.at(c.instances[2].url()).do(t, "GET", sessionsPath, nil, ok)
			id := list.body["sessions"].([]any)[0].(map[string]any)["id"].(string)
			d.at(c.instances[0].url()).do(t, "DELETE", sessionsPath+"/"+id, nil, ok)
			return nil
		}},
		{"user disabled", func(ctx context.Context, _ device, user auth.User) error { return admin.DisableUser(ctx, user.ID) }},
		{"sessions revoked", func(ctx context.Context, _ device, user auth.User) error { return admin.RevokeSessions(ctx, user.ID) }},
		{"user deleted", func(ctx context.Context, _ device, user auth.User) error { return admin.DeleteUser(ctx, user.ID) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := newAddress()
			d := newDevice(c.url).login(t, c.relay, address)
			for _, i := range c.instances {
				d.at(i.url()).do(t, "GET", sessionsPath, nil, ok)
			}
			user, err := admin.UserByEmail(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.end(t.Context(), d, user); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(time.Second)
			for _, i := range c.instances {
				for d.at(i.url()).do(t, "GET", sessionsPath, nil).String() != noSession {
					if time.Now().After(deadline) {
						t.Fatal("an instance still takes the session after a second")
					}
				}
				d.at(i.url()).do(t, "POST", refreshPath, nil, "400 IDAAS.SDK.PARAM.0023")
			}
		})
	}
}
