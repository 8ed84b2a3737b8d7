package auth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"example.com/mailkey/auth"
)

// The statuses and texts are given: testdata/messages.golden is not made from
// the code.
func TestMessages(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/messages.golden")
	if err != nil {
		t.Fatal(err)
	}
	a := newAuth(t, nil)
	var given []auth.Reason
	for entry := range strings.SplitSeq(strings.TrimSpace(string(golden)), "\n\n") {
		reason := auth.Reason(strings.SplitN(entry, "\n", 2)[0])
		given = append(given, reason)
		got := fmt.Sprintf("%s\n%d\n%s\n%s", reason, auth.Status(reason), a.Text("en", reason), a.Text("zh", reason))
		if got != entry {
			t.Errorf("got\n%s\nwant\n%s", got, entry)
		}
	}
	slices.Sort(given)
	if reasons := auth.Reasons(); !slices.Equal(reasons, given) {
		t.Errorf("reasons are %v, want %v", reasons, given)
	}
}

// newAuth makes an Auth without a server.
func newAuth(t *testing.T, change func(*auth.Config)) *auth.Auth {
	t.Helper()
	config := auth.Config{
		Store: openMemory(t), Mailer: &mailbox{}, Secret: testSecret, Issuer: "https://app.example",
		Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256,
	}
	if change != nil {
		change(&config)
	}
	a, err := auth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every built-in language has a text for every reason, and a file with nothing
// else in it.
func TestBuiltinLanguages(t *testing.T) {
	t.Parallel()
	a := newAuth(t, nil)
	if got := a.Languages(); !slices.Equal(got, []string{"en", "zh"}) {
		t.Errorf("languages %v", got)
	}
	for _, lang := range a.Languages() {
		for _, r := range auth.Reasons() {
			text := a.Text(lang, r)
			if text == "" || !utf8.ValidString(text) || strings.TrimSpace(text) != text || strings.ContainsAny(text, "<>&\n") {
				t.Errorf("%s in %s: %q", r, lang, text)
			}
			if status := auth.Status(r); status < 400 || status > 500 || http.StatusText(status) == "" {
				t.Errorf("%s has status %d", r, status)
			}
		}
		data, err := os.ReadFile("messages/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[auth.Reason]string
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatal(err)
		}
		for r := range texts {
			if auth.Status(r) == 0 {
				t.Errorf("messages/%s.json: %s is no reason", lang, r)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	builtin := newAuth(t, nil)
	chinese := newAuth(t, func(c *auth.Config) { c.DefaultLanguage = "zh" })
	more := newAuth(t, func(c *auth.Config) {
		c.Messages = map[string]map[auth.Reason]string{"fr": texts("fr"), "pt-BR": texts("pt-BR"), "zh-Hant": texts("zh-Hant")}
	})
	for _, row := range []struct {
		name       string
		auth       *auth.Auth
		xl, accept string
		want       string
	}{
		{"nothing asked for", builtin, "", "", "en"},
		{"nothing asked for, another default", chinese, "", "", "zh"},
		{"en", chinese, "en", "", "en"},
		{"zh", builtin, "zh", "", "zh"},
		{"capitals", builtin, "ZH", "", "zh"},
		{"mainland China", builtin, "zh-CN", "", "zh"},
		{"mainland China, by script", builtin, "zh-Hans-CN", "", "zh"},
		{"an underscore", builtin, "zh_Hans", "", "zh"},
		{"an underscore and a country", builtin, "zh_CN", "", "zh"},
		{"Taiwan, rather than English", builtin, "zh-TW", "", "zh"},
		{"American English", chinese, "en-US", "", "en"},
		{"X-L before Accept-Language", builtin, "zh", "en", "zh"},
		{"X-L before Accept-Language, the other way round", chinese, "en", "zh", "en"},
		{"Accept-Language alone", builtin, "", "zh-CN,zh;q=0.9,en;q=0.8", "zh"},
		{"the best of Accept-Language", builtin, "", "en;q=0.5, zh;q=0.8", "zh"},
		{"the first that there is", builtin, "", "fr, zh;q=0.5, en;q=0.4", "zh"},
		{"not acceptable", chinese, "", "zh;q=0, en", "en"},
		{"X-L that there is not", builtin, "fr", "zh", "zh"},
		{"X-L and Accept-Language that there are not", chinese, "fr", "fr", "zh"},
		{"X-L undetermined", builtin, "und", "zh", "zh"},
		{"X-L well-formed and unknown", builtin, "zz", "zh", "zh"},
		{"X-L is a path", builtin, "../../etc/passwd", "zh", "zh"},
		{"X-L is junk", builtin, ";;;", "zh", "zh"},
		{"X-L is not UTF-8", builtin, "\xff\xfe", "zh", "zh"},
		{"Accept-Language is junk", chinese, "", "q=1;;,*;=", "zh"},
		{"Accept-Language is anything", chinese, "", "*", "zh"},
		{"Accept-Language has 256 bytes", chinese, "", strings.Repeat(" ", 254) + "en", "en"},
		{"Accept-Language has 257 bytes", chinese, "", strings.Repeat(" ", 255) + "en", "zh"},
		{"Accept-Language is long", chinese, "", strings.Repeat("en,", 100), "zh"},
		{"X-L is long", builtin, strings.Repeat("zh-", 100), "", "en"},
		{"many hyphens", builtin, strings.Repeat("-", 255), "zh", "zh"},
		{"a language of the host", more, "fr", "", "fr"},
		{"a country of a language of the host", more, "fr-CA", "", "fr"},
		{"a language of the host for a country", more, "pt", "", "pt-BR"},
		{"Taiwan, where the host has it", more, "zh-TW", "", "zh-Hant"},
		{"China, where the host has Taiwan's", more, "zh-CN", "", "zh"},
		{"the built-in ones beside the host's", more, "en", "", "en"},
	} {
		if got := row.auth.Language(row.xl, row.accept); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// X-L is a language tag of at most sixteen bytes, once.
func TestLanguageHeader(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, row := range []struct {
			name   string
			values []string
			want   auth.Reason
		}{
			{"none", nil, auth.ReasonCode},
			{"an empty one", []string{""}, auth.ReasonCode},
			{"sixteen bytes", []string{"zh-Hans-CN-a-bcd"}, auth.ReasonCode},
			{"seventeen bytes", []string{"zh-Hans-CN-a-bcde"}, auth.ReasonDevice},
			{"spaces around it", []string{"  zh  "}, auth.ReasonCode},
			{"a long list", []string{"zh,en,zh,en,zh,en,zh"}, auth.ReasonDevice},
			{"a kilobyte", []string{strings.Repeat("a", 1024)}, auth.ReasonDevice},
			{"twice", []string{"zh", "zh"}, auth.ReasonDevice},
			{"no tag", []string{"<b>"}, auth.ReasonDevice},
			{"not UTF-8", []string{"\xff"}, auth.ReasonDevice},
		} {
			r := k.request("POST", loginPath, object("email", "ann@b.example", "verify_code", "123456"))
			r.Header["X-L"] = row.values
			if a := k.do(r); a.code() != string(row.want) {
				t.Errorf("%s: %s, want %s", row.name, a.body, row.want)
			}
		}
	})
}

// texts has a text for every reason.
func texts(lang string) map[auth.Reason]string {
	m := make(map[auth.Reason]string)
	for _, r := range auth.Reasons() {
		m[r] = string(r) + " in " + lang
	}
	return m
}

// A language of the host is answered and mailed in.
func TestLanguageOfTheHost(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) {
		c.Messages = map[string]map[auth.Reason]string{"fr": texts("fr")}
	}, func(k *kit) {
		k.lang = "fr-FR"
		a := k.get("/nowhere")
		if got := a.field(t, "error_msg"); got != "MAILKEY.REQUEST.0008 in fr" {
			t.Errorf("answered %q", got)
		}
		k.code("ann@b.example")
		if got := k.mails.last().Language; got != "fr" {
			t.Errorf("mailed in %q", got)
		}
	})
}

// What a client sends as its language never gets into the mail.
func TestMailLanguageIsOneOfOurs(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{"en\r\nBcc: x@y.example": "en", "../../zh": "en", "zh-CN": "zh", "<b>": "en"} {
		play(t, nil, func(k *kit) {
			k.lang = ""
			ticket := k.ticket("ann@b.example")
			r := k.request("POST", sendPath, object("email", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", ticket))
			r.Header.Del("X-L")
			r.Header["Accept-Language"] = []string{strings.NewReplacer("\r", "", "\n", "").Replace(accept)}
			if a := k.do(r); a.status != 200 {
				t.Fatalf("%q: %s", accept, a.body)
			}
			synctest.Wait()
			if got := k.mails.last().Language; got != want {
				t.Errorf("%q: mailed in %q, want %q", accept, got, want)
			}
		})
	}
}
