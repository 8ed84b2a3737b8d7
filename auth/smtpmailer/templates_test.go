package smtpmailer

import (
	"strings"
	"testing"
)

func TestFault_R47_BrokenTemplates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lang string
		t    Template
		want string
	}{
		{"Subject does not parse", "en", Template{Subject: "{{.Product"}, "Subject:1: unclosed action"},
		{"Text does not parse", "en", Template{Text: "{{.Code}} {{if}}"}, "Text:1: missing value for if"},
		{"HTML does not parse", "en", Template{HTML: "{{.Code}} {{end}}"}, "HTML:1: unexpected {{end}}"},
		{"HTML that cannot be escaped", "en", Template{HTML: `<a href="{{.Code}}`}, "ends in a non-text context"},
		{"an unknown field", "en", Template{Text: "{{.Code}} {{.Link}}"}, "can't evaluate field Link"},
		{"an unknown field, when a minute is left", "en", Template{Text: "{{.Code}}{{if eq .Minutes 1}}{{.Link}}{{end}}"}, "can't evaluate field Link"},
		{"an unknown function", "en", Template{Subject: "{{shout .Product}}"}, `function "shout" not defined`},
		{"Subject of spaces", "en", Template{Subject: " \n"}, "Subject is empty"},
		{"Subject with the code", "zh", Template{Subject: "{{.Code}} {{.Product}}"}, "Subject shows the code"},
		{"Text without the code", "zh", Template{Text: "hello"}, "Text does not show {{.Code}}"},
		{"HTML without the code", "zh", Template{HTML: "<p>hello"}, "HTML does not show {{.Code}}"},
		{"HTML with the code in a comment", "zh", Template{HTML: "<!-- {{.Code}} -->"}, "HTML does not show {{.Code}}"},
		{"a language that is not built in", "de", Template{Text: "{{.Code}}", HTML: "{{.Code}}"}, `Templates["de"] must have`},
		{"an empty template", "fr", Template{}, `Templates["fr"] must have`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Config{URL: "smtp://localhost", From: "login@app.example", Templates: map[string]Template{tt.lang: tt.t}})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `Templates["`+tt.lang+`"]`) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	full := func(subject string) Template {
		return Template{Subject: subject, Text: "{{.Code}}", HTML: "{{.Code}}"}
	}
	mailer := newMailer(t, Config{Templates: map[string]Template{
		"de":    full("Anmeldecode für {{.Product}}"),
		"zh-TW": full("登入驗證碼"),
		"en":    {Subject: "Hello"},
	}})
	for _, tt := range []struct{ language, subject, text string }{
		{"en", "Hello", "Enter the code below"},
		{"en-GB", "Hello", "Enter the code below"},
		{"zh", "Example 登录验证码", "请输入"},
		{"zh-CN", "Example 登录验证码", "请输入"},
		{"zh-Hans-CN", "Example 登录验证码", "请输入"},
		{"zh-TW", "登入驗證碼", "407182"},
		{"ZH-tw", "登入驗證碼", "407182"},
		{"de-AT", "Anmeldecode für Example", "407182"},
		{"den", "Hello", "Enter the code below"},
		{"fr", "Hello", "Enter the code below"},
		{"", "Hello", "Enter the code below"},
		{"-", "Hello", "Enter the code below"},
		{"../../etc/passwd", "Hello", "Enter the code below"},
	} {
		r, err := pick(mailer.templates, tt.language).render(Data{Code: "407182", Product: "Example", Minutes: 5})
		if err != nil {
			t.Fatal(err)
		}
		if r.subject != tt.subject || !strings.HasPrefix(r.text, tt.text) {
			t.Errorf("%q: got %q and %.40q, want %q and %q", tt.language, r.subject, r.text, tt.subject, tt.text)
		}
	}
}

// A custom text gets the last line for phones, and its HTML is escaped.
func TestCustomTemplate(t *testing.T) {
	t.Parallel()
	mailer := newMailer(t, Config{Templates: map[string]Template{"en": {
		Text: "{{.Product}} {{.Host}} {{.Minutes}}: {{.Code}}\n\n\n",
		HTML: "<b title='{{.Host}}'>{{.Product}}</b> {{.Code}}",
	}}})
	c := aMail()
	c.Product = "Tea & <Cake>"
	raw, err := mailer.Message(c)
	if err != nil {
		t.Fatal(err)
	}
	_, text, htmlText := parts(t, raw)
	if want := "Tea & <Cake> app.example 10: 407182\n\n@app.example #407182"; text != want {
		t.Errorf("text is %q, want %q", text, want)
	}
	if want := "<b title='app.example'>Tea &amp; &lt;Cake&gt;</b> 407182"; htmlText != want {
		t.Errorf("HTML is %q, want %q", htmlText, want)
	}
}
