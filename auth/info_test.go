package auth_test

import (
	"reflect"
	"testing"

	"example.com/mailkey/auth"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	k := newKit(t, openMemory(t), func(c *auth.Config) {
		c.Issuer = "https://app.example/auth"
		c.DefaultLanguage = "zh"
		c.Clients = []auth.Client{{ID: "app"}, {ID: "web", Cookie: true}, {ID: "admin", Cookie: true}}
	})
	want := auth.Info{
		ProductName: "Acme", Path: "/auth", CookieClients: []string{"web", "admin"},
		Captchas: []string{"pow", "digits"}, Languages: []string{"zh", "en"}, ListsSessions: true,
	}
	if got := k.auth.Info(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	got := newKit(t, openMemory(t), inForeignStore).auth.Info()
	if got.ListsSessions || got.Path != "" {
		t.Errorf("sessions in a store of scs, mounted at the root: got %+v", got)
	}
}
