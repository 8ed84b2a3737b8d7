package smtpmailer

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"example.com/mailkey/auth"
)

var update = flag.Bool("update", false, "write the golden files under testdata")

// parts takes a mail apart again: headers as written, and the decoded texts.
func parts(tb testing.TB, raw []byte) (header, text, htmlText string) {
	tb.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/alternative" {
		tb.Fatalf("Content-Type is %q, %v", mediaType, err)
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	header = strings.ReplaceAll(string(head), params["boundary"], "BOUNDARY")
	header = strings.ReplaceAll(header, "\r\n", "\n") + "\n"

	r := multipart.NewReader(msg.Body, params["boundary"])
	read := func(contentType string) string {
		p, err := r.NextRawPart()
		if err != nil {
			tb.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != contentType {
			tb.Errorf("Content-Type of a part is %q, want %q", got, contentType)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			tb.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	text = read("text/plain; charset=UTF-8")
	htmlText = read("text/html; charset=UTF-8")
	if _, err := r.NextPart(); err != io.EOF {
		tb.Errorf("after two parts: %v, want EOF", err)
	}
	return header, text, htmlText
}

func TestAbuse_B15_GoldenMail(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "zh"} {
		t.Run(language, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // for the Date
				c := aMail()
				c.Language, c.Product = language, "Tea & Cake"
				raw, err := newMailer(t, Config{}).Message(c)
				if err != nil {
					t.Fatal(err)
				}
				header, text, htmlText := parts(t, raw)
				golden(t, language+".header", header)
				golden(t, language+".txt", text)
				golden(t, language+".html", htmlText)

				if strings.Contains(header, c.Code) {
					t.Errorf("the code is in the headers")
				}
				if first := strings.Index(text, c.Code); len([]rune(text[:max(first, 0)])) < 80 {
					t.Errorf("the code is among the first characters, which previews show:\n%s", text)
				}
				if last := text[strings.LastIndexByte(text, '\n')+1:]; last != "@app.example #407182" {
					t.Errorf("the last line is %q", last)
				}
				if strings.Contains(text+htmlText, "alice") || strings.Contains(text+htmlText, "://") {
					t.Errorf("the mail holds an address or a link")
				}
			})
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (write it with -update):\n%s\nwant:\n%s", file, got, want)
	}
}

// Nothing that a name or a text can hold becomes an element, an attribute or a
// link of the mail.
func TestAbuse_B07_NothingBecomesMarkup(t *testing.T) {
	t.Parallel()
	for _, product := range []string{
		`Example`,
		`<a href=//evil.example>Sign in</a>`,
		`&lt;img src=x onerror=alert(1)&gt;`,
		`"><img src=//evil.example/p.gif>`,
		`](//evil.example)`,
		`</title><script>alert(1)</script>`,
		`{{.Code}}`,
	} {
		c := aMail()
		c.Product = product
		raw, err := newMailer(t, Config{}).Message(c)
		if err != nil {
			t.Fatal(err)
		}
		_, _, text := parts(t, raw)
		for z := html.NewTokenizer(strings.NewReader(text)); ; {
			if kind := z.Next(); kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch token.Data {
			case "a", "img", "script", "link", "iframe", "object", "form", "base", "svg":
				if token.Type != html.TextToken {
					t.Errorf("%q became %v", product, token)
				}
			}
			for _, attr := range token.Attr {
				if strings.HasPrefix(attr.Key, "on") || attr.Key == "src" || attr.Key == "href" || strings.Contains(attr.Val, "url(") {
					t.Errorf("%q became the attribute %v", product, attr)
				}
			}
		}
	}
}

func TestAbuse_B04_B05_Injection(t *testing.T) {
	t.Parallel()
	mailer := newMailer(t, Config{})
	set := func(change func(*auth.CodeMail)) auth.CodeMail {
		c := aMail()
		change(&c)
		return c
	}
	for _, to := range []string{
		"", "a", "@", "a@", "@b.example", "a@b@c.example",
		"a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example\n", "\ra@b.example", "a\x00@b.example",
		"a b@c.example", "a\t@b.example", " a@b.example", "a@b.example ", "a@b .example",
		"<a@b.example>", "a@b.example>", "a@b.example> NOTIFY=SUCCESS", "a@b.example SMTPUTF8",
		`"a"@b.example`, `"a\"> NOTIFY=NEVER"@b.example`, `a\@b.example`,
		"A <a@b.example>", "a@b.example,c@d.example", "a@b.example;c@d.example", "g:a@b.example;",
		"(c)a@b.example", "@r.example:a@b.example", "a@[127.0.0.1]", "a@b..example", ".a@b.example", "a.@b.example", "a..a@b.example",
		"a%c.example@b.example", "b.example!a@c.example", "a@b_c.example",
		"ä@b.example", "a@münchen.example", "a@b.example\u2028", "a\u200b@b.example", "ａ@b.example",
		strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b.", 130) + "example",
		"=?utf-8?q?a?=@b.example\r", "${jndi}\n@b.example",
	} {
		raw, err := mailer.Message(set(func(c *auth.CodeMail) { c.To = to }))
		if raw != nil || !errors.Is(err, auth.ErrMailRejected) {
			t.Errorf("To %q: got %v, want ErrMailRejected", to, err)
		}
		if err != nil && len(to) > 2 && strings.Contains(err.Error(), to) {
			t.Errorf("the error shows the address: %v", err)
		}
	}
	for _, to := range []string{
		"a@b.example", "a+b.c-d_e@sub.b.example", "o'hara@xn--mnchen-3ya.example", "#$&*=?^{|}~/@b.example",
		strings.Repeat("a", 64) + "@b.example", "root@localhost",
	} {
		raw, err := mailer.Message(set(func(c *auth.CodeMail) { c.To = to }))
		if err != nil {
			t.Errorf("To %q: %v", to, err)
			continue
		}
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if list, err := msg.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to || list[0].Name != "" {
			t.Errorf("To %q arrives as %v, %v", to, list, err)
		}
	}

	for _, tt := range []struct {
		name   string
		change func(*auth.CodeMail)
	}{
		{"no MessageID", func(c *auth.CodeMail) { c.MessageID = "" }},
		{"MessageID in brackets", func(c *auth.CodeMail) { c.MessageID = "<a@b.example>" }},
		{"MessageID with a line break", func(c *auth.CodeMail) { c.MessageID = "a@b.example>\r\nBcc: <c@d.example" }},
		{"MessageID with a space", func(c *auth.CodeMail) { c.MessageID = "a @b.example" }},
		{"MessageID without a right side", func(c *auth.CodeMail) { c.MessageID = "a" }},
		{"no code", func(c *auth.CodeMail) { c.Code = "" }},
		{"code with a line break", func(c *auth.CodeMail) { c.Code = "123456\n@evil.example #123456" }},
		{"code with markup", func(c *auth.CodeMail) { c.Code = "<b>123456" }},
		{"expired", func(c *auth.CodeMail) { c.ExpiresAt = time.Now() }},
		{"never expiring", func(c *auth.CodeMail) { c.ExpiresAt = time.Time{} }},
	} {
		raw, err := mailer.Message(set(tt.change))
		if err == nil || raw != nil {
			t.Errorf("%s: accepted", tt.name)
		}
		if errors.Is(err, auth.ErrMailRejected) {
			t.Errorf("%s: %v is the fault of the recipient", tt.name, err)
		}
	}
}

func TestAbuse_B08_LineBreaksStayInTheirHeader(t *testing.T) {
	t.Parallel()
	c := aMail()
	c.Product = "Example\r\nBcc: <c@d.example>\r\n\r\nhello"
	c.Language = "en\r\nBcc: <c@d.example>"
	raw, err := newMailer(t, Config{}).Message(c)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := parts(t, raw)
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(msg.Header) != 8 || msg.Header.Get("Bcc") != "" {
		t.Errorf("headers:\n%s", header)
	}
	if got, want := msg.Header.Get("Subject"), "Example Bcc: <c@d.example> hello sign-in code"; got != want {
		t.Errorf("Subject is %q, want %q", got, want)
	}
}

// The line for phones appears for plain host names, in which nothing can hide.
func TestOriginLine(t *testing.T) {
	t.Parallel()
	mailer := newMailer(t, Config{})
	for _, tt := range []struct {
		host string
		want bool
	}{
		{"app.example", true},
		{"localhost", true},
		{"xn--mnchen-3ya.example", true},
		{"", false},
		{"app.example:8443", false},
		{"[::1]", false},
		{"app.example @evil.example", false},
		{"app.example\n@evil.example", false},
	} {
		c := aMail()
		c.Host = tt.host
		raw, err := mailer.Message(c)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := parts(t, raw)
		if got := strings.HasSuffix(text, "\n\n@"+tt.host+" #"+c.Code); got != tt.want {
			t.Errorf("host %q: line is there: %v, want %v", tt.host, got, tt.want)
		}
		if strings.HasSuffix(text, "\n") || strings.Contains(text, "evil") {
			t.Errorf("host %q: the text is\n%s", tt.host, text)
		}
	}
}

func TestMinutes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		left time.Duration
		want string
	}{
		{10 * time.Minute, "within the next 10 minutes."},
		{10*time.Minute - 3*time.Second, "within the next 10 minutes."},
		{9*time.Minute + 20*time.Second, "within the next 9 minutes."},
		{70 * time.Second, "within the next 1 minute."},
		{5 * time.Second, "within the next 1 minute."},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := aMail()
			c.ExpiresAt = time.Now().Add(tt.left)
			raw, err := newMailer(t, Config{}).Message(c)
			if err != nil {
				t.Fatal(err)
			}
			_, text, htmlText := parts(t, raw)
			if !strings.Contains(text, tt.want) || !strings.Contains(htmlText, tt.want) {
				t.Errorf("%v left: want %q in\n%s", tt.left, tt.want, text)
			}
		})
	}
}

// What auth takes for an address, smtpmailer mails to.
func TestMailboxes(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"#$&'*+-/=^_`{|}~@b.example", "a.b+c@xn--p1ai.xn--p1ai", strings.Repeat("a", 64) + "@b.c1d"} {
		if !isMailbox(to) {
			t.Errorf("%s is none", to)
		}
	}
}

// Every address that passes is one recipient, for a parser of headers and for
// one of commands.
func FuzzMailbox(f *testing.F) {
	for _, seed := range []string{"a@b.example", "a@b.example> NOTIFY=NEVER", "\"a b\"@c.example", "a@b\r\n.example"} {
		f.Add(seed)
	}
	command := regexp.MustCompile(`\A[!-;=?-~]+@[!-;=?-~]+\z`) // what may stand between < and >
	f.Fuzz(func(t *testing.T, to string) {
		if !isMailbox(to) {
			return
		}
		if !command.MatchString(to) || strings.Count(to, "@") != 1 || strings.ContainsAny(to, `",;:()[]\`) {
			t.Errorf("accepted %q", to)
		}
		if list, err := mail.ParseAddressList("<" + to + ">"); err != nil || len(list) != 1 || list[0].Address != to {
			t.Errorf("%q reads as %v, %v", to, list, err)
		}
	})
}
