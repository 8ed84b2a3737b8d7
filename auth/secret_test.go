package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAbuse_J05_SecretCheck(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, secret, want string }{
		{"none", "", "has 0 bytes, fewer than 32: make one with openssl rand -hex 32"},
		{"a short one", "a secret", "has 8 bytes, fewer than 32: make one with openssl rand -hex 32"},
		{"31 bytes", strings.Repeat("0123456789", 4)[:31], "has 31 bytes, fewer than 32: make one with openssl rand -hex 32"},
		{"zeros", strings.Repeat("\x00", 32), "is not random: make one with openssl rand -hex 32"},
		{"one letter", strings.Repeat("x", 64), "is not random: make one with openssl rand -hex 32"},
		{"a word again and again", strings.Repeat("changeme", 4), "is not random: make one with openssl rand -hex 32"},
		{"another word", strings.Repeat("password", 8), "is not random: make one with openssl rand -hex 32"},
		{"seven bytes", strings.Repeat("1234567", 5), "is not random: make one with openssl rand -hex 32"},
		{"seven bytes without a rule", "01234560621543054326106543210012", "is not random: make one with openssl rand -hex 32"},
		{"eight", "01234560621543054326106543210017", ""},
		{"digits in order, twice", strings.Repeat("0123456789abcdef", 2), "is not random: make one with openssl rand -hex 32"},
		{"a sentence, twice", "the quick brown fox jumps. the quick brown fox jumps. ", "is not random: make one with openssl rand -hex 32"},
		{"a placeholder", "please-change-me-to-32-random-bytes", "is not random: make one with openssl rand -hex 32"},
		{"a placeholder in capitals", "YOUR_SECRET_KEY_GOES_HERE_0123456789", "is not random: make one with openssl rand -hex 32"},
		{"an example", "an Example of enough bytes 1234567890", "is not random: make one with openssl rand -hex 32"},
		{"a password", "P@ssw0rd!correct-password-for-prod-9", "is not random: make one with openssl rand -hex 32"},
		{"bytes", string(randomBytes(32)), ""},
		{"more bytes", string(randomBytes(64)), ""},
		{"hexadecimal", hex.EncodeToString(randomBytes(32)), ""},
		{"base 64", base64.StdEncoding.EncodeToString(randomBytes(32)), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := Secret(row.secret).check(); err != nil {
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// Whatever a secret is printed with, nothing of it shows.
func TestAbuse_J02_SecretIsRedacted(t *testing.T) {
	t.Parallel()
	secret := Secret("a canary of thirty-two bytes 0123")
	config := Config{Secret: secret, PreviousSecrets: []Secret{secret}}
	short := config
	short.Secret, short.PreviousSecrets = secret[:20], []Secret{secret[:20]}
	_, err := New(short)

	printed := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%10.3s"} {
		printed["Secret "+verb] = fmt.Sprintf(verb, secret)
		printed["*Secret "+verb] = fmt.Sprintf(verb, &secret)
		printed["[]Secret "+verb] = fmt.Sprintf(verb, []Secret{secret})
		printed["map "+verb] = fmt.Sprintf(verb, map[string]any{"a": secret})
		printed["struct "+verb] = fmt.Sprintf(verb, struct{ Secret Secret }{secret})
		printed["Config "+verb] = fmt.Sprintf(verb, config)
		printed["*Config "+verb] = fmt.Sprintf(verb, &config)
	}
	printed["Sprint"] = fmt.Sprint(secret)
	printed["String"] = secret.String()
	printed["an error"] = fmt.Errorf("%v: %w", secret, errors.New("x")).Error()
	printed["New"] = fmt.Sprintf("%v %+v %#v", err, err, err)
	for name, v := range map[string]any{"Secret": secret, "*Secret": &secret, "struct": struct{ S []Secret }{[]Secret{secret}}} {
		doc, err := json.Marshal(v)
		if err != nil {
			t.Errorf("JSON of %s: %v", name, err)
		}
		printed["JSON of "+name] = string(doc)
		for kind, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("x", "v", v, "config", config)
			printed["slog of "+name+" as "+kind] = b.String()
		}
	}

	for how, text := range printed {
		for spelling, trace := range map[string]string{
			"plain":       "canary",
			"hexadecimal": hex.EncodeToString([]byte("canary")),
			"capitals":    strings.ToUpper(hex.EncodeToString([]byte("canary"))),
			"decimal":     "99 97 110 97 114 121",
			"Go":          "0x63, 0x61, 0x6e",
			"spaced":      "63 61 6e 61",
			"octal":       "143 141 156",
			"binary":      "1100011 1100001",
			"letters":     "c a n a r y",
			"code points": "U+0063 U+0061",
			"base 64":     base64.StdEncoding.EncodeToString(secret)[:20],
		} {
			if strings.Contains(text, trace) {
				t.Errorf("%s shows it (%s): %s", how, spelling, text)
			}
		}
		if !strings.Contains(text, redacted) && how != "New" {
			t.Errorf("%s does not say that something is left out: %s", how, text)
		}
	}
}

// An Auth prints as one short line, whatever it is printed with and wherever it
// is: it holds every key there is.
func TestAbuse_J02_AuthPrintsNoSecret(t *testing.T) {
	t.Parallel()
	config := leastConfig()
	config.Secret, config.SigningAlgorithm = Secret(randomBytes(32)), ES256
	a, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	const want = "login at https://app.example"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%e", "%t", "%U", "%10.3s"} {
		if got := fmt.Sprintf(verb, a); got != want {
			t.Errorf("%s: %s", verb, got)
		}
		// Inside of other values only what is exported calls our methods.
		for name, v := range map[string]any{
			"a slice": []*Auth{a}, "a map": map[string]any{"a": a}, "an array": [1]any{a}, "an app": struct{ Auth *Auth }{a},
		} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, want) {
				t.Errorf("%s with %s: %s", name, verb, got)
			}
		}
	}
	printed := map[string]string{"Sprint": fmt.Sprint(a), "Sprintln": fmt.Sprintln(a), "an error": fmt.Errorf("%v: %w", a, errors.New("x")).Error()}
	printed["an app that embeds it"] = fmt.Sprintf("%v %+v %#v", struct{ *Auth }{a}, struct{ *Auth }{a}, struct{ *Auth }{a})
	printed["an app that hides it"] = fmt.Sprintf("%v %+v", struct{ auth *Auth }{a}, struct{ auth *Auth }{a}) // its address
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "auth", a, "app", struct{ Auth *Auth }{a})
	slog.New(slog.NewJSONHandler(&b, nil)).Info("JSON", "auth", a, "app", struct{ Auth *Auth }{a})
	printed["slog"] = b.String()
	doc, _ := json.Marshal(map[string]any{"auth": a, "app": struct{ Auth *Auth }{a}})
	printed["JSON"] = string(doc)
	private := a.Private()
	for _, s := range a.secrets {
		private = append(private, s.rotate)
	}
	for how, text := range printed {
		for _, key := range append(private, config.Secret) {
			for _, spelling := range []string{
				string(key[:8]), hex.EncodeToString(key[:4]), strings.ToUpper(hex.EncodeToString(key[:4])),
				base64.StdEncoding.EncodeToString(key[:6]), strings.Trim(fmt.Sprint(key[:6]), "[]"),
				strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key[:6]), "[]byte{"), "}"),
			} {
				if strings.Contains(text, spelling) {
					t.Errorf("%s shows a key as %q: %s", how, spelling, text)
				}
			}
		}
	}
}

// Each use of a secret has a key of its own, and none tells another.
func TestSecretKeys(t *testing.T) {
	t.Parallel()
	one, two := Secret(randomBytes(32)), Secret(randomBytes(32))
	a, b := one.keys(), two.keys()
	if again := one.keys(); again.id != a.id || !bytes.Equal(again.code, a.code) || !bytes.Equal(again.seal, a.seal) || !bytes.Equal(again.rotate, a.rotate) {
		t.Error("one secret has different keys")
	}
	if a.id == b.id || bytes.Equal(a.code, b.code) || bytes.Equal(a.seal, b.seal) || bytes.Equal(a.rotate, b.rotate) {
		t.Error("two secrets have a key in common")
	}
	if bytes.Equal(a.rotate, a.code) || bytes.Equal(a.rotate, a.seal) || len(a.rotate) != 32 {
		t.Error("tokens are rotated under the key of another use")
	}
	if bytes.Equal(a.code, a.seal) || strings.HasPrefix(hex.EncodeToString(a.code), a.id) || strings.HasPrefix(hex.EncodeToString(a.seal), a.id) {
		t.Error("two uses have a key in common")
	}
	if len(a.id) != 12 || len(a.code) != 32 || len(a.seal) != 32 {
		t.Errorf("lengths %d, %d, %d", len(a.id), len(a.code), len(a.seal))
	}
}

func TestSealBox(t *testing.T) {
	t.Parallel()
	key, text := randomBytes(32), []byte("what is in the box")
	box := sealBox(key, text)
	if got, ok := openBox(key, box); !ok || !bytes.Equal(got, text) {
		t.Errorf("opened to %q, %v", got, ok)
	}
	if bytes.Equal(box, sealBox(key, text)) {
		t.Error("two boxes of one text are alike")
	}
	if _, ok := openBox(randomBytes(32), box); ok {
		t.Error("another key opens it")
	}
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		if _, ok := openBox(key, bad); ok {
			t.Errorf("it opens with byte %d changed", i)
		}
		if _, ok := openBox(key, box[:i]); ok {
			t.Errorf("it opens when cut to %d bytes", i)
		}
	}
	if _, ok := openBox(key, nil); ok {
		t.Error("nothing opens")
	}
}

// Keys are as another implementation of HKDF has them: whatever else they were,
// codes, cookies and the keys in the store would be of no use after an update.
func TestSecretKeysStay(t *testing.T) {
	t.Parallel()
	keys := Secret("correct horse battery staple 0123456789").keys()
	for name, row := range map[string][2]string{
		"id":     {keys.id, "5f0eded3d74f"},
		"code":   {hex.EncodeToString(keys.code), "bfb6daf45111896ffde9ca2f8ea70658d341e8a0159da3cab6e534adfcbc00df"},
		"seal":   {hex.EncodeToString(keys.seal), "d234458f9b75a06c01be6b48789313eb3674510a78d890f3354bbb6e68992b29"},
		"rotate": {hex.EncodeToString(keys.rotate), "9f9e4e7461612719702769492250a50cad38214168bc4e27a7d7010032e96a44"},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: got %s, want %s", name, row[0], row[1])
		}
	}
}
