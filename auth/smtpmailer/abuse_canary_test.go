package smtpmailer

import (
	"bytes"
	"strings"
	"testing"
)

// Of a mail, servers on the way log the headers, and phones show the subject on
// their lock screen: the code is in neither. The credentials of the relay are
// nowhere.
func TestAbuse_J02_NoCodeInHeaders(t *testing.T) {
	t.Parallel()
	mailer := newMailer(t, Config{URL: "smtp://apikey:S3cret-pass@localhost"})
	for _, language := range []string{"en", "zh", "fr"} {
		c := aMail()
		c.Language = language
		raw, err := mailer.Message(c)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if bytes.Contains(head, []byte(c.Code)) {
			t.Errorf("%s: the headers show the code:\n%s", language, head)
		}
		if !bytes.Contains(body, []byte(c.Code)) {
			t.Errorf("%s: the text does not", language)
		}
		for _, private := range []string{"apikey", "S3cret"} {
			if strings.Contains(string(raw), private) {
				t.Errorf("%s: the mail shows %q", language, private)
			}
		}
	}
}
