package loginpage_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/captcha"
)

// Every mistake is told, and all of them at once.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		auth    func(*auth.Config)
		options loginpage.Options
		want    []string
	}{
		{name: "paths", options: loginpage.Options{Path: "login", Home: "//evil.example", Logo: "https://cdn.example/logo.svg"}, want: []string{
			`Path: "login" is not a path of the same origin`, `Home: "//evil.example" is not a path`, `Logo: "https://cdn.example/logo.svg" is not a path`,
		}},
		{name: "query", options: loginpage.Options{Path: "/login?x"}, want: []string{`Path: "/login?x" has a query`}},
		{name: "client", options: loginpage.Options{Client: "app"}, want: []string{`Client: auth.Config.Clients has no cookie client "app"`}},
		{name: "no client", auth: func(c *auth.Config) { c.Clients = c.Clients[1:2] }, want: []string{"auth.Config.Clients has no cookie client"}},
		{name: "captcha", auth: func(c *auth.Config) { c.Captchas = []captcha.Engine{maze{}} }, want: []string{
			"auth.Config.Captchas has none of the kinds [digits slider pow] that the page can show",
		}},
		{name: "colours", options: loginpage.Options{Accent: "red", AccentDark: "#12345"}, want: []string{
			`Accent: "red" is not a colour as #rrggbb`, `AccentDark: "#12345" is not a colour as #rrggbb`,
		}},
		{name: "contrast", options: loginpage.Options{Accent: "#ffee00", AccentDark: "#003300"}, want: []string{
			"Accent: #ffee00 has a contrast of 1.2 to the page, and people need 4.5", "AccentDark: #003300 has a contrast of 1.2 to the page",
		}},
		{name: "texts", options: loginpage.Options{Texts: map[string]map[string]string{
			"en": {"titel": "Hi", "sign_in": ""}, "de": {"language": "Deutsch"},
		}}, want: []string{
			`Texts["en"]: there is no text "titel"`, `Texts["en"]: "sign_in" is missing`,
			`Texts: the login has no messages in "de", see auth.Config.Messages`, `Texts["de"]: "email_title" is missing`,
		}},
		{name: "links", options: loginpage.Options{Links: map[string][]loginpage.Link{"fr": {{}}}}, want: []string{`Links: there are no texts in "fr"`}},
		{name: "unknown file", options: loginpage.Options{Files: fstest.MapFS{"index.html": {}}}, want: []string{
			"Files: index.html is none of api.js, captcha.js, layout.html, login.html, login.js, page.css, pow.js, sessions.html, sessions.js, state.js",
		}},
		{name: "broken template", options: loginpage.Options{Files: fstest.MapFS{"login.html": {Data: []byte("{{if}}")}}}, want: []string{"Files: template: login.html"}},
		{name: "unknown field", options: loginpage.Options{Files: fstest.MapFS{"login.html": {Data: []byte("{{.Nobody}}")}}}, want: []string{"can't evaluate field Nobody"}},
		{name: "unknown text", options: loginpage.Options{Files: fstest.MapFS{"sessions.html": {Data: []byte("{{.Text.nothing}}")}}}, want: []string{`map has no entry for key "nothing"`}},
		{name: "missing elements", options: loginpage.Options{Files: fstest.MapFS{"sessions.html": {Data: []byte(`<ul id="list">`)}}}, want: []string{
			`Files: sessions.html lacks id="error", which sessions.js needs`, `lacks id="here"`, "Files: sessions.html lacks data-texts, which api.js needs",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var changes []func(*auth.Config)
			if row.auth != nil {
				changes = append(changes, row.auth)
			}
			page, err := loginpage.New(newAuth(t, changes...), row.options)
			if err == nil || page != nil {
				t.Fatalf("got %v and no error", page)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got\n%v\nwant\n%s", err, want)
				}
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "loginpage: ") {
					t.Errorf("a mistake that does not say where it is: %s", line)
				}
			}
		})
	}
}

type maze struct{}

func (maze) Kind() string                         { return "maze" }
func (maze) New() ([]byte, captcha.Puzzle, error) { return nil, captcha.Puzzle{}, nil }
func (maze) Check(context.Context, []byte, captcha.Answer) (bool, error) {
	return false, nil
}

func TestOptionsShow(t *testing.T) {
	t.Parallel()
	a := newAuth(t)
	page := newPage(t, a, loginpage.Options{
		Client: "admin", ProductName: "Acme & Sons", Logo: "/static/logo.svg",
		Texts: map[string]map[string]string{"en": {"email_title": "Come <in>"}},
		Links: map[string][]loginpage.Link{"en": {{Text: "Privacy", URL: "/privacy"}}, "zh": {{Text: "隐私", URL: "https://app.example/zh"}}},
	})
	en, zh := get(page, "/login").Body.String(), get(page, "/login?lang=zh").Body.String()
	for _, want := range []string{
		`data-client="admin"`, "Acme &amp; Sons", `<img src="/static/logo.svg"`, "<h1 id=\"email-title\">Come &lt;in&gt;</h1>", `<a href="/privacy">Privacy</a>`,
		`data-captchas="pow digits "`,
	} {
		if !strings.Contains(en, want) {
			t.Errorf("the page does not have %s:\n%s", want, en)
		}
	}
	if !strings.Contains(zh, `<a href="https://app.example/zh">隐私</a>`) || strings.Contains(zh, "Privacy") {
		t.Errorf("the links in Chinese are others:\n%s", zh)
	}
	if strings.Contains(en, `id="slider"`) {
		t.Error("there is a slider, which is not enabled")
	}
}

// A template of the app stands in for one of the page, and is given the same.
func TestFiles(t *testing.T) {
	t.Parallel()
	layout, err := fs.ReadFile(loginpage.BuiltinFiles, "web/layout.html")
	if err != nil {
		t.Fatal(err)
	}
	page := newPage(t, newAuth(t), loginpage.Options{Accent: "#0b6e4f", Files: fstest.MapFS{
		"layout.html": {Data: bytes.Replace(layout, []byte("<header>"), []byte("<header><p>{{.ProductName}} welcomes you</p>"), 1)},
		"page.css":    {Data: []byte("body { margin: 0; }\n")},
	}})
	if got := get(page, "/login").Body.String(); !strings.Contains(got, "<p>Acme welcomes you</p>") {
		t.Errorf("the page is still the old one:\n%s", got)
	}
	if got := get(page, "/login/page.css").Body.String(); !strings.HasPrefix(got, "body { margin: 0; }\n:root { --accent: #0b6e4f;") {
		t.Errorf("the stylesheet is still the old one:\n%s", got)
	}
}

// Languages have the same texts, with the same placeholders, and each of them is
// used.
func TestTexts(t *testing.T) {
	t.Parallel()
	all := loginpage.BuiltinTexts(t)
	var used strings.Builder
	err := fs.WalkDir(loginpage.BuiltinFiles, "web", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(loginpage.BuiltinFiles, path)
		used.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	placeholder := regexp.MustCompile(`\{\w+\}`)
	for key, english := range all["en"] {
		for tag, texts := range all {
			got, want := placeholder.FindAllString(texts[key], -1), placeholder.FindAllString(english, -1)
			slices.Sort(got)
			slices.Sort(want)
			if texts[key] == "" || !slices.Equal(got, want) {
				t.Errorf("%s of %s is %q, and in English %q", key, tag, texts[key], english)
			}
		}
		if !strings.Contains(key, ".") && !strings.Contains(used.String(), ".Text."+key+"}}") && !strings.Contains(used.String(), "say('"+key+"'") && key != "language" && key != "noscript" {
			t.Errorf("nobody uses %s", key)
		}
	}
	for tag, texts := range all {
		if len(texts) != len(all["en"]) {
			t.Errorf("%s has %v, and English %v", tag, slices.Sorted(maps.Keys(texts)), slices.Sorted(maps.Keys(all["en"])))
		}
	}
	for _, said := range regexp.MustCompile(`say\('(\w+)'`).FindAllStringSubmatch(used.String(), -1) {
		if all["en"][said[1]] == "" {
			t.Errorf("a script says %s, which is no text", said[1])
		}
	}
}

// A colour for the light page is made lighter for the dark one, and buttons are
// written on in what can be read.
func TestAccent(t *testing.T) {
	t.Parallel()
	css, err := fs.ReadFile(loginpage.BuiltinFiles, "web/page.css")
	if err != nil {
		t.Fatal(err)
	}
	cards := regexp.MustCompile(`--card: (#\w+);`).FindAllStringSubmatch(string(css), -1)
	if len(cards) != 2 || cards[0][1] != loginpage.LightCard || cards[1][1] != loginpage.DarkCard {
		t.Errorf("the cards of the stylesheet are %v", cards)
	}
	a := newAuth(t)
	for _, row := range []struct{ light, dark, want string }{
		{"#2456d3", "", ":root { --accent: #2456d3; --on-accent: #ffffff; }\n@media (prefers-color-scheme: dark) { :root { --accent: #7191e2; --on-accent: #000000; } }\n"},
		{"", "#ffcc00", ":root { --accent: #2456d3; --on-accent: #ffffff; }\n@media (prefers-color-scheme: dark) { :root { --accent: #ffcc00; --on-accent: #000000; } }\n"},
		{"#000000", "", ":root { --accent: #000000; --on-accent: #ffffff; }\n@media (prefers-color-scheme: dark) { :root { --accent: #999999; --on-accent: #000000; } }\n"},
		{"", "", ""},
	} {
		served := get(newPage(t, a, loginpage.Options{Accent: row.light, AccentDark: row.dark}), "/login/page.css").Body.String()
		if got := strings.TrimPrefix(served, string(css)); got != row.want {
			t.Errorf("%s: got\n%swant\n%s", fmt.Sprint(row.light, row.dark), got, row.want)
		}
	}
}
