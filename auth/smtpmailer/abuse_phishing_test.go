package smtpmailer

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Nobody can keep people from passing on a code, but each mail says whose it is
// and that nobody will ask for it, before it shows the code.
func TestAbuse_C30_neverShare(t *testing.T) {
	t.Parallel()
	warnings := map[string]string{
		"en": "sign in to Tea & Cake. It works once, within the next 10 minutes. Never share it: nobody at Tea & Cake will ask you for it.",
		"zh": "登录 Tea & Cake。验证码在 10 分钟内有效，且只能使用一次。请勿告诉任何人：Tea & Cake 的工作人员绝不会向您索要验证码。",
	}
	m := newMailer(t, Config{})
	for language, warning := range warnings {
		c := aMail()
		c.Language, c.Product = language, "Tea & Cake"
		raw, err := m.Message(c)
		if err != nil {
			t.Fatal(err)
		}
		_, text, htmlText := parts(t, raw)
		for _, body := range []string{text, html.UnescapeString(htmlText)} {
			if said, code := strings.Index(body, warning), strings.Index(body, c.Code); said < 0 || said > code {
				t.Errorf("%s: not said before the code: %q in\n%s", language, warning, body)
			}
		}
	}
	if templates, err := filepath.Glob("templates/*.txt"); err != nil || len(templates) != len(warnings) {
		t.Errorf("there are mails in %q, %v, and warnings in %d languages", templates, err, len(warnings))
	}
}
