package auth_test

import (
	"context"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

func TestZZRetryAfterVsGrace(t *testing.T) {
	broken := false
	play(t, func(c *auth.Config) {
		rotating(c)
		c.ExtraClaims = func(context.Context, auth.Identity) (map[string]any, error) {
			if broken {
				return nil, errHost
			}
			return nil, nil
		}
	}, func(k *kit) {
		token, _ := k.signIn("ann@b.example")
		broken = true
		a := k.refresh(token)
		t.Log(a.status, string(a.body), a.header.Get("Retry-After"))
		broken = false
		waitAsTold(t, a)
		a = k.refresh(token)
		t.Log(a.status, string(a.body))
	})
}

func TestZZTwoSecretsRotate(t *testing.T) {
	play(t, func(c *auth.Config) { rotating(c); c.PreviousSecrets = []auth.Secret{newSecret} }, func(k *kit) {
		other := k.as(func(o *kit) {
			o.conf.Secret, o.conf.PreviousSecrets = newSecret, []auth.Secret{oldSecret}
			o.restart()
		})
		token, _ := k.signIn("ann@b.example")
		t.Log(k.refresh(token).status)
		time.Sleep(time.Second)
		a := other.refresh(token)
		t.Log(a.status, string(a.body))
	})
}

func TestZZIfNoneMatch(t *testing.T) {
	play(t, nil, func(k *kit) {
		etag := k.get(keysPath).header.Get("ETag")
		r := bare(k, "GET", keysPath)
		r.Header.Set("If-None-Match", "*")
		t.Log("star", k.do(r).status)
		r = bare(k, "GET", keysPath)
		r.Header["If-None-Match"] = []string{`"x"`, etag}
		t.Log("two lines", k.do(r).status)
		for _, iss := range []string{"https://app.example:99999", "https://a..b", "https://a.-b.example", "https://[::ffff:1]", "https://[fe80::1]:1", "https://[1]", "https://1.2.3", "https://a:65536"} {
			_, err := auth.New(auth.Config{Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: iss, Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256})
			t.Log(iss, err)
		}
		for _, o := range []string{"https://*", "https://*.example", "https://ä.example", "https://spa.example:443", "https://spa.example:99999", "http://spa.example", "https://<x>", "https://spa.example:", "https://:443", "https://a b"} {
			_, err := auth.New(auth.Config{Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example", Clients: []auth.Client{{ID: "app", Origins: []string{o}}}, SigningAlgorithm: auth.ES256})
			t.Log(o, err)
		}
	})
}
