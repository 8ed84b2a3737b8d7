package auth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
)

var algorithms = []string{auth.RS256, auth.ES256, auth.EdDSA}

// header reads the header of a token without checking it.
func header(t *testing.T, token string) (h map[string]any) {
	t.Helper()
	doc, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err == nil {
		err = json.Unmarshal(doc, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// strict checks a token as another service would, with the published keys and
// every option that makes it stricter.
func strict(k *kit, algorithm, token string, more ...jwt.ParserOption) (*jwt.Token, error) {
	k.Helper()
	keys, err := keyfunc.NewJWKSetJSON(k.do(bare(k, "GET", "/api/v1/oauth2/keys")).body)
	if err != nil {
		k.Fatal(err)
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{algorithm}), jwt.WithIssuer(k.conf.Issuer), jwt.WithAudience("app"),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithNotBeforeRequired(), jwt.WithStrictDecoding(),
	}
	return jwt.NewParser(append(options, more...)...).Parse(token, keys.Keyfunc)
}

func verify(k *kit, algorithm, token string) {
	k.Helper()
	if parsed, err := strict(k, algorithm, token); err != nil || !parsed.Valid {
		k.Errorf("%s: %v", algorithm, err)
	}
}

// What is in an id_token, and of which type.
func TestAbuse_D11_Claims(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			play(t, func(c *auth.Config) { c.SigningAlgorithm = algorithm }, func(k *kit) {
				time.Sleep(time.Minute + 999*time.Millisecond)
				code := k.code("Ann@B.Example")
				now := time.Now().Unix()
				reply := k.login("Ann@B.Example", code)
				token := reply.field(t, "id_token")
				verify(k, algorithm, token)

				if got, want := header(t, token), (map[string]any{"alg": algorithm, "typ": "JWT", "kid": k.auth.KeyIDs()[0]}); !maps.Equal(got, want) {
					t.Errorf("header %v, want %v", got, want)
				}
				c := claims(t, token)
				given := map[string]any{
					"iss": "https://app.example", "aud": "app", "email": "ann@b.example", "email_verified": true,
					"iat": float64(now), "nbf": float64(now), "auth_time": float64(now), "exp": float64(now + 300),
				}
				for name, want := range given {
					if c[name] != want {
						t.Errorf("%s is %v (%T), want %v (%T)", name, c[name], c[name], want, want)
					}
				}
				if amr, ok := c["amr"].([]any); !ok || len(amr) != 1 || amr[0] != "otp" {
					t.Errorf("amr is %v", c["amr"])
				}
				for _, name := range []string{"sub", "jti", "sid"} {
					if s, ok := c[name].(string); !ok || len(s) < 22 || len(s) > 255 {
						t.Errorf("%s is %v", name, c[name])
					}
				}
				names := append(slices.Collect(maps.Keys(given)), "amr", "sub", "jti", "sid")
				if len(c) != len(names) {
					t.Errorf("claims %v, want %v", c, names)
				}
				user, _, err := k.conf.Store.UserByEmail(k.Context(), "ann@b.example")
				if err != nil || c["sub"] != user.ID {
					t.Errorf("sub is %v, want %v (%v)", c["sub"], user.ID, err)
				}
				session := reply.field(t, "session_token")
				if strings.Contains(session+token, c["sid"].(string)) || strings.Contains(token, session) {
					t.Error("the session's public id tells the token")
				}

				k.pass(time.Hour)
				again := claims(t, k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token"))
				if again["sub"] != c["sub"] || again["jti"] == c["jti"] || again["sid"] == c["sid"] {
					t.Errorf("the second login has %v, the first %v", again, c)
				}
			})
		})
	}
}

// An id_token says no more than it should, to nobody else, and not for longer.
func TestIDTokenIsRefused(t *testing.T) {
	t.Parallel()
	for _, algorithm := range algorithms {
		play(t, func(c *auth.Config) { c.SigningAlgorithm = algorithm }, func(k *kit) {
			token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
			verify(k, algorithm, token)
			parts := strings.Split(token, ".")
			for _, other := range algorithms {
				if _, err := strict(k, other, token); (err == nil) != (other == algorithm) {
					t.Errorf("%s as %s: %v", algorithm, other, err)
				}
			}
			for name, options := range map[string][]jwt.ParserOption{
				"another audience": {jwt.WithAudience("other")},
				"another issuer":   {jwt.WithIssuer("https://app.example/")},
				"before its time":  {jwt.WithTimeFunc(func() time.Time { return time.Now().Add(-2 * time.Second) })},
				"after its time":   {jwt.WithTimeFunc(func() time.Time { return time.Now().Add(5 * time.Minute) })},
			} {
				if _, err := strict(k, algorithm, token, options...); err == nil {
					t.Errorf("%s: it was accepted", name)
				}
			}
			none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT","kid":"` + k.auth.KeyIDs()[0] + `"}`))
			for name, forged := range map[string]string{
				"no signature":      parts[0] + "." + parts[1] + ".",
				"alg none":          none + "." + parts[1] + ".",
				"alg none, signed":  none + "." + parts[1] + "." + parts[2],
				"a changed payload": parts[0] + "." + parts[1][:10] + "A" + parts[1][11:] + "." + parts[2],
			} {
				if forged == token {
					continue // it was an A before
				}
				if _, err := strict(k, algorithm, forged); err == nil {
					t.Errorf("%s: it was accepted", name)
				}
			}
		})
	}
}

func TestIDTokenLifetime(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{time.Second, 90 * time.Second, time.Hour} {
		play(t, func(c *auth.Config) { c.IDTokenLifetime = life }, func(k *kit) {
			c := claims(t, k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token"))
			if got := c["exp"].(float64) - c["iat"].(float64); got != life.Seconds() {
				t.Errorf("it lives for %v s, want %v", got, life)
			}
		})
	}
}

// What the host adds is in the token, whatever is in what it adds.
func TestAbuse_G18_ExtraClaims(t *testing.T) {
	t.Parallel()
	extra := map[string]any{
		"name": `Ann","admin":true,"x":"`, "roles": []any{"a", "b"}, "level": 3.0, "nothing": nil,
		"nested": map[string]any{"sub": "another", "exp": 1.0}, "": "no name", "ünï": "<b>&\u2028",
	}
	play(t, func(c *auth.Config) {
		c.ExtraClaims = func(context.Context, auth.Identity) (map[string]any, error) { return extra, nil }
	}, func(k *kit) {
		token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
		verify(k, auth.ES256, token)
		c := claims(t, token)
		for name, want := range extra {
			if got, there := c[name]; !there || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%q is %v, want %v", name, got, want)
			}
		}
		if _, there := c["admin"]; there || len(c) != 12+len(extra) {
			t.Errorf("claims %v", c)
		}
		if len(extra) != 7 {
			t.Errorf("the host's map was changed: %v", extra)
		}
	})
}

// The names that mailkey sets, and those that a verifier would believe of it,
// are refused. The code still works when the host has mended its function.
func TestAbuse_G18_ReservedClaims(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		value any
	}{
		{"iss", "https://evil.example"},
		{"sub", "somebody"},
		{"aud", "other"},
		{"exp", 4102444800},
		{"nbf", 0},
		{"iat", 0},
		{"jti", "x"},
		{"auth_time", 0},
		{"sid", "x"},
		{"amr", []string{"mfa"}},
		{"acr", "high"},
		{"azp", "other"},
		{"nonce", "x"},
		{"at_hash", "x"},
		{"c_hash", "x"},
		{"email", "root@b.example"},
		{"email_verified", false},
		{"sub", nil},
		{"SUB", "somebody"}, // what encoding/json takes for it
		{"\u017fub", "somebody"},
		{"i\u017f\u017f", "https://evil.example"},
		{"\u017fid", "x"},
		{"Exp", 4102444800},
		{"EMAIL", "root@b.example"},
		{"what JSON cannot say", math.NaN()},
		{"what JSON cannot say, either", make(chan int)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			broken := true
			play(t, func(c *auth.Config) {
				c.ExtraClaims = func(context.Context, auth.Identity) (map[string]any, error) {
					if broken {
						return map[string]any{"fine": 1, row.name: row.value}, nil
					}
					return nil, nil
				}
			}, func(k *kit) {
				code := k.code("ann@b.example")
				a := k.login("ann@b.example", code)
				if a.code() != string(auth.ReasonBusy) || a.status != 500 || a.header.Get("Retry-After") == "" {
					t.Errorf("%d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
				}
				if _, exists, _ := k.conf.Store.UserByEmail(k.Context(), "ann@b.example"); exists {
					t.Error("the user was made all the same")
				}
				broken = false
				if a := k.login("ann@b.example", code); a.status != 200 {
					t.Errorf("the code afterwards: %s", a.body)
				}
			})
		})
	}
}

// Of a login and its failures, the log tells nothing that opens or names
// anything, not even at the level for debugging.
func TestAbuse_J02_LogsTellNothing(t *testing.T) {
	t.Parallel()
	broken := true
	play(t, func(c *auth.Config) {
		c.OnLogin = func(context.Context, auth.Identity) error {
			if broken {
				return errHost
			}
			return nil
		}
	}, func(k *kit) {
		secrets := map[string]string{
			"the address": "ann@b.example", "a part of the address": "b.example", "the fingerprint": k.device, "the secret": string(testSecret),
		}
		secrets["the captcha"], _ = k.solve()
		secrets["the captcha_token"] = k.ticket("ann@b.example")
		k.mails.fail = func(try int) error {
			if try == 1 {
				return errors.New("greylisted")
			}
			return nil
		}
		k.post(sendPath, "email", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", secrets["the captcha_token"])
		time.Sleep(time.Minute)
		code := k.mails.last().Code
		secrets["the code"], secrets["a wrong code"] = code, wrong(code)
		k.login("ann@b.example", wrong(code))
		k.login("ann@b.example", code)
		broken = false
		a := k.login("ann@b.example", code)
		secrets["the session_token"], secrets["the id_token"] = a.field(t, "session_token"), a.field(t, "id_token")
		k.login("ann@b.example", code)
		log := k.log.String()
		for what, text := range secrets {
			if text == "" || strings.Contains(log, text) {
				t.Errorf("%s (%q) is in the log: %s", what, text, log)
			}
		}
		for _, result := range []string{"wrong code", "ok", "no live code", errHost.Error(), "greylisted"} {
			if !strings.Contains(log, result) {
				t.Errorf("%q is not in the log: %s", result, log)
			}
		}
	})
}
